"""Bytes that no client of good will sends: the broker closes, keeps its memory, and goes on serving others."""
import socket
import ssl
import struct

import pytest
from kafka_server import SERVERS, token

METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 3, 17, 18, 36


@pytest.fixture
def connect(bootstrap):
    host, port = bootstrap.split(':')
    opened = []

    def make():
        context = ssl.create_default_context(cafile=SERVERS[bootstrap].ca)
        plain = socket.create_connection((host, int(port)), timeout=10)
        opened.append(context.wrap_socket(plain, server_hostname=host))
        return opened[-1]
    yield make
    for sock in opened:
        sock.close()


def request(api, version, body=b'', correlation=7):
    payload = struct.pack('>hhih', api, version, correlation, 4) + b'evil' + body
    return struct.pack('>i', len(payload)) + payload


def answer(sock):
    """The next frame without its length, None if the broker closed."""
    def exactly(count):
        data = b''
        while len(data) < count:
            more = sock.recv(count - len(data))
            if not more:
                return None
            data += more
        return data
    try:
        head = exactly(4)
        return head and exactly(struct.unpack('>i', head)[0])
    except (ConnectionResetError, ssl.SSLError):
        return None


def text(value):
    return struct.pack('>h', len(value)) + value


def log_in(sock):
    bootstrap = 'localhost:%d' % sock.getpeername()[1]
    sock.sendall(request(SASL_HANDSHAKE, 1, text(b'OAUTHBEARER')))
    assert answer(sock)[4:6] == b'\0\0'
    message = b'n,,\x01auth=Bearer ' + token(bootstrap, 'all')[0].encode() + b'\x01\x01'
    sock.sendall(request(SASL_AUTHENTICATE, 1, struct.pack('>i', len(message)) + message))
    assert answer(sock)[4:6] == b'\0\0'


def test_a_request_before_the_login_closes(connect):
    sock = connect()
    sock.sendall(request(METADATA, 1, struct.pack('>i', 0)))
    assert answer(sock) is None


def test_a_handshake_alone_is_no_login(connect):
    sock = connect()
    sock.sendall(request(SASL_HANDSHAKE, 1, text(b'AWS_MSK_IAM')))
    assert answer(sock) is not None
    sock.sendall(request(METADATA, 1, struct.pack('>i', 0)))
    assert answer(sock) is None


def test_authenticate_without_handshake_is_an_illegal_state(connect):
    sock = connect()
    sock.sendall(request(SASL_AUTHENTICATE, 1, struct.pack('>i', 1) + b'x'))
    assert struct.unpack('>h', answer(sock)[4:6]) == (34,)
    assert answer(sock) is None


@pytest.mark.parametrize('length', [-1, 256 * 1024 + 1, 350 << 20, 2**31 - 1])
def test_a_large_frame_before_the_login_closes_at_its_length(connect, length):
    sock = connect()
    sock.sendall(struct.pack('>i', length))
    assert answer(sock) is None


def test_tls_inside_tls_is_a_frame_too_large(connect):
    sock = connect()
    sock.sendall(bytes.fromhex('16030100c8010000c40303'))
    assert answer(sock) is None


def test_plain_bytes_on_the_tls_port_close(bootstrap):
    host, port = bootstrap.split(':')
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        sock.sendall(request(API_VERSIONS, 0))
        assert b'localhost' not in (sock.recv(1000) or b'')
        try:
            assert sock.recv(1000) == b''
        except ConnectionResetError:
            pass


def test_a_frame_over_100_mib_after_the_login_closes(connect):
    sock = connect()
    log_in(sock)
    sock.sendall(struct.pack('>i', (100 << 20) + 1))
    assert answer(sock) is None


@pytest.mark.parametrize('count', [2**31 - 1, -2, 1_000_000])
def test_an_array_count_without_elements_closes(connect, count):
    sock = connect()
    log_in(sock)
    sock.sendall(request(METADATA, 1, struct.pack('>i', count)))
    assert answer(sock) is None


def test_unknown_api_versions_are_answered_in_version_0(connect):
    sock = connect()
    sock.sendall(request(API_VERSIONS, 99))
    reply = answer(sock)
    assert struct.unpack('>ihi', reply[:10]) == (7, 35, 1)
    sock.sendall(request(API_VERSIONS, 0))
    reply = answer(sock)
    assert struct.unpack('>ih', reply[:6]) == (7, 0)
    produce = [struct.unpack('>hhh', reply[at:at + 6]) for at in range(10, len(reply), 6)][0]
    assert produce == (0, 0, 10)  # KAFKA-18659: from version 0 on


@pytest.mark.parametrize('api,version', [(METADATA, 99), (1, 3), (4, 0), (999, 0), (-1, -1)])
def test_unknown_apis_and_versions_close(connect, api, version):
    sock = connect()
    log_in(sock)
    sock.sendall(request(api, version))
    assert answer(sock) is None


def test_pipelined_requests_are_answered_in_order(connect):
    sock = connect()
    log_in(sock)
    sock.sendall(b''.join(request(METADATA, 1, struct.pack('>i', 0), correlation=i) for i in range(50)))
    assert [struct.unpack('>i', answer(sock)[:4])[0] for _ in range(50)] == list(range(50))


def test_the_principal_cannot_change_on_a_connection(connect):
    sock = connect()
    log_in(sock)
    log_in(sock)
    sock.sendall(request(SASL_HANDSHAKE, 1, text(b'OAUTHBEARER')))
    assert answer(sock)[4:6] == b'\0\0'
    message = b'n,,\x01auth=Bearer ' + token('localhost:%d' % sock.getpeername()[1], 'seed')[0].encode() + b'\x01\x01'
    sock.sendall(request(SASL_AUTHENTICATE, 1, struct.pack('>i', len(message)) + message))
    reply = answer(sock)
    assert struct.unpack('>h', reply[4:6]) == (58,)
    assert b'Cannot change principals' in reply
    assert answer(sock) is None
