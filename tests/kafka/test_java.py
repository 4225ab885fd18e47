"""Apache Kafka 2.8.1's own commands with aws-msk-iam-auth, as seed 000 runs them (deps/maven/kafka-cli-pom.xml)."""
import os
import pathlib
import subprocess

import pytest
from kafka_server import SERVERS

JARS = pathlib.Path(os.environ['MEKONG_DEPS']) / 'kafka-cli' / '*'
PROPERTIES = """security.protocol=SASL_SSL
ssl.truststore.type=PEM
ssl.truststore.location={ca}
sasl.mechanism=AWS_MSK_IAM
sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required;
sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler
"""


@pytest.fixture
def command(bootstrap, tmp_path):
    properties = tmp_path / 'client.properties'
    properties.write_text(PROPERTIES.format(ca=SERVERS[bootstrap].ca))

    def run(main_class, config_flag, *arguments, user='all', stdin=''):
        environment = dict(os.environ, AWS_ACCESS_KEY_ID=SERVERS[bootstrap].keys[user][0],
                           AWS_SECRET_ACCESS_KEY=SERVERS[bootstrap].keys[user][1], AWS_REGION='us-east-1')
        done = subprocess.run(['java', '-cp', str(JARS), main_class, '--bootstrap-server', bootstrap, config_flag,
                               str(properties), *arguments], input=stdin, capture_output=True, text=True,
                              timeout=90, env=environment, check=False)
        return done.stdout, done.stdout + done.stderr
    return run


def topics(command, *arguments, **options):
    return command('kafka.admin.TopicCommand', '--command-config', *arguments, **options)


def test_topic_produce_consume_describe(command, topic, group):
    assert f'Created topic {topic}.' in topics(command, '--create', '--topic', topic, '--partitions', '10')[0]
    described = topics(command, '--describe', '--topic', topic)[0]
    assert 'PartitionCount: 10' in described and described.count('Leader: 1') == 10
    command('kafka.tools.ConsoleProducer', '--producer.config', '--topic', topic, '--request-required-acks', 'all',
            '--producer-property', 'enable.idempotence=true', stdin=''.join(f'v{i}\n' for i in range(100)))
    read = command('kafka.tools.ConsoleConsumer', '--consumer.config', '--topic', topic, '--from-beginning',
                   '--max-messages', '100', '--group', group)[0]
    assert sorted(read.split()) == sorted(f'v{i}' for i in range(100))
    lag = command('kafka.admin.ConsumerGroupCommand', '--command-config', '--describe', '--group', group)[0]
    rows = [line.split() for line in lag.splitlines() if line.startswith(group)]
    assert len(rows) == 10 and sum(int(row[3]) for row in rows) == 100 and {row[5] for row in rows} == {'0'}


def test_an_unknown_key_is_denied(command):
    assert 'Access denied' in topics(command, '--list', user='wrong')[1]


def test_topics_without_permission_are_refused_by_name(command, topic):
    topics(command, '--create', '--topic', topic, '--partitions', '1')
    assert 'TopicAuthorizationException' in topics(command, '--delete', '--topic', topic, user='read')[1]
