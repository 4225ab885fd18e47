"""From a kill -9 with 1 GB of log and 100,000 objects to the first answer: of ListBuckets, of an object, of a record.

What was written is in the page cache, as it is when a process is killed; the journals and RocksDB's memory are not.
`--records-gb N --objects N` for other sizes."""
import argparse
import concurrent.futures
import http.client
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'tests'))
# pylint: disable=wrong-import-position
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from confluent_kafka import Consumer, Producer, TopicPartition

from kafka_client import create_topic, serverless_cluster, settings_of
from server import REGION, Mekong

PARTITIONS, RECORD_BYTES, OBJECT_BYTES = 16, 10_000, 1_000
WRITERS = 8
ROUNDS = 3


def put_objects(env, port, writer, count):
    keys = Credentials(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'])
    connection, body = http.client.HTTPConnection('127.0.0.1', port), b'x' * OBJECT_BYTES
    for i in range(count):
        url = f'http://127.0.0.1:{port}/recovery/{writer}/{i:06}'
        request = AWSRequest('PUT', url, data=body)
        S3SigV4Auth(keys, 's3', REGION).add_auth(request)
        connection.request('PUT', request.url, body, dict(request.headers.items()))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status


def fill(server, settings, records, objects):
    create_topic(settings, 'recovery', PARTITIONS)
    producer = Producer({**settings, 'linger.ms': 5, 'queue.buffering.max.messages': 20_000})
    for i in range(records):
        while True:
            try:
                producer.produce('recovery', b'x' * RECORD_BYTES, partition=i % PARTITIONS)
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(120) == 0
    server.client('s3').create_bucket(Bucket='recovery', CreateBucketConfiguration={'LocationConstraint': REGION})
    with concurrent.futures.ProcessPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(put_objects, server.env(), server.port, i, objects // WRITERS) for i in range(WRITERS)]:
            done.result()


def answered(server, settings):
    """Seconds from exec to the line `ready`, to the buckets, to an object, to the last record."""
    s3, began, moments = server.client('s3'), time.monotonic(), []
    server.start()
    moments.append(time.monotonic() - began)
    s3.list_buckets()
    moments.append(time.monotonic() - began)
    s3.get_object(Bucket='recovery', Key='0/000000')['Body'].read()
    moments.append(time.monotonic() - began)
    consumer = Consumer({**settings, 'group.id': 'recovery'})
    consumer.assign([TopicPartition('recovery', i, 0) for i in range(PARTITIONS)])
    message = consumer.poll(30)
    assert message is not None and not message.error(), message
    moments.append(time.monotonic() - began)
    consumer.close()
    return moments


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument('--records-gb', type=float, default=1)
    words.add_argument('--objects', type=int, default=100_000)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as place:
        server = Mekong(f'{place}/data').start()
        settings = settings_of(server, serverless_cluster(server, 'recovery'))
        fill(server, settings, int(asked.records_gb * 1e9 / RECORD_BYTES), asked.objects)
        print(f'{asked.records_gb:g} GB of records, {asked.objects:,} objects of {OBJECT_BYTES:,} bytes; after kill -9:')
        for _ in range(ROUNDS):
            server.kill()
            ready, buckets, item, record = answered(server, settings)
            print(f'ready {ready:.2f} s, ListBuckets {buckets:.2f} s, an object {item:.2f} s, '
                  f'a record {record:.2f} s (its client takes 1 s to begin)', flush=True)
        server.kill()


if __name__ == '__main__':
    main()
