"""What clients cost that nobody knows yet: each of many connections sends as much as it may before it is refused."""
import concurrent.futures
import datetime
import os
import re
import socket
import ssl
import struct

import pytest

CONNECTIONS = 500
EACH_KIB_MAX = 256  # with each one's part of the 64 MiB that all share for bodies to be hashed first
SLACK_KIB = 8_000  # caches and threads, which are made once


def resident_kib(process):
    with open(f'/proc/{process.pid}/status', encoding='ascii') as status:
        return int(re.search(r'VmRSS:\s+(\d+)', status.read())[1])


def stamp():
    return datetime.datetime.now(datetime.timezone.utc).strftime('%Y%m%dT%H%M%SZ')


def signed_by_nobody(key, service='sts'):
    """Headers whose signature says nothing before the body has been hashed."""
    date = stamp()
    return [('x-amz-date', date), ('content-type', 'application/x-www-form-urlencoded'),
            ('authorization', f'AWS4-HMAC-SHA256 Credential={key}/{date[:8]}/us-east-2/{service}/aws4_request, '
                              f'SignedHeaders=content-type;host;x-amz-date, Signature={"0" * 64}')]


def take(connection, data):
    """Sends what the server takes without waiting for long, and leaves the rest."""
    connection.settimeout(0.2)
    try:
        connection.sendall(data)
    except (TimeoutError, OSError):
        pass  # it takes no more: that is what is measured
    return connection


def opened(port):
    return socket.create_connection(('127.0.0.1', port))


def head_that_does_not_end(port, key, _number):
    return take(opened(port), b'PUT /b/k HTTP/1.1\r\nHost: h\r\n' + b''.join(
        b'x-%d: %s\r\n' % (i, b'v' * 1000) for i in range(62)))


def body_to_be_hashed_first(port, key, _number):
    """1 MB of which the last byte never comes."""
    lines = [f'{name}: {value}' for name, value in signed_by_nobody(key)]
    head = '\r\n'.join(['POST / HTTP/1.1', 'Host: h', f'Content-Length: {1 << 20}', *lines, '', ''])
    return take(opened(port), head.encode() + b'x' * ((1 << 20) - 1))


def unsigned_form(port, key, _number):
    head = (f'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {120 << 10}\r\n'
            'Content-Type: application/x-www-form-urlencoded\r\n\r\n')
    return take(opened(port), head.encode() + b'x' * ((120 << 10) - 1))


def half_a_handshake(port, key, number):
    """A client's hello, whole or cut off; nothing follows."""
    ours, hello = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = ssl.create_default_context().wrap_bio(ours, hello, server_hostname='localhost')
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    data = hello.read()
    return take(opened(port), data if number % 2 else data[:len(data) // 2])


DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 7, 8, 9
ACK, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload):
    return struct.pack('>I', len(payload))[1:] + struct.pack('>BBI', kind, flags, stream) + payload


def prefixed(text):
    """A string of HPACK, plain."""
    data = text.encode()
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, out = len(data) - 127, b'\x7f'
    while rest >= 128:
        out, rest = out + bytes([rest % 128 + 128]), rest // 128
    return out + bytes([rest]) + data


def streams(port, key, _number, count, head_bytes, body_bytes):
    """Requests beside each other, none of which ends. HEADERS, CONTINUATION where they are large, DATA."""
    fields = [(':method', 'POST'), (':scheme', 'http'), (':path', '/'), (':authority', 'h'), *signed_by_nobody(key),
              ('x-filler', 'v' * head_bytes)]
    block = b''.join(b'\x00' + prefixed(name) + prefixed(value) for name, value in fields)
    parts = [block[i:i + 16_000] for i in range(0, len(block), 16_000)]
    out = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + frame(SETTINGS, 0, 0, b'')
    ids = range(1, 2 * count, 2)
    for stream in ids:
        for i, part in enumerate(parts):
            out += frame(CONTINUATION if i else HEADERS, END_HEADERS if i == len(parts) - 1 else 0, stream, part)
    connection = take(opened(port), out)
    windows, sent = {0: 65_535, **dict.fromkeys(ids, 65_535)}, dict.fromkeys(ids, 0)
    buffer, closed = b'', set()
    while True:  # as far as the windows open
        for stream in ids:
            room = min(windows[0], windows[stream], body_bytes - sent[stream], 16_000)
            if room > 0 and stream not in closed:
                take(connection, frame(DATA, 0, stream, b'x' * room))
                for one in (0, stream):
                    windows[one] -= room
                sent[stream] += room
        try:
            got = connection.recv(65_536)
        except OSError:
            return connection
        if not got:
            return connection
        buffer += got
        while len(buffer) >= 9 and len(buffer) >= 9 + int.from_bytes(buffer[:3], 'big'):
            size, kind, flags = int.from_bytes(buffer[:3], 'big'), buffer[3], buffer[4]
            stream, payload, buffer = int.from_bytes(buffer[5:9], 'big'), buffer[9:9 + size], buffer[9 + size:]
            if kind == WINDOW_UPDATE:
                windows[stream] = windows.get(stream, 0) + int.from_bytes(payload, 'big')
            elif kind == SETTINGS and not flags & ACK:
                take(connection, frame(SETTINGS, ACK, 0, b''))
            elif kind in (HEADERS, RST_STREAM):
                closed.add(stream)
            elif kind == GOAWAY:
                return connection


def many_streams(port, key, number):
    return streams(port, key, number, 100, 600, 64 << 10)


def large_heads(port, key, number):
    return streams(port, key, number, 4, 55_000, 64 << 10)


@pytest.mark.parametrize('attack', [head_that_does_not_end, unsigned_form, half_a_handshake, body_to_be_hashed_first,
                                    many_streams, large_heads])
def test_strangers_memory_is_bounded(own_mekong, attack):
    key = own_mekong.env()['AWS_ACCESS_KEY_ID']
    sts = own_mekong.client('sts')
    for _ in range(50):
        sts.get_caller_identity()
    before = resident_kib(own_mekong.process)
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        all_of_them = list(pool.map(lambda number: attack(own_mekong.port, key, number), range(CONNECTIONS)))
    sts.get_caller_identity()  # whose body's hash is in its head
    cost = resident_kib(own_mekong.process) - before
    for connection in all_of_them:
        connection.close()
    print(f'{attack.__name__}: {cost} KiB for {CONNECTIONS} connections, {cost / CONNECTIONS:.0f} each')
    if os.environ.get('MEKONG_PRESET') not in ('asan', 'tsan'):  # whose memory is not the server's
        assert cost <= CONNECTIONS * EACH_KIB_MAX + SLACK_KIB
