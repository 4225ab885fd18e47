"""A running broker for the tests: the test server (plain TCP, logins by key name), one for all tests.

MEKONG_KAFKA_TESTSERVER names its binary; the fixtures skip nothing: without it the tests fail.
"""
import os
import pathlib
import subprocess
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Server:
    """One test server on a folder; start() again after stop() or kill() finds what was there."""

    def __init__(self, folder):
        preset = os.environ.get('MEKONG_PRESET', 'debug')
        built = ROOT / 'build' / preset / 'src' / 'kafka' / 'mekong-kafka-testserver'
        self.binary = os.environ.get('MEKONG_KAFKA_TESTSERVER', built)
        self.folder = folder
        self.port = '0'
        self.process = None

    def start(self):
        self.process = subprocess.Popen([self.binary, self.port, self.folder], stdout=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        assert words and words[0] == 'ready', 'the test server did not start'
        self.port = words[1]
        return f'localhost:{self.port}'

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=20) == 0

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=20)


@pytest.fixture(scope='session')
def bootstrap(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('broker'))
    yield server.start()
    server.stop()


@pytest.fixture
def topic():
    return 'topic-' + uuid.uuid4().hex[:8]


@pytest.fixture
def group():
    return 'group-' + uuid.uuid4().hex[:8]


def token(key):
    """A token as a client with this key would sign it."""
    from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
    from botocore.credentials import CredentialProvider, Credentials

    class Fixed(CredentialProvider):
        def load(self):
            return Credentials(key, 'secret')

    return MSKAuthTokenProvider.generate_auth_token_from_credentials_provider('us-east-1', Fixed())


class KafkaPythonToken:
    """kafka-python's sasl_oauth_token_provider."""

    def __init__(self, key):
        self.key = key

    def token(self):
        return token(self.key)[0]

    def extensions(self):
        return {}


def kafka_python(bootstrap, key='AKIAALL'):
    from kafka.net.sasl.oauth import AbstractTokenProvider
    AbstractTokenProvider.register(KafkaPythonToken)
    return dict(bootstrap_servers=bootstrap, security_protocol='SASL_PLAINTEXT', sasl_mechanism='OAUTHBEARER',
                sasl_oauth_token_provider=KafkaPythonToken(key))


def confluent(bootstrap, key='AKIAALL'):
    def refresh(_):
        value, expires_ms = token(key)
        return value, expires_ms / 1000
    return {'bootstrap.servers': bootstrap, 'security.protocol': 'SASL_PLAINTEXT',
            'sasl.mechanism': 'OAUTHBEARER', 'oauth_cb': refresh}
