"""Time from exec to the first signed answer, and memory: Mekong beside MinIO, ferrokinesis and moto's server.

Each is asked for what it has that costs it least, signed by botocore, each millisecond anew until an answer is 200. Mekong
has by then made or opened durable stores, a certificate authority, its listeners and its services; ferrokinesis and moto
keep all in memory, MinIO has S3 alone.
"""
import collections
import http.client
import os
import pathlib
import subprocess
import tempfile
import time

import frame
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from server import MEKONG, free_ports

ROUNDS = 7
KEYS = Credentials('test', 'test')
FORM = {'Content-Type': 'application/x-www-form-urlencoded'}
JSON = {'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': 'Kinesis_20131202.ListStreams'}
WHO = 'Action=GetCallerIdentity&Version=2011-06-15'


class Question:
    def __init__(self, service, method, body, headers, port, keys=KEYS):
        request = AWSRequest(method, f'http://127.0.0.1:{port}/', data=body, headers=headers)
        (S3SigV4Auth if service == 's3' else SigV4Auth)(keys, service, 'us-east-1').add_auth(request)
        self.port, self.method, self.body, self.headers = port, method, body, dict(request.headers.items())

    def is_answered(self):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=10)
        try:
            connection.request(self.method, '/', self.body, self.headers)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def measure(command, question, env=None):
    """Milliseconds to the first answer, MiB then; after 1,000 more requests MiB of the server and with its children."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                               env={**os.environ, **(env or {})})
    try:
        frame.wait_for(question.is_answered)
        first = (time.monotonic() - begin) * 1000
        memory = frame.resident_mib(process.pid)
        for _ in range(1000):
            assert question.is_answered()
        return first, memory, frame.resident_mib(process.pid, children=False), frame.resident_mib(process.pid)
    finally:
        frame.end(process)


def mekong(folder):
    port, metastore, kafka = free_ports(3)
    return measure([MEKONG, 'serve', '--dev', '--data', folder / 'mekong', '--listen', f'127.0.0.1:{port}', '--metastore-port',
                    str(metastore), '--kafka-ports', f'{kafka}-{kafka + 9}'], Question('sts', 'POST', WHO, FORM, port))


def minio(folder):
    port = free_ports(1)[0]
    keys = Credentials('minioadmin', 'minioadmin')
    return measure([frame.DEPS / 'minio', 'server', '--quiet', '--address', f'127.0.0.1:{port}', folder / 'minio'],
                   Question('s3', 'GET', '', {}, port, keys), {'MINIO_BROWSER': 'off', 'MINIO_UPDATE': 'off'})


def ferrokinesis(folder):
    port = free_ports(1)[0]
    return measure([frame.DEPS / 'ferrokinesis' / 'bin' / 'ferrokinesis', 'serve', '--port', str(port)],
                   Question('kinesis', 'POST', '{}', JSON, port))


def moto(folder):
    port = free_ports(1)[0]
    return measure([frame.DEPS / 'bench-venv' / 'bin' / 'moto_server', '--host', '127.0.0.1', '--port', str(port)],
                   Question('sts', 'POST', WHO, FORM, port))


SIDES = {'Mekong, new data folder': mekong, 'Mekong, again': mekong, 'MinIO, new folder': minio, 'MinIO, again': minio,
         'ferrokinesis': ferrokinesis, 'moto server': moto}


def main():
    frame.heading('Start: exec to the first signed answer, and memory (medians of 7, least and most in brackets)')
    measures = collections.defaultdict(list)
    names = ('ms to the first answer', 'MiB at the first answer', 'MiB after 1,000 requests, the server alone',
             'MiB after 1,000 requests, with child processes')
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(dir=os.environ.get('MEKONG_BENCH_DIR')) as folder:
            for side, run in SIDES.items():
                for name, value in zip(names, run(pathlib.Path(folder))):
                    measures[side, name].append(value)
    better = dict.fromkeys(names, 'lower')
    frame.table(measures, ['Mekong, new data folder', 'MinIO, new folder'], better)
    print()
    frame.table(measures, ['Mekong, again', 'MinIO, again', 'ferrokinesis', 'moto server'], better)


if __name__ == '__main__':
    main()
