"""Apache Kafka 4.1.2, one KRaft node with its own defaults and a plaintext listener, as the peer of the Kafka benches.

What it deletes leaves the disk after a second instead of a minute: the next run has the disk to itself."""
import base64
import os
import pathlib
import socket
import subprocess
import uuid

import frame
from server import free_ports

JARS = frame.DEPS / 'kafka-server' / '*'


def java(main, *words, **options):
    return subprocess.run(['java', '-cp', str(JARS), main, *map(str, words)], capture_output=True, text=True, check=True,
                          **options).stdout


def cluster_id():
    """A UUID in base64, none that begins as an option does."""
    while (one := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip('=')).startswith('-'):
        pass
    return one


class Kafka:
    def __init__(self, folder):
        folder = pathlib.Path(folder) / 'kafka'
        folder.mkdir()
        port, controller = free_ports(2)
        self.bootstrap = f'127.0.0.1:{port}'
        self.environment = {**os.environ}
        settings = folder / 'server.properties'
        settings.write_text(f'''process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={folder / 'logs'}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.segment.delete.delay.ms=1000
''')
        self.properties = folder / 'client.properties'
        self.properties.write_text('security.protocol=PLAINTEXT\n')
        java('kafka.tools.StorageTool', 'format', '-t', cluster_id(), '-c', settings)
        with open(folder / 'kafka.log', 'wb') as log:
            # The heap of Kafka's own start script.
            self.process = subprocess.Popen(['java', '-Xmx1G', '-Xms1G', '-cp', str(JARS), 'kafka.Kafka', str(settings)],
                                            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.wait()

    def wait(self):
        """Until it listens to clients, which is the last that it does as it starts."""
        host, port = self.bootstrap.split(':')

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex((host, int(port))) == 0
        frame.wait_for(listens, pause=0.1)

    def admin(self):
        return {'bootstrap.servers': self.bootstrap}
