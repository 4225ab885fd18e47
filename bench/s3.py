"""S3 objects, 4 KiB and 8 MiB, written and read: Mekong beside MinIO.

h2load asks both the same: presigned PUT and GET over HTTP/1.1, 8 connections for small objects and 4 for large ones, keys in
turn. Both check each signature and compute each ETag. Mekong answers a PUT when the object and its record are synced to disk;
MinIO, one drive as here, when it has written them. Client and server share the machine.
"""
import collections
import http.client
import os
import pathlib
import re
import subprocess
import tempfile
import urllib.parse

import frame
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from server import MEKONG, free_ports

WARM_UP_S = 2
BUCKET = 'bench'
KIB, MIB = 1 << 10, 1 << 20


class Workload(collections.namedtuple('Workload', 'name size keys connections')):
    def measures(self, method):
        unit = 'operations a second' if self.size < MIB else 'MB/s'
        return [f'{method} {self.name}: {what}' for what in (unit, 'p99 ms', 'server CPU ms an operation')]


WORKLOADS = [Workload('4 KiB', 4 * KIB, 2000, 8), Workload('8 MiB', 8 * MIB, 24, 4)]


class Side:
    """A server and its keys, a bucket in it."""

    def __init__(self, command, port, user, secret, **env):
        self.port, self.keys = port, Credentials(user, secret)
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                                        env={**os.environ, **env})
        frame.wait_for(lambda: self.ask('PUT', '') in (200, 409))

    def presigned(self, method, key):
        made = AWSRequest(method, f'http://127.0.0.1:{self.port}/{BUCKET}/{key}')
        S3SigV4QueryAuth(self.keys, 's3', 'us-east-1', expires=3600).add_auth(made)
        return made.url

    def ask(self, method, key):
        url = urllib.parse.urlsplit(self.presigned(method, key))
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=10)
        try:
            connection.request(method, f'{url.path}?{url.query}')
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


def load(side, workload, method, folder, connections, seconds=None):
    """(operations a second, 99th percentile in ms, server CPU ms an operation); without `seconds` each key once."""
    duration = ('-D', str(seconds), '--warm-up-time', str(WARM_UP_S)) if seconds else ('-n', str(workload.keys))
    uris, body, log = folder / 'uris', folder / 'body', folder / 'log'
    uris.write_text('\n'.join(side.presigned(method, f'{workload.size}/{each}') for each in range(workload.keys)))
    body.write_bytes(os.urandom(workload.size))
    log.unlink(missing_ok=True)
    words = ['-d', str(body), '-H', f':method: {method}'] if method == 'PUT' else []
    before = frame.cpu_s(side.process.pid)
    printed = subprocess.run(['h2load', '--h1', '-c', str(connections), '-t', '1', '-i', str(uris), f'--log-file={log}',
                              *words, *duration], capture_output=True, text=True, check=True).stdout
    spent = frame.cpu_s(side.process.pid) - before
    codes = re.search(r'status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx', printed)
    assert codes and int(codes[1]) > 0 and codes[3] == codes[4] == '0', printed
    times = sorted(int(line.split()[2]) / 1000 for line in log.read_text().splitlines())
    # The CPU is of all that was asked, the log of what came after the warm-up.
    share = (seconds + WARM_UP_S) / seconds if seconds else 1
    return float(re.search(r'([\d.]+) req/s', printed)[1]), times[len(times) * 99 // 100], spent * 1000 / (len(times) * share)


def measure(side, name, measures, folder, seconds):
    for workload in WORKLOADS:
        load(side, workload, 'PUT', folder, 1)  # so that each key is there to be read
        for method in ('PUT', 'GET'):
            os.sync()
            rate, p99, cpu = load(side, workload, method, folder, workload.connections, seconds)
            value = rate if workload.size < MIB else rate * workload.size / 1e6
            for measure_name, got in zip(workload.measures(method), (value, p99, cpu)):
                measures[name, measure_name].append(got)
    measures[name, 'MiB resident at the end'].append(frame.resident_mib(side.process.pid, children=False))


def mekong(folder):
    port, metastore, kafka = free_ports(3)
    return Side([MEKONG, 'serve', '--dev', '--data', str(folder / 'data'), '--listen', f'127.0.0.1:{port}', '--metastore-port',
                 str(metastore), '--kafka-ports', f'{kafka}-{kafka + 9}'], port, 'test', 'test')


def minio(folder):
    port = free_ports(1)[0]
    return Side([frame.DEPS / 'minio', 'server', str(folder / 'data'), '--address', f'127.0.0.1:{port}', '--quiet'], port,
                'minioadmin', 'minioadmin', HOME=str(folder), MINIO_BROWSER='off', MINIO_UPDATE='off')


def main():
    asked = frame.options(seconds=10, rounds=3)
    frame.heading(f'S3: 8 connections, large objects 4 (medians of {asked.rounds} runs of {asked.seconds} s, least and most in '
                  'brackets)')
    measures = collections.defaultdict(list)
    for _ in range(asked.rounds):
        for name, start in (('Mekong', mekong), ('MinIO', minio)):
            with tempfile.TemporaryDirectory(dir=os.environ.get('MEKONG_BENCH_DIR')) as folder:
                side = start(pathlib.Path(folder))
                try:
                    measure(side, name, measures, pathlib.Path(folder), asked.seconds)
                finally:
                    frame.end(side.process)
    better = {}
    for workload in WORKLOADS:
        for method in ('PUT', 'GET'):
            rate, *rest = workload.measures(method)
            better |= {rate: 'higher', **dict.fromkeys(rest, 'lower')}
    frame.table(measures, ['Mekong', 'MinIO'], {**better, 'MiB resident at the end': 'lower'})


if __name__ == '__main__':
    main()
