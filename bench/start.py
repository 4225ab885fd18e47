"""Time from exec to the first signed answer, and memory: Mekong beside moto's server.

Both are asked the same way: sts:GetCallerIdentity, signed by botocore, each millisecond anew until an answer is 200. Mekong
does more by then (it has made or opened durable stores, a certificate authority, its listeners); moto keeps all in memory.
Mekong's child process is the query worker that waits, warm, for the first query.
"""
import collections
import http.client
import os
import pathlib
import subprocess
import tempfile
import time

import frame
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from server import MEKONG, free_ports

ROUNDS = 7
BODY = 'Action=GetCallerIdentity&Version=2011-06-15'


def request(port, secret):
    made = AWSRequest('POST', f'http://127.0.0.1:{port}/', data=BODY,
                      headers={'Content-Type': 'application/x-www-form-urlencoded'})
    SigV4Auth(Credentials('test', secret), 'sts', 'us-east-1').add_auth(made)
    return dict(made.headers.items())


def answers(port, headers):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=10)
    try:
        connection.request('POST', '/', BODY, headers)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def measure(command, port):
    """Milliseconds to the first answer, MiB then; after 1,000 more requests MiB of the server and with its children."""
    headers = request(port, 'test')
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        frame.wait_for(lambda: answers(port, headers))
        first = (time.monotonic() - begin) * 1000
        memory = frame.resident_mib(process.pid)
        for _ in range(1000):
            assert answers(port, headers)
        return first, memory, frame.resident_mib(process.pid, children=False), frame.resident_mib(process.pid)
    finally:
        frame.end(process)


def mekong(data):
    port, metastore, kafka = free_ports(3)
    return measure([MEKONG, 'serve', '--dev', '--data', data, '--listen', f'127.0.0.1:{port}', '--metastore-port',
                    str(metastore), '--kafka-ports', f'{kafka}-{kafka + 9}'], port)


def moto():
    port = free_ports(1)[0]
    return measure([frame.DEPS / 'bench-venv' / 'bin' / 'moto_server', '--host', '127.0.0.1', '--port', str(port)], port)


def main():
    frame.heading('Start: exec to the first signed answer, and memory (medians of 7, least and most in brackets)')
    measures = collections.defaultdict(list)
    names = ('ms to the first answer', 'MiB at the first answer', 'MiB after 1,000 requests, the server alone',
             'MiB after 1,000 requests, with child processes')
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(dir=os.environ.get('MEKONG_BENCH_DIR')) as folder:
            data = str(pathlib.Path(folder) / 'data')
            for side, got in (('Mekong, new data folder', mekong(data)), ('Mekong, again', mekong(data)),
                              ('moto server', moto())):
                for name, value in zip(names, got):
                    measures[side, name].append(value)
    better = dict.fromkeys(names, 'lower')
    for side in ('Mekong, new data folder', 'Mekong, again'):
        frame.table(measures, [side, 'moto server'], better)
        print()


if __name__ == '__main__':
    main()
