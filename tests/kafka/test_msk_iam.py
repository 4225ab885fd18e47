"""Seed 000's path into Kafka with its own clients: MSK cluster, IAM roles, SASL_SSL, topic command, signed producer."""
import json
import os
import pathlib
import subprocess
import uuid

import pytest
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import TopicAuthorizationFailedError

JARS = pathlib.Path(os.environ['MEKONG_DEPS']) / 'kafka-cli' / '*'
TRUST = json.dumps({'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': 'sts:AssumeRole'}]})
PROPERTIES = """security.protocol=SASL_SSL
sasl.mechanism=AWS_MSK_IAM
sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required;
sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler
"""


def seed_policy(arn, *left_out):
    """The policy of seed 000, account and names filled in, without the actions left out."""
    account, name = arn.split(':')[4], arn.split('/')[1]

    def statement(actions, resource):
        return {'Effect': 'Allow', 'Resource': [resource],
                'Action': [f'kafka-cluster:{a}' for a in actions if a not in left_out]}
    prefix = f'arn:aws:kafka:us-east-2:{account}'
    return json.dumps({'Version': '2012-10-17', 'Statement': [
        statement(['Connect', 'DescribeCluster'], arn),
        statement(['CreateTopic', 'DescribeTopic', 'WriteData', 'ReadData'], f'{prefix}:topic/{name}/*/*'),
        statement(['AlterGroup', 'DescribeGroup'], f'{prefix}:group/{name}/*/*')]})


@pytest.fixture(scope='module')
def cluster(mekong):
    made = mekong.client('kafka').create_cluster_v2(
        ClusterName='sales', Serverless={'VpcConfigs': [{'SubnetIds': ['subnet-1', 'subnet-2']}],
                                         'ClientAuthentication': {'Sasl': {'Iam': {'Enabled': True}}}})
    return made['ClusterArn']


def credentials_env(mekong, cluster, *left_out):
    name = 'kafka-' + uuid.uuid4().hex[:8]
    iam = mekong.client('iam')
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)['Role']['Arn']
    iam.put_role_policy(RoleName=name, PolicyName='p', PolicyDocument=seed_policy(cluster, *left_out))
    got = mekong.client('sts').assume_role(RoleArn=role, RoleSessionName='producer')['Credentials']
    return {**mekong.env('--java'), 'AWS_ACCESS_KEY_ID': got['AccessKeyId'],
            'AWS_SECRET_ACCESS_KEY': got['SecretAccessKey'], 'AWS_SESSION_TOKEN': got['SessionToken']}


def bootstrap_of(mekong, cluster):
    return mekong.client('kafka').get_bootstrap_brokers(ClusterArn=cluster)['BootstrapBrokerStringSaslIam']


class Token:
    def token(self):
        return MSKAuthTokenProvider.generate_auth_token('us-east-2')[0]


def client_options(mekong, cluster):
    from kafka.net.sasl.oauth import AbstractTokenProvider

    class Provider(AbstractTokenProvider, Token):
        token = Token.token
    return {'bootstrap_servers': bootstrap_of(mekong, cluster), 'security_protocol': 'SASL_SSL',
            'sasl_mechanism': 'OAUTHBEARER', 'sasl_oauth_token_provider': Provider(),
            'ssl_cafile': mekong.env()['AWS_CA_BUNDLE']}


def create_topic(mekong, cluster, env, topic, tmp_path):
    properties = tmp_path / 'client.properties'
    properties.write_text(PROPERTIES)
    return subprocess.run(
        ['java', '-cp', str(JARS), 'kafka.admin.TopicCommand', '--bootstrap-server', bootstrap_of(mekong, cluster),
         '--command-config', str(properties), '--create', '--topic', topic, '--partitions', '10'],
        env=env, capture_output=True, text=True, timeout=120, check=False).stdout


@pytest.fixture
def as_role(monkeypatch):
    def become(env):
        for name in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'):
            monkeypatch.setenv(name, env[name])
    return become


def test_the_seeds_role_creates_produces_and_consumes(mekong, cluster, tmp_path, as_role):
    env = credentials_env(mekong, cluster)
    topic = 'sales_data_topic'
    assert f'Created topic {topic}.' in create_topic(mekong, cluster, env, topic, tmp_path)
    as_role(env)
    producer = KafkaProducer(**client_options(mekong, cluster))
    sent = [producer.send(topic, f'{{"n": {i}}}'.encode()) for i in range(1000)]
    offsets = [future.get(timeout=30) for future in sent]
    assert {o.partition for o in offsets} <= set(range(10))
    producer.close()
    consumer = KafkaConsumer(topic, group_id='g', auto_offset_reset='earliest', consumer_timeout_ms=20_000,
                             **client_options(mekong, cluster))
    values = set()
    while len(values) < 1000:
        values.add(next(consumer).value)
    consumer.close()
    assert len(values) == 1000


def test_a_role_without_write_data_is_refused_by_name(mekong, cluster, tmp_path, as_role):
    env = credentials_env(mekong, cluster, 'WriteData')
    topic = 'topic-' + uuid.uuid4().hex[:8]
    assert f'Created topic {topic}.' in create_topic(mekong, cluster, env, topic, tmp_path)
    as_role(env)
    producer = KafkaProducer(enable_idempotence=False, **client_options(mekong, cluster))
    with pytest.raises(TopicAuthorizationFailedError):
        producer.send(topic, b'x').get(timeout=30)
    producer.close(timeout=5)


def test_an_unsigned_client_is_refused(mekong, cluster, tmp_path):
    env = {**mekong.env('--java'), 'AWS_SECRET_ACCESS_KEY': 'not-the-secret'}
    topic = 'topic-' + uuid.uuid4().hex[:8]
    assert 'Access denied' in create_topic(mekong, cluster, env, topic, tmp_path)


def test_records_survive_kill_9(own_mekong, tmp_path, as_role):
    cluster = own_mekong.client('kafka').create_cluster_v2(
        ClusterName='kill', Serverless={'VpcConfigs': [{'SubnetIds': ['subnet-1', 'subnet-2']}],
                                        'ClientAuthentication': {'Sasl': {'Iam': {'Enabled': True}}}})['ClusterArn']
    env = credentials_env(own_mekong, cluster)
    assert 'Created topic t.' in create_topic(own_mekong, cluster, env, 't', tmp_path)
    as_role(env)
    producer = KafkaProducer(**client_options(own_mekong, cluster))
    sent = []
    for i in range(500):
        sent.append((str(i).encode(), producer.send('t', str(i).encode())))
        if i % 50 == 0:
            sent[-1][1].get(timeout=30)
    placed = [(future.get(timeout=30), value) for value, future in sent]
    acknowledged = {(record.partition, record.offset): value for record, value in placed}
    assert len(acknowledged) == 500
    own_mekong.kill()
    producer.close(timeout=1)
    own_mekong.start()
    consumer = KafkaConsumer('t', auto_offset_reset='earliest', consumer_timeout_ms=60_000,
                             **client_options(own_mekong, cluster))
    seen = {}
    for record in consumer:
        seen[record.partition, record.offset] = record.value
        if len(seen) == len(acknowledged):
            break
    consumer.close()
    assert seen == acknowledged
