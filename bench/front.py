"""Requests a second and streaming through the front, beside a plain loop on Boost.Beast.

h2load asks both the same: sts:GetCallerIdentity, signed once by botocore and sent again and again over 8 connections. Mekong
verifies each signature, authorises and answers in XML; the plain loop reads the request and says "ok" (bench/beast_peer.cpp).
Streaming: curl sends 1 GiB to the plain loop, which drops it; to the front with an S3 behind it that drops it too
(bench/front_sink.cpp: HTTP, signature, pipeline), with and without its SHA-256 signed (beside what openssl hashes alone); and
to Mekong's S3, which computes its ETag (MD5, the slowest of all that is done with the bytes) and stores it. Client and server
share the machine.
"""
import collections
import hashlib
import hmac
import os
import pathlib
import re
import statistics
import subprocess
import tempfile

import frame
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from server import MEKONG, free_ports

ROUNDS = 3
SECONDS = 5
BODY = 'Action=GetCallerIdentity&Version=2011-06-15'
SIZE = 1 << 30
SHA256 = '49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14'  # of that many zeros
STREAMED = ('STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
            'STREAMING-UNSIGNED-PAYLOAD-TRAILER')
BUILD = frame.ROOT / 'build' / os.environ.get('MEKONG_PRESET', 'release')
THREADS = str(min(2, os.cpu_count()))


def request(port):
    made = AWSRequest('POST', f'http://127.0.0.1:{port}/', data=BODY,
                      headers={'Content-Type': 'application/x-www-form-urlencoded'})
    SigV4Auth(Credentials('test', 'test'), 'sts', 'us-east-1').add_auth(made)
    return dict(made.headers.items())


def load(port, folder, *words):
    """(requests a second, 50th and 99th percentile in ms)"""
    body, log = folder / 'body', folder / 'log'
    body.write_text(BODY)
    log.unlink(missing_ok=True)
    headers = [word for name, value in request(port).items() for word in ('-H', f'{name}: {value}')]
    printed = subprocess.run(['h2load', '-c', '8', '-t', '1', '-D', str(SECONDS), '--warm-up-time', '1', '-d', str(body),
                              f'--log-file={log}', *headers, *words, f'http://127.0.0.1:{port}/'],
                             capture_output=True, text=True, check=True).stdout
    codes = re.search(r'status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx', printed)
    assert codes and int(codes[1]) > 0 and codes[3] == codes[4] == '0', printed
    times = sorted(int(line.split()[2]) / 1000 for line in log.read_text().splitlines())
    return float(re.search(r'([\d.]+) req/s', printed)[1]), times[len(times) // 2], times[len(times) * 99 // 100]


def measure(side, port, measures, folder, versions):
    for version, words in versions.items():
        rate, half, _ = load(port, folder, *words)
        measures[side, f'{version}: requests a second'].append(rate)
        paced = str(max(1, int(rate / 2 / 8)))
        _, half, most = load(port, folder, *words, '--rps', paced)
        measures[side, f'{version}: p50 ms at half the load'].append(half)
        measures[side, f'{version}: p99 ms at half the load'].append(most)


def curl(port, path, *words):
    return subprocess.run(['curl', '-sS', '-f', '--expect100-timeout', '0.001', '--aws-sigv4', 'aws:amz:us-east-1:s3', '--user',
                           'test:test', '-o', '/dev/null', *words, f'http://127.0.0.1:{port}{path}'],
                          capture_output=True, text=True, check=True).stdout


def upload(port, folder, payload='UNSIGNED-PAYLOAD'):
    """GB a second of a body of 1 GiB of zeros. `payload`: what is signed of it."""
    big = folder / 'big'
    if not big.exists():
        with open(big, 'wb') as file:
            file.truncate(SIZE)
        subprocess.run(['cat', str(big)], check=True, stdout=subprocess.DEVNULL)  # into memory: the disk is not measured
    return float(curl(port, '/bench/big', '-T', str(big), '-H', f'x-amz-content-sha256: {payload}', '-w',
                      '%{speed_upload}')) / 1e9


def streamed(port, folder, payload):
    """GB a second of the same bytes in AWS's chunks of 128 KiB, each signed where the payload says so."""
    signed, trailer = 'AWS4-HMAC-SHA256' in payload, payload.endswith('-TRAILER')
    made = AWSRequest('PUT', f'http://127.0.0.1:{port}/bench/big', headers={
        'X-Amz-Decoded-Content-Length': str(SIZE), 'Content-Encoding': 'aws-chunked',
        **({'X-Amz-Trailer': 'x-amz-checksum-crc32'} if trailer else {})})
    signer = S3SigV4Auth(Credentials('test', 'test'), 's3', 'us-east-1')
    signer.payload = lambda request: payload
    signer.add_auth(made)
    key = b'AWS4test'
    date = made.context['timestamp']
    scope = [date[:8], 'us-east-1', 's3', 'aws4_request']
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    empty = hashlib.sha256().hexdigest()
    last = made.headers['Authorization'].rsplit('Signature=', 1)[1]

    def sign(kind, *hashes):
        text = '\n'.join([f'AWS4-HMAC-SHA256-{kind}', date, '/'.join(scope), last, *hashes])
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    piece = bytes(128 << 10)
    piece_hash = hashlib.sha256(piece).hexdigest()
    body = folder / 'chunks'
    with open(body, 'wb') as file:
        for size in [len(piece)] * (SIZE // len(piece)) + [0]:
            last = sign('PAYLOAD', empty, piece_hash if size else empty) if signed else ''
            file.write(f'{size:x}'.encode() + (f';chunk-signature={last}' if signed else '').encode() + b'\r\n')
            file.write(piece + b'\r\n' if size else b'')
        if trailer:
            line = 'x-amz-checksum-crc32:8G2jhw=='
            file.write(line.encode() + b'\r\n')
            if signed:
                last = sign('TRAILER', hashlib.sha256(line.encode() + b'\n').hexdigest())
                file.write(f'x-amz-trailer-signature:{last}\r\n'.encode())
        file.write(b'\r\n')
    headers = [word for name, value in made.headers.items() for word in ('-H', f'{name}: {value}')]
    printed = subprocess.run(['curl', '-sS', '-f', '--expect100-timeout', '0.001', '-o', '/dev/null', '-T', str(body),
                              *headers, '-w', '%{speed_upload}', f'http://127.0.0.1:{port}/bench/big'],
                             capture_output=True, text=True, check=True).stdout
    body.unlink()
    return float(printed) / 1e9


def sha256_alone():
    """GB a second of openssl's SHA-256 on one core, in pieces of 128 KiB."""
    printed = subprocess.run(['openssl', 'speed', '-mr', '-seconds', '1', '-bytes', '131072', '-evp', 'sha256'],
                             capture_output=True, text=True, check=True).stdout
    return float(re.search(r'^\+F:.*:([\d.]+)$', printed, re.M)[1]) / 1e9


def stream(sink, other, measures, folder):
    """The front with nothing behind it, beside the plain loop."""
    memory = frame.resident_mib(sink.process.pid)
    measures['Mekong', 'front alone, upload GB/s'].append(upload(sink.port, folder))
    measures['plain Beast loop', 'front alone, upload GB/s'].append(upload(other, folder))
    alone, signed = sha256_alone(), upload(sink.port, folder, SHA256)
    measures['SHA-256 alone', 'GB/s'].append(alone)
    measures['Mekong', 'front alone, signed upload GB/s'].append(signed)
    measures['Mekong', 'front alone, signed upload, share of SHA-256 alone'].append(signed / alone)
    for payload in STREAMED:
        measures['Mekong', f'front alone, {payload} GB/s'].append(streamed(sink.port, folder, payload))
    measures['Mekong', 'front alone, download GB/s'].append(float(curl(sink.port, '/bench/big', '-w', '%{speed_download}')) / 1e9)
    measures['Mekong', 'front alone, memory grown, MiB'].append(frame.resident_mib(sink.process.pid) - memory)


class Sink:
    def __init__(self, port):
        self.port = port
        self.process = subprocess.Popen([BUILD / 'bench' / 'front_sink', str(port)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, start_new_session=True)
        self.process.stdout.readline()


def main():
    frame.heading('Front: sts:GetCallerIdentity, signed, 8 connections (medians of 3, least and most in brackets)')
    measures = collections.defaultdict(list)
    versions = {'HTTP/1.1': ('--h1',), 'HTTP/2': (), 'HTTP/2, 4 streams each': ('-m', '4')}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(dir=os.environ.get('MEKONG_BENCH_DIR')) as name:
            folder = pathlib.Path(name)
            port, metastore, kafka, other, third = free_ports(5)
            server = subprocess.Popen(
                [MEKONG, 'serve', '--dev', '--data', str(folder / 'data'), '--listen', f'127.0.0.1:{port}',
                 '--metastore-port', str(metastore), '--kafka-ports', f'{kafka}-{kafka + 9}'],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
            server.stdout.readline()
            sink = Sink(third)
            plain = subprocess.Popen([BUILD / 'bench' / 'beast_peer', str(other), THREADS], start_new_session=True)
            try:
                measure('Mekong', port, measures, folder, versions)
                measure('plain Beast loop', other, measures, folder, {'HTTP/1.1': ('--h1',)})
                stream(sink, other, measures, folder)
                curl(port, '/bench', '-X', 'PUT')
                before = frame.resident_mib(server.pid)
                measures['Mekong', 'upload stored, GB/s'].append(upload(port, folder))
                measures['Mekong', 'memory grown by the upload, MiB'].append(frame.resident_mib(server.pid) - before)
            finally:
                for process in (server, plain, sink.process):
                    frame.end(process)
    shared = {'HTTP/1.1: requests a second': 'higher', 'HTTP/1.1: p50 ms at half the load': 'lower',
              'HTTP/1.1: p99 ms at half the load': 'lower', 'front alone, upload GB/s': 'higher'}
    frame.table(measures, ['Mekong', 'plain Beast loop'], shared)
    for (side, measure_name), values in measures.items():
        if measure_name not in shared:
            print(f'{side}, {measure_name}: {statistics.median(values):.4g}')


if __name__ == '__main__':
    main()
