"""mekong verify: a server's own folder is whole; a flipped bit in any kind of file is named and not served."""
import json
import os
import pathlib
import random
import subprocess

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from confluent_kafka import Producer

from kafka_client import create_topic, serverless_cluster, settings_of
from server import MEKONG, REGION


def verify(data, *words):
    return subprocess.run([MEKONG, 'verify', data, *words], capture_output=True, text=True, check=False)


def findings(data):
    return json.loads(verify(data, '--json').stdout).get('Findings', [])


def flip(path, at, bit):
    with open(path, 'r+b') as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))


def snapshot(folder):
    return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in pathlib.Path(folder).rglob('*') if p.is_file()}


def s3_of(server):
    env = server.env()
    return boto3.client('s3', endpoint_url=f'http://127.0.0.1:{server.port}', region_name=REGION,
                        aws_access_key_id=env['AWS_ACCESS_KEY_ID'], aws_secret_access_key=env['AWS_SECRET_ACCESS_KEY'],
                        config=Config(retries={'max_attempts': 0}))


def test_verify_names_what_is_damaged_and_changes_nothing(own_mekong, tmp_path):
    s3 = s3_of(own_mekong)
    s3.create_bucket(Bucket='verified', CreateBucketConfiguration={'LocationConstraint': REGION})
    bodies = {f'key{i}': os.urandom(100_000 + i) for i in range(5)} | {'small': b'inline'}
    for key, body in bodies.items():
        s3.put_object(Bucket='verified', Key=key, Body=body)
    settings = settings_of(own_mekong, serverless_cluster(own_mekong, 'verified'))
    create_topic(settings, 'verified', 2)
    producer = Producer({**settings, 'enable.idempotence': True})
    for i in range(200):
        producer.produce('verified', b'%d' % i, partition=i % 2)
    assert producer.flush(30) == 0
    data = own_mekong.data
    beside = verify(data)
    assert beside.returncode == 2 and beside.stderr.count('\n') == 1 and 'a server runs' in beside.stderr
    own_mekong.kill()
    before = snapshot(data)
    clean = verify(data)
    assert clean.returncode == 0 and ' 0 damaged' in clean.stdout, clean.stdout
    assert verify(str(tmp_path / 'none')).returncode == 2
    assert snapshot(data) == before, 'verify has changed something'

    own_mekong.start()  # what the log's journal holds goes to the segments
    s3_of(own_mekong).put_object(Bucket='verified', Key='small', Body=bodies['small'])  # into that of the metadata
    own_mekong.kill()
    seed = int(os.environ.get('MEKONG_VERIFY_SEED', random.randrange(1 << 32)))
    print(f'MEKONG_VERIFY_SEED={seed}')
    dice = random.Random(seed)
    for kind in ('blobs/*/*', 'log/*/*.log', 'log/*/partition', 'meta/*.log', 'meta/MANIFEST-*', 'ca.pem'):
        for _ in range(3):
            path = str(dice.choice([p for p in pathlib.Path(data).glob(kind) if p.stat().st_size > 0]))
            at, bit = dice.randrange(os.path.getsize(path)), dice.randrange(8)
            flip(path, at, bit)
            done = verify(data, '--json')
            if kind != 'ca.pem':  # of which some text stands around the signed part
                assert done.returncode == 1, (path, at, bit, done)
                assert any(one.get('File', '').startswith(path) or kind.startswith('meta') for one in
                           json.loads(done.stdout)['Findings']), (path, at, bit, done.stdout)
            flip(path, at, bit)
    assert verify(data).returncode == 0

    victim = next(one for one in pathlib.Path(data).glob('blobs/*/*'))
    flip(victim, 50_000, 3)
    found, = findings(data)
    key = found['Object'].rsplit('/', 1)[1]
    assert found['File'] == str(victim) and found['Offset'] == 0 and found['Object'].startswith('s3://verified/')
    own_mekong.start()
    s3 = s3_of(own_mekong)
    with pytest.raises((ClientError, BotoCoreError)):
        s3.get_object(Bucket='verified', Key=key)['Body'].read()
    for other in bodies.keys() - {key}:
        assert s3.get_object(Bucket='verified', Key=other)['Body'].read() == bodies[other]
