"""What the user of another machine does with the addresses that a server hands out. Run inside of that machine's
network namespace with the exports of `mekong env`; prints what it saw as one JSON object."""
import json
import os
import socket
import ssl
import sys
import urllib.error
import urllib.request

import boto3
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from botocore.config import Config
from kafka import KafkaConsumer, KafkaProducer
from kafka.net.sasl.oauth import AbstractTokenProvider

NAME, PORT, BUCKET = sys.argv[1:4]


class Token(AbstractTokenProvider):
    def token(self):
        return MSKAuthTokenProvider.generate_auth_token('us-east-2')[0]


def http():
    boto3.client('s3').put_object(Bucket=BUCKET, Key='by-http', Body=b'x')
    # Virtual-hosted buckets over TLS: boto3 itself never makes such names for an endpoint of the user's.
    encrypted = boto3.client('s3', endpoint_url=f'https://{NAME}:{PORT}', config=Config(signature_version='s3v4'))
    encrypted.put_object(Bucket=BUCKET, Key='by-https', Body=b'x')
    url = encrypted.generate_presigned_url('get_object', Params={'Bucket': BUCKET, 'Key': 'by-https'})
    context = ssl.create_default_context(cafile=os.environ['AWS_CA_BUNDLE'])
    with urllib.request.urlopen(url, context=context) as reply:
        assert reply.read() == b'x'
    with socket.create_connection((f'{BUCKET}.s3.{NAME}', int(PORT))) as plain:
        with context.wrap_socket(plain, server_hostname=f'{BUCKET}.s3.{NAME}') as tls:
            return sorted(value for _, value in tls.getpeercert()['subjectAltName'] if NAME in value)


def kafka(bootstrap):
    options = {'bootstrap_servers': bootstrap, 'security_protocol': 'SASL_SSL', 'sasl_mechanism': 'OAUTHBEARER',
               'sasl_oauth_token_provider': Token(), 'ssl_cafile': os.environ['AWS_CA_BUNDLE']}
    producer = KafkaProducer(**options)
    producer.send('from-afar', b'hello').get(timeout=30)
    producer.close()
    consumer = KafkaConsumer('from-afar', auto_offset_reset='earliest', consumer_timeout_ms=20_000, **options)
    value = next(consumer).value.decode()
    consumer.close()
    return value


def refused(call):
    try:
        call()
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return type(error).__name__
    return 'answered'


def main():
    bootstrap, metastore_port, dashboard = sys.argv[4:7]
    with urllib.request.urlopen(dashboard, timeout=30) as reply:
        page = reply.read().decode()
    print(json.dumps({
        'names': http(), 'value': kafka(bootstrap), 'spark': 'Spark Jobs' in page,
        'credentials': refused(lambda: urllib.request.urlopen(f'http://{NAME}:{PORT}/_mekong/credentials/x')),
        'metastore': refused(lambda: socket.create_connection((NAME, int(metastore_port)), 5).close())}))


main()
