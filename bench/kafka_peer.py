"""Apache Kafka 3.9.1, one KRaft node with its own defaults, as the peer of the Kafka benches.

Clients log in by SASL/PLAIN over TLS with an EC P-256 certificate, as heavy as Mekong's own listener."""
import base64
import pathlib
import socket
import subprocess
import uuid

import frame
from server import free_ports

JARS = frame.DEPS / 'kafka-server' / '*'
USER = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="bench" password="bench"'


def java(main, *words, **options):
    return subprocess.run(['java', '-cp', str(JARS), main, *map(str, words)], capture_output=True, text=True, check=True,
                          **options).stdout


class Kafka:
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        port, internal, controller = free_ports(3)
        self.bootstrap = f'127.0.0.1:{port}'
        pem, certificate = folder / 'server.pem', folder / 'certificate.pem'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days',
                        '2', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', pem, '-out',
                        certificate], check=True, capture_output=True)
        pem.write_text(pem.read_text() + certificate.read_text())
        settings = folder / 'server.properties'
        settings.write_text(f'''process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=CLIENT://127.0.0.1:{port},INTERNAL://127.0.0.1:{internal},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=INTERNAL
controller.listener.names=CONTROLLER
listener.name.client.sasl.enabled.mechanisms=PLAIN
listener.name.client.plain.sasl.jaas.config={USER} user_bench="bench";
ssl.keystore.type=PEM
ssl.keystore.location={pem}
log.dirs={folder / 'logs'}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
''')
        self.properties = folder / 'client.properties'
        self.properties.write_text(f'''security.protocol=SASL_SSL
sasl.mechanism=PLAIN
sasl.jaas.config={USER};
ssl.truststore.type=PEM
ssl.truststore.location={certificate}
''')
        java('kafka.tools.StorageTool', 'format', '-t',
             base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip('='), '-c', settings)
        with open(folder / 'kafka.log', 'wb') as log:
            # The heap of Kafka's own start script.
            self.process = subprocess.Popen(['java', '-Xmx1G', '-Xms1G', '-cp', str(JARS), 'kafka.Kafka', str(settings)],
                                            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def wait(self):
        """Until it listens to clients, which is the last that it does as it starts."""
        host, port = self.bootstrap.split(':')

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex((host, int(port))) == 0
        frame.wait_for(listens, pause=0.1)

    def create_topic(self, name, partitions, **configs):
        words = [word for key, value in configs.items() for word in ('--config', f'{key.replace("_", ".")}={value}')]
        java('org.apache.kafka.tools.TopicCommand', '--bootstrap-server', self.bootstrap, '--command-config',
             self.properties, '--create', '--topic', name, '--partitions', partitions, '--replication-factor', 1, *words)

    def stop(self):
        frame.end(self.process)
