"""Mekong as a child process of the demo."""
import os
import pathlib
import re
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]
MEKONG = ROOT / 'build' / os.environ.get('MEKONG_PRESET', 'release') / 'mekong'
REGION = 'us-east-2'


def free_port(wanted):
    """`wanted` where nobody listens on it, another one otherwise."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(('127.0.0.1', port))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise OSError('no free port on 127.0.0.1')


class Server:
    """A server on `data`, its log in `log`. It outlives this process unless stop() is called; after stop() or
    kill(), start() goes on with the same data and ports."""

    def __init__(self, data, log):
        self.data, self.log = data, log
        self.port, self.kafka_port, self.metastore_port = free_port(4566), free_port(9098), free_port(9083)
        self.start()

    def start(self):
        with open(self.log, 'ab') as errors:
            self.process = subprocess.Popen(
                [MEKONG, 'serve', '--data', self.data, '--region', REGION, '--listen', f'127.0.0.1:{self.port}',
                 '--kafka-ports', f'{self.kafka_port}-{self.kafka_port + 50}',
                 '--metastore-port', str(self.metastore_port)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        ready = self.process.stdout.readline().strip()
        if not ready.startswith('mekong ready '):
            raise RuntimeError(f'mekong serve did not start (exit code {self.process.wait(timeout=10)})')

    def exports(self):
        """What `mekong env --java` prints."""
        return subprocess.run([MEKONG, 'env', '--data', self.data, '--java'], capture_output=True, text=True,
                              check=True).stdout

    def environment(self):
        """A client's environment: the exports and nothing of this machine's own AWS settings."""
        return {'PATH': os.environ['PATH'], 'HOME': '/nonexistent', 'LANG': 'C.UTF-8',
                **dict(re.findall(r"^export (\w+)='(.*)'$", self.exports(), re.M))}

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=30)

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=30)
