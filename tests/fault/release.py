"""What a data folder of a release holds: made by that release, checked by those after it.

`release.py TAR` writes such a folder, from a server that was killed, with the build that MEKONG_PRESET names. Its keys and
credentials protect nothing."""
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
# pylint: disable=wrong-import-position
from confluent_kafka import Consumer, Producer, TopicPartition

from kafka_client import create_topic, serverless_cluster, settings_of
from server import REGION, Mekong

BODIES = {'empty': b'', 'small': b'inside of the metadata', 'streamed': b'0123456789abcdef' * 20_000}
TABLE = {'Name': 'table', 'Description': 'of a release', 'StorageDescriptor': {
    'Columns': [{'Name': 'id', 'Type': 'bigint'}], 'Location': 's3://release/table/'}}
POLICY = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:GetObject', 'Resource': '*'}]}


def make(server):
    s3, glue, iam = (server.client(name) for name in ('s3', 'glue', 'iam'))
    s3.create_bucket(Bucket='release', CreateBucketConfiguration={'LocationConstraint': REGION})
    for key, body in BODIES.items():
        s3.put_object(Bucket='release', Key=key, Body=body, Metadata={'key': key})
    s3.copy_object(Bucket='release', Key='copy', CopySource='release/streamed')
    s3.put_object(Bucket='release', Key='gone', Body=b'x')
    s3.delete_object(Bucket='release', Key='gone')
    glue.create_database(DatabaseInput={'Name': 'release'})
    glue.create_table(DatabaseName='release', TableInput=TABLE)
    iam.create_user(UserName='release', Tags=[{'Key': 'of', 'Value': 'release'}])
    iam.put_user_policy(UserName='release', PolicyName='inline', PolicyDocument=json.dumps(POLICY))
    settings = settings_of(server, serverless_cluster(server, 'release'))
    create_topic(settings, 'records', 2, {'retention.ms': '-1'})
    for compression in ('none', 'zstd'):
        producer = Producer({**settings, 'transactional.id': compression, 'compression.type': compression})
        producer.poll(0.1)
        producer.init_transactions(30)
        for end in (producer.abort_transaction, producer.commit_transaction):
            producer.begin_transaction()
            for i in range(10):
                producer.produce('records', f'{compression} {end.__name__} {i}', key=str(i), partition=i % 2)
            producer.flush(30)
            end(30)
    consumer = Consumer({**settings, 'group.id': 'release'})
    consumer.poll(0.1)
    consumer.commit(offsets=[TopicPartition('records', 1, 7)], asynchronous=False)
    consumer.close()


def records_of(settings):
    consumer = Consumer({**settings, 'group.id': 'release', 'isolation.level': 'read_committed',
                         'enable.partition.eof': True, 'enable.auto.commit': False})
    consumer.poll(0.1)
    at, = consumer.committed([TopicPartition('records', 1)], timeout=20)
    consumer.assign([TopicPartition('records', i, 0) for i in range(2)])
    values, ended = [], 0
    while ended < 2:
        message = consumer.poll(20)
        assert message is not None
        ended += message.error() is not None
        if not message.error():
            values.append(message.value().decode())
    consumer.close()
    return at.offset, values


def check(server):
    s3, glue, iam = (server.client(name) for name in ('s3', 'glue', 'iam'))
    expected = {**BODIES, 'copy': BODIES['streamed']}
    assert {one['Key'] for one in s3.list_objects_v2(Bucket='release')['Contents']} == set(expected)
    for key, body in expected.items():
        found = s3.get_object(Bucket='release', Key=key)
        assert hashlib.sha256(found['Body'].read()).digest() == hashlib.sha256(body).digest(), key
        assert found['Metadata'] == {'key': 'streamed' if key == 'copy' else key}
    table = glue.get_table(DatabaseName='release', Name='table')['Table']
    assert (table['Description'], table['StorageDescriptor']['Columns']) == (
        TABLE['Description'], TABLE['StorageDescriptor']['Columns'])
    assert iam.get_user_policy(UserName='release', PolicyName='inline')['PolicyDocument'] == POLICY
    cluster, = (one['ClusterArn'] for one in server.client('kafka').list_clusters_v2()['ClusterInfoList'])
    position, values = records_of(settings_of(server, cluster))
    assert position == 7
    assert sorted(values) == sorted(f'{compression} commit_transaction {i}' for compression in ('none', 'zstd')
                                    for i in range(10))


def main(tar):
    with tempfile.TemporaryDirectory() as place:
        server = Mekong(f'{place}/origin').start()
        make(server)
        server.kill()
        made = server.command('fork', f'{place}/data')  # lets go of the ports
        assert made.returncode == 0, made
        subprocess.run(['tar', '--owner=0', '--group=0', '-cJf', tar, '-C', place, 'data'], check=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
