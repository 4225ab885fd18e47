"""Requests a second and streaming through the front, beside a plain loop on Boost.Beast.

h2load asks both the same: sts:GetCallerIdentity, signed once by botocore and sent again and again over 8 connections. Mekong
verifies each signature, authorises and answers in XML; the plain loop reads the request and says "ok" (bench/beast_peer.cpp).
Streaming: curl sends 1 GiB to an S3 bucket that does not exist for the plain loop, and to one that does for Mekong, which
also stores it. Client and server share the machine.
"""
import collections
import os
import pathlib
import re
import statistics
import subprocess
import tempfile

import frame
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from server import MEKONG, free_ports

ROUNDS = 3
SECONDS = 5
BODY = 'Action=GetCallerIdentity&Version=2011-06-15'
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


def upload(port, folder, *words):
    """GB a second of a 1 GiB body whose payload is not signed."""
    big = folder / 'big'
    if not big.exists():
        with open(big, 'wb') as file:
            file.truncate(1 << 30)
    done = subprocess.run(['curl', '-sS', '-f', '-T', str(big), '--expect100-timeout', '0.001', '-H',
                           'x-amz-content-sha256: UNSIGNED-PAYLOAD', '--aws-sigv4', 'aws:amz:us-east-1:s3', '--user', 'test:test',
                           '-o', '/dev/null', '-w', '%{speed_upload}', *words, f'http://127.0.0.1:{port}/bench/big'],
                          capture_output=True, text=True, check=True)
    return float(done.stdout) / 1e9


def main():
    frame.heading('Front: sts:GetCallerIdentity, signed, 8 connections (medians of 3, least and most in brackets)')
    measures = collections.defaultdict(list)
    versions = {'HTTP/1.1': ('--h1',), 'HTTP/2': ()}
    peer = [frame.ROOT / 'build' / os.environ.get('MEKONG_PRESET', 'release') / 'bench' / 'beast_peer']
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(dir=os.environ.get('MEKONG_BENCH_DIR')) as name:
            folder = pathlib.Path(name)
            port, metastore, kafka, other = free_ports(4)
            server = subprocess.Popen(
                [MEKONG, 'serve', '--dev', '--data', str(folder / 'data'), '--listen', f'127.0.0.1:{port}',
                 '--metastore-port', str(metastore), '--kafka-ports', f'{kafka}-{kafka + 9}'],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
            server.stdout.readline()
            plain = subprocess.Popen([*peer, str(other), THREADS], start_new_session=True)
            try:
                measure('Mekong', port, measures, folder, versions)
                measure('plain Beast loop', other, measures, folder, {'HTTP/1.1': ('--h1',)})
                subprocess.run(['curl', '-sS', '-f', '-X', 'PUT', '--aws-sigv4', 'aws:amz:us-east-1:s3', '--user', 'test:test',
                                f'http://127.0.0.1:{port}/bench'], check=True, stdout=subprocess.DEVNULL)
                before = frame.resident_mib(server.pid)
                measures['Mekong', 'upload GB/s'].append(upload(port, folder))
                measures['Mekong', 'memory grown by the upload, MiB'].append(frame.resident_mib(server.pid) - before)
                measures['plain Beast loop', 'upload GB/s'].append(upload(other, folder))
            finally:
                frame.end(server)
                frame.end(plain)
    shared = {'HTTP/1.1: requests a second': 'higher', 'HTTP/1.1: p50 ms at half the load': 'lower',
              'HTTP/1.1: p99 ms at half the load': 'lower', 'upload GB/s': 'higher'}
    frame.table(measures, ['Mekong', 'plain Beast loop'], shared)
    for (side, measure_name), values in measures.items():
        if measure_name not in shared:
            print(f'{side}, {measure_name}: {statistics.median(values):.4g}')


if __name__ == '__main__':
    main()
