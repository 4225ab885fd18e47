"""Sessions that end (connections.max.reauth.ms of three seconds): clients that renew them (KIP-368) notice nothing,
who does not is closed, and nothing is done between the two steps of a login."""
import os
import struct
import subprocess
import time

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from kafka_server import SERVERS, Server, confluent
from test_abuse import METADATA, SASL_AUTHENTICATE, SASL_HANDSHAKE, answer, connect, log_in, request, text  # noqa: F401
from test_confluent import client, make
from test_java import JARS, PROPERTIES

SESSION_MS = 3000


@pytest.fixture(scope='module')
def bootstrap(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('broker'), SESSION_MS)
    yield server.start()
    server.stop()


def is_served(sock):
    sock.sendall(request(METADATA, 1, struct.pack('>i', 0)))
    return answer(sock) is not None


def test_a_session_ends_when_it_is_not_renewed(connect):  # noqa: F811
    kept, left = connect(), connect()
    log_in(left)
    log_in(kept)
    started, renewed = time.monotonic(), False
    while is_served(left):
        lived_ms = (time.monotonic() - started) * 1000
        assert lived_ms < 2 * SESSION_MS
        if lived_ms > SESSION_MS / 2 and not renewed:
            log_in(kept)
            renewed = True
        time.sleep(0.1)
    assert is_served(kept)


def test_request_before_sasl_is_done_closes_also_in_a_session(connect):  # noqa: F811
    sock = connect()
    log_in(sock)
    assert is_served(sock)
    sock.sendall(request(SASL_HANDSHAKE, 1, text(b'OAUTHBEARER')))
    assert answer(sock)[4:6] == b'\0\0'
    assert not is_served(sock)


def test_sasl_reauth_downgrade(connect):  # noqa: F811
    """A renewal that fails ends the session that it was to renew."""
    sock = connect()
    log_in(sock)
    sock.sendall(request(SASL_HANDSHAKE, 1, text(b'OAUTHBEARER')))
    assert answer(sock)[4:6] == b'\0\0'
    sock.sendall(request(SASL_AUTHENTICATE, 1, struct.pack('>i', 7) + b'n,,\x01\x01xx'))
    assert answer(sock)[4:6] == struct.pack('>h', 58)
    assert answer(sock) is None


def who_renewed(server):
    return {line.rsplit('user/')[1] for line in server.log.read_text().splitlines() if 'login renewed' in line}


def test_librdkafka_and_java_renew_their_sessions(bootstrap, topic, tmp_path):
    server = SERVERS[bootstrap]
    make(client(AdminClient, confluent(bootstrap)), topic, 1)
    properties = tmp_path / 'client.properties'
    properties.write_text(PROPERTIES.format(ca=server.ca))
    key, secret = server.keys['seed']
    consumer = subprocess.Popen(
        ['java', '-cp', str(JARS), 'kafka.tools.ConsoleConsumer', '--bootstrap-server', bootstrap, '--consumer.config',
         str(properties), '--topic', topic, '--from-beginning', '--group', topic],
        env=dict(os.environ, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret, AWS_REGION='us-east-1'),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    errors, sent, deadline = [], 0, time.monotonic() + 60
    producer = client(Producer, confluent(bootstrap), error_cb=errors.append)
    while who_renewed(server) != {'all', 'seed'}:
        assert time.monotonic() < deadline and consumer.poll() is None, who_renewed(server)
        producer.produce(topic, b'v%d' % sent, on_delivery=lambda error, _: errors.append(error) if error else None)
        sent += 1
        producer.poll(0.05)
    producer.produce(topic, b'end')
    assert producer.flush(20) == 0 and not errors
    for i in range(sent):
        assert consumer.stdout.readline() == f'v{i}\n'
    assert consumer.stdout.readline() == 'end\n'
    consumer.terminate()
    assert 'ERROR' not in consumer.communicate(timeout=20)[1]
