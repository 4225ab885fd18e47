"""The sides of the Kafka benches and Apache's own clients, which ask all of them alike.

Mekong, plaintext: the broker of tests/kafka on the real engines without TLS; it still verifies a signed login and decides
each request. Mekong, TLS and IAM: the whole server; the caller is a user with a policy. Kafka: kafka_peer.py."""
import contextlib
import json
import os
import pathlib
import random
import re
import string
import subprocess
import tempfile
import time

import frame
from confluent_kafka.admin import AdminClient, NewTopic
from kafka_peer import JARS, Kafka
from server import ROOT, Mekong

PLAIN, TLS, KAFKA = 'Mekong', 'Mekong, TLS and IAM', 'Kafka'
LOGIN = (ROOT / 'demo' / 'client.properties').read_text()
POLICY = {'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Action': ['kafka-cluster:Connect', 'kafka-cluster:DescribeCluster'], 'Resource': '*'},
    {'Effect': 'Allow', 'Action': ['kafka-cluster:*Topic*', 'kafka-cluster:WriteData', 'kafka-cluster:ReadData'],
     'Resource': 'arn:aws:kafka:*:*:topic/bench/*'},
    {'Effect': 'Allow', 'Action': ['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup'], 'Resource': '*'}]}


class MekongPlain:
    def __init__(self, folder):
        folder = pathlib.Path(folder) / 'plain'
        folder.mkdir()
        binary = ROOT / 'build' / os.environ.get('MEKONG_PRESET', 'release') / 'src' / 'kafka' / 'mekong-kafka-testserver'
        self.process = subprocess.Popen([binary, '0', folder], stdout=subprocess.PIPE, text=True, start_new_session=True)
        _, port, *users = self.process.stdout.readline().split()
        keys = dict(word.split('=', 1) for word in users)
        self.bootstrap = f'localhost:{port}'
        self.key = keys['all'].split(':')
        self.properties = folder / 'client.properties'
        self.properties.write_text(LOGIN.replace('SASL_SSL', 'SASL_PLAINTEXT'))
        self.environment = {**os.environ, 'AWS_ACCESS_KEY_ID': self.key[0], 'AWS_SECRET_ACCESS_KEY': self.key[1],
                            'AWS_REGION': 'us-east-1'}

    def admin(self):
        return signed(self.bootstrap, self.key, 'us-east-1') | {'security.protocol': 'SASL_PLAINTEXT'}


class MekongTls:
    def __init__(self, folder):
        self.server = Mekong(str(pathlib.Path(folder) / 'tls')).start()
        self.process = self.server.process
        kafka, iam = self.server.client('kafka'), self.server.client('iam')
        arn = kafka.create_cluster_v2(ClusterName='bench', Serverless={
            'VpcConfigs': [{'SubnetIds': ['subnet-1', 'subnet-2']}],
            'ClientAuthentication': {'Sasl': {'Iam': {'Enabled': True}}}})['ClusterArn']
        iam.create_user(UserName='bench')
        iam.put_user_policy(UserName='bench', PolicyName='kafka', PolicyDocument=json.dumps(POLICY))
        made = iam.create_access_key(UserName='bench')['AccessKey']
        self.key = made['AccessKeyId'], made['SecretAccessKey']
        self.bootstrap = kafka.get_bootstrap_brokers(ClusterArn=arn)['BootstrapBrokerStringSaslIam']
        self.properties = ROOT / 'demo' / 'client.properties'
        self.environment = {**self.server.env('--java'), 'AWS_ACCESS_KEY_ID': self.key[0], 'AWS_SECRET_ACCESS_KEY': self.key[1]}

    def admin(self):
        authority = self.environment.get('AWS_CA_BUNDLE')
        return signed(self.bootstrap, self.key, self.environment['AWS_REGION']) | {
            'security.protocol': 'SASL_SSL', 'ssl.ca.location': authority}


def signed(bootstrap, key, region):
    from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
    from botocore.credentials import CredentialProvider, Credentials

    class Fixed(CredentialProvider):
        def load(self):
            return Credentials(*key)

    def token(_):
        value, expires_ms = MSKAuthTokenProvider.generate_auth_token_from_credentials_provider(region, Fixed())
        return value, expires_ms / 1000
    return {'bootstrap.servers': bootstrap, 'sasl.mechanism': 'OAUTHBEARER', 'oauth_cb': token}


@contextlib.contextmanager
def sides(*names, folder=None):
    """{name: side} of those named, started and warm; ended afterwards. Their data lie in `folder`, else where benches do."""
    kinds = {PLAIN: MekongPlain, TLS: MekongTls, KAFKA: Kafka}
    started = {}
    with tempfile.TemporaryDirectory(dir=folder or os.environ.get('MEKONG_BENCH_DIR')) as place:
        try:
            for name in names:
                started[name] = kinds[name](place)
            yield started
        finally:
            for side in started.values():
                side.process.terminate()
            for side in started.values():
                side.process.wait(timeout=30)


def create(side, name, partitions=4, **settings):
    admin = AdminClient(side.admin())  # must outlive what it does
    made = NewTopic(name, partitions, 1, config={key.replace('_', '.'): str(value) for key, value in settings.items()})
    admin.create_topics([made])[name].result(30)


@contextlib.contextmanager
def topic(side, name, partitions=4, **settings):
    """A topic for one run, deleted afterwards."""
    create(side, name, partitions, **settings)
    try:
        yield name
    finally:
        admin = AdminClient(side.admin())
        admin.delete_topics([name])[name].result(30)


def run(side, *command):
    """What a client of this side prints."""
    return subprocess.run([*map(str, command)], env={**os.environ, **side.environment}, capture_output=True, text=True,
                          timeout=600, check=True).stdout


def run_java(side, *words):
    return run(side, 'java', '-cp', JARS, *words)


@contextlib.contextmanager
def payloads(size):
    """A file of 1000 random records for ProducerPerformance, which takes longer to make up one of its own than to send it."""
    with tempfile.NamedTemporaryFile('w') as file:
        file.write('\n'.join(''.join(random.choices(string.ascii_uppercase, k=size)) for _ in range(1000)))
        file.flush()
        yield file.name


def produce(side, to, records, size, *settings):
    """What ProducerPerformance says of `records` sent at once with acks=all: records/s, p99 in ms; server CPU s/GB, client's
    (the JVM's start with it), and how many cores both kept busy."""
    before, client_before, began = frame.cpu_s(side.process.pid), frame.ended_cpu_s(), time.monotonic()
    with payloads(size) as file:
        said = run_java(side, 'org.apache.kafka.tools.ProducerPerformance', '--topic', to, '--num-records', records,
                   '--payload-file', file, '--throughput', -1, '--producer.config', side.properties, '--producer-props',
                   f'bootstrap.servers={side.bootstrap}', 'acks=all', *settings)
    took = time.monotonic() - began
    spent, client = frame.cpu_s(side.process.pid) - before, frame.ended_cpu_s() - client_before
    last = said.strip().splitlines()[-1]
    found = re.search(r'^(\d+) records sent, ([\d.]+) records/sec', last)
    if not found or int(found[1]) != records:
        raise RuntimeError(f'ProducerPerformance said: {said}')
    gigabytes = records * size / 1e9
    return (float(found[2]), float(re.search(r'(\d+) ms 99th', last)[1]), spent / gigabytes, client / gigabytes,
            (spent + client) / took)


def consume(side, of, records, size):
    """What ConsumerPerformance says of its fetching, a new group from the beginning: records/s; server CPU s/GB."""
    before = frame.cpu_s(side.process.pid)
    said = run_java(side, 'org.apache.kafka.tools.ConsumerPerformance', '--bootstrap-server', side.bootstrap, '--topic', of,
               '--messages', records, '--consumer.config', side.properties, '--hide-header', '--timeout', 60000)
    spent = frame.cpu_s(side.process.pid) - before
    fields = [field.strip() for field in said.strip().splitlines()[-1].split(',')]
    if int(fields[4]) < records:
        raise RuntimeError(f'ConsumerPerformance said: {said}')
    return float(fields[9]), spent * 1e9 / (records * size)
