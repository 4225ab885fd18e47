"""A running broker for the tests: the test server (TLS, IAM, three users), one for all tests.

MEKONG_KAFKA_TESTSERVER names its binary; the tests skip nothing: without it the tests fail.
"""
import os
import pathlib
import subprocess
import time

SERVERS = {}  # bootstrap address → Server, for what its clients need to know
ROOT = pathlib.Path(__file__).resolve().parents[2]


def make_certificate(path):
    """A key and a certificate of its own for localhost; returns the file that clients must trust."""
    ca = path.with_name('ca.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                    '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
                    '-keyout', str(path), '-out', str(ca)], check=True, capture_output=True)
    path.write_text(path.read_text() + ca.read_text())
    return str(ca)


class Server:
    """One test server on a folder; start() again after stop() or kill() finds what was there."""

    def __init__(self, folder, session_ms=None):
        preset = os.environ.get('MEKONG_PRESET', 'debug')
        built = ROOT / 'build' / preset / 'src' / 'kafka' / 'mekong-kafka-testserver'
        self.binary = os.environ.get('MEKONG_KAFKA_TESTSERVER', built)
        self.folder = folder
        self.port = '0'
        self.more = [str(session_ms)] if session_ms else []
        self.log = folder / 'server.log'  # what it said on stderr
        self.process = None
        self.ca = make_certificate(folder / 'tls.pem')
        self.keys = {}  # user → access key id and secret; 'wrong' has a false secret

    def start(self):
        with open(self.log, 'a', encoding='utf-8') as log:
            self.process = subprocess.Popen([self.binary, self.port, self.folder, *self.more],
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        words = self.process.stdout.readline().split()
        assert words and words[0] == 'ready', 'the test server did not start'
        self.port = words[1]
        for word in words[2:]:
            name, _, pair = word.partition('=')
            self.keys[name] = tuple(pair.split(':'))
        self.keys['wrong'] = (self.keys['all'][0], 'not-its-secret')
        SERVERS[f'localhost:{self.port}'] = self
        return f'localhost:{self.port}'

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=20) == 0

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=20)


def token(bootstrap, user):
    """A token as a client of this user would sign it."""
    from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
    from botocore.credentials import CredentialProvider, Credentials

    class Fixed(CredentialProvider):
        def load(self):
            return Credentials(*SERVERS[bootstrap].keys[user])

    return MSKAuthTokenProvider.generate_auth_token_from_credentials_provider('us-east-1', Fixed())


class KafkaPythonToken:
    """kafka-python's sasl_oauth_token_provider."""

    def __init__(self, bootstrap, user):
        self.bootstrap, self.user = bootstrap, user

    def token(self):
        return token(self.bootstrap, self.user)[0]

    def extensions(self):
        return {}


def kafka_python(bootstrap, user='all'):
    from kafka.net.sasl.oauth import AbstractTokenProvider
    AbstractTokenProvider.register(KafkaPythonToken)
    return dict(bootstrap_servers=bootstrap, security_protocol='SASL_SSL',
                ssl_cafile=SERVERS[bootstrap].ca, sasl_mechanism='OAUTHBEARER',
                sasl_oauth_token_provider=KafkaPythonToken(bootstrap, user))


def confluent(bootstrap, user='all'):
    def refresh(_):
        value, expires_ms = token(bootstrap, user)
        return value, expires_ms / 1000
    return {'bootstrap.servers': bootstrap, 'security.protocol': 'SASL_SSL',
            'ssl.ca.location': SERVERS[bootstrap].ca,
            'sasl.mechanism': 'OAUTHBEARER', 'oauth_cb': refresh}


def read_to_end(bootstrap, topic, **options):
    """What kafka-python reads of a topic up to its end as it is now: by position, however slow the machine is."""
    from kafka import KafkaConsumer, TopicPartition
    consumer = KafkaConsumer(auto_offset_reset='earliest', **options, **kafka_python(bootstrap))
    parts = [TopicPartition(topic, i) for i in consumer.partitions_for_topic(topic)]
    consumer.assign(parts)
    ends, seen, deadline = consumer.end_offsets(parts), [], time.monotonic() + 60
    while any(consumer.position(part) < ends[part] for part in parts):
        assert time.monotonic() < deadline, (ends, seen)
        for records in consumer.poll(500).values():
            seen += records
    consumer.close()
    return seen
