"""A server process for tests, and the clients that users have."""
import os
import pathlib
import re
import socket
import subprocess

import boto3

ROOT = pathlib.Path(__file__).resolve().parents[1]
MEKONG = ROOT / 'build' / os.environ.get('MEKONG_PRESET', 'release') / 'mekong'
REGION = 'us-east-2'  # the seeds' region; the server's default is another


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for opened in sockets:
        opened.bind(('127.0.0.1', 0))
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def resolve(host, *how, known=socket.getaddrinfo, **more):
    """All names under localhost are this machine (RFC 6761), which not every resolver knows."""
    return known('127.0.0.1' if isinstance(host, str) and host.endswith('.localhost') else host, *how, **more)


socket.getaddrinfo = resolve


class Mekong:
    """A server on a data folder. start() again after stop() or kill() finds what was there."""

    def __init__(self, data, host='127.0.0.1', name='127.0.0.1'):
        """`host`: what it listens on; `name`: the host in its addresses."""
        self.data, self.host, self.name = data, host, name
        self.port, self.metastore_port, self.kafka_port = free_ports(3)
        self.process = None

    def start(self, *options):
        self.log = open(f'{self.data}.log', 'ab')
        self.process = subprocess.Popen(
            [MEKONG, 'serve', '--data', self.data, '--listen', f'{self.host}:{self.port}', '--metastore-port',
             str(self.metastore_port), '--kafka-ports', f'{self.kafka_port}-{self.kafka_port + 20}', '--region', REGION,
             *options], stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        assert line == f'mekong ready http://{self.name}:{self.port}\n', f'{line!r}; the log: {self.data}.log'
        return self

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=30)

    def command(self, *words):
        return subprocess.run([MEKONG, *words, '--data', self.data], capture_output=True, text=True, check=False)

    def env(self, *words):
        """What `mekong env` exports, on top of a clean environment."""
        printed = self.command('env', *words).stdout
        exports = dict(re.findall(r"^export (\w+)='(.*)'$", printed, re.M))
        return {'PATH': os.environ['PATH'], 'HOME': '/nonexistent', **exports}

    def session(self, **credentials):
        env = self.env()
        return boto3.Session(credentials.get('AccessKeyId', env['AWS_ACCESS_KEY_ID']),
                             credentials.get('SecretAccessKey', env['AWS_SECRET_ACCESS_KEY']),
                             credentials.get('SessionToken'), region_name=env['AWS_REGION'])

    def url(self, service):
        """S3 Control's clients put the account before the host, which must therefore be a name."""
        return f'http://{"localhost" if service == "s3control" else "127.0.0.1"}:{self.port}'

    def client(self, service, **credentials):
        return self.session(**credentials).client(service, endpoint_url=self.url(service))
