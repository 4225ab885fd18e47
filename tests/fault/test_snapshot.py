"""Snapshots and forks of a running server: the state at one moment, shared files, and no way from one to the other."""
import fcntl
import json
import os
import pathlib
import shutil
import threading

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from kafka_client import create_topic, serverless_cluster, settings_of
from server import REGION, Mekong


def s3_bodies(server):
    s3 = server.client('s3')
    keys = [one['Key'] for page in s3.get_paginator('list_objects_v2').paginate(Bucket='state')
            for one in page.get('Contents', [])]
    return {key: s3.get_object(Bucket='state', Key=key)['Body'].read() for key in keys}


def records(server, cluster):
    consumer = Consumer({**settings_of(server, cluster), 'group.id': 'reader', 'enable.partition.eof': True})
    consumer.assign([TopicPartition('state', partition, OFFSET_BEGINNING) for partition in range(2)])
    values, ended = [], set()
    while len(ended) < 2:
        message = consumer.poll(30)
        assert message is not None
        if message.error():
            ended.add(message.partition())
        else:
            values.append(message.value())
    consumer.close()
    return sorted(values)


def put(server, cluster, prefix, count):
    """Objects and records of one name; returns the records."""
    s3 = server.client('s3')
    producer = Producer({**settings_of(server, cluster), 'enable.idempotence': True})
    for i in range(count):
        s3.put_object(Bucket='state', Key=f'{prefix}{i}', Body=os.urandom(50_000 if i % 2 else 100))
        producer.produce('state', b'%s%d' % (prefix.encode(), i), partition=i % 2)
    assert producer.flush(60) == 0
    return [b'%s%d' % (prefix.encode(), i) for i in range(count)]


def test_a_snapshot_restores_and_a_fork_lives_on_its_own(own_mekong, tmp_path):
    cluster = serverless_cluster(own_mekong, 'state')
    own_mekong.client('s3').create_bucket(Bucket='state', CreateBucketConfiguration={'LocationConstraint': REGION})
    create_topic(settings_of(own_mekong, cluster), 'state', 2)
    first = put(own_mekong, cluster, 'first', 20)
    bodies = s3_bodies(own_mekong)

    made = own_mekong.command('snapshot', 'create', 'one', '--json')
    assert made.returncode == 0, made
    print('snapshot', made.stdout)
    assert own_mekong.command('snapshot', 'create', 'one').returncode == 1
    second = put(own_mekong, cluster, 'second', 10)
    own_mekong.client('s3').delete_object(Bucket='state', Key='first1')
    fork_data = str(tmp_path / 'fork')
    made = own_mekong.command('fork', fork_data, '--json')
    assert made.returncode == 0, made
    print('fork', made.stdout)
    at_fork = s3_bodies(own_mekong)

    fork = Mekong(fork_data).start()
    try:
        assert s3_bodies(fork) == at_fork
        of_fork = put(fork, cluster, 'fork', 10)
        fork.client('s3').delete_object(Bucket='state', Key='first3')
        of_origin = put(own_mekong, cluster, 'origin', 10)
        forked, original = s3_bodies(fork), s3_bodies(own_mekong)
        assert 'first3' in original and 'first3' not in forked
        assert {key[:4] for key in forked} == {'firs', 'seco', 'fork'}
        assert {key[:4] for key in original} == {'firs', 'seco', 'orig'}
        assert records(fork, cluster) == sorted(first + second + of_fork)
        assert records(own_mekong, cluster) == sorted(first + second + of_origin)
    finally:
        fork.kill()
    assert own_mekong.command('snapshot', 'restore', 'one').returncode == 2
    own_mekong.kill()
    for data in (fork_data, own_mekong.data, f'{own_mekong.data}/snapshots/one'):
        done = Mekong(data).command('verify', '--json')
        assert done.returncode == 0, done.stdout
    assert own_mekong.command('snapshot', 'restore', 'nothing').returncode == 1
    assert own_mekong.command('snapshot', 'restore', 'one').returncode == 0
    listed = json.loads(own_mekong.command('snapshot', 'list', '--json').stdout)['Snapshots']
    assert [one['Name'] for one in listed] == ['one']
    own_mekong.start()
    assert (s3_bodies(own_mekong), records(own_mekong, cluster)) == (bodies, sorted(first))
    assert own_mekong.command('snapshot', 'remove', 'one').returncode == 0


def test_a_snapshot_under_load_is_the_state_at_one_moment(own_mekong, tmp_path):
    """Each object is put after its record was acknowledged, and names it: a copy with the object has the record."""
    cluster = serverless_cluster(own_mekong, 'state')
    own_mekong.client('s3').create_bucket(Bucket='state', CreateBucketConfiguration={'LocationConstraint': REGION})
    create_topic(settings_of(own_mekong, cluster), 'state', 2)
    stopping, failure = threading.Event(), []

    def load():
        try:
            s3, producer = own_mekong.client('s3'), Producer(settings_of(own_mekong, cluster))
            count = 0
            while not stopping.is_set():
                value = f'{count:06}'
                producer.produce('state', value, partition=count % 2)
                assert producer.flush(30) == 0
                s3.put_object(Bucket='state', Key=value, Body=b'x' * (count % 3 * 30_000))
                count += 1
        except BaseException as error:  # pylint: disable=broad-exception-caught
            failure.append(error)
    thread = threading.Thread(target=load)
    thread.start()
    forks = []
    for i in range(3):
        while len(s3_bodies(own_mekong)) < (i + 1) * 5:
            assert not failure, failure
        forks.append(str(tmp_path / f'fork{i}'))
        assert own_mekong.command('fork', forks[-1]).returncode == 0
    stopping.set()
    thread.join()
    assert not failure, failure
    for data in forks[-1:]:
        fork = Mekong(data).start()
        try:
            objects = set(s3_bodies(fork))
            there = {value.decode() for value in records(fork, cluster)}
            assert objects <= there and len(there - objects) <= 1, (objects ^ there)
        finally:
            fork.kill()
        assert fork.command('verify').returncode == 0


def test_nobody_touches_what_another_restores(own_mekong, tmp_path):
    """A restore that is under way holds the folder. What it has made so far lies there without its mark."""
    assert own_mekong.command('snapshot', 'create', 'one').returncode == 0
    own_mekong.kill()
    half_made = pathlib.Path(own_mekong.data, 'restoring', 'log', 'half-made')
    half_made.mkdir(parents=True)
    with open(f'{own_mekong.data}/LOCK', 'r+b') as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        for words in (['serve', '--dev'], ['snapshot', 'restore', 'one'], ['snapshot', 'create', 'two'],
                      ['fork', str(tmp_path / 'fork')], ['verify'], ['account', 'create', 'another']):
            refused = own_mekong.command(*words)
            assert refused.returncode == 2 and f'a server runs on {own_mekong.data}' in refused.stderr, (words, refused)
            assert half_made.exists(), words
    own_mekong.start()
    assert not half_made.exists()


def test_lost_metadata_is_restored_and_never_begun_anew(own_mekong):
    s3 = own_mekong.client('s3')
    s3.create_bucket(Bucket='state', CreateBucketConfiguration={'LocationConstraint': REGION})
    s3.put_object(Bucket='state', Key='kept', Body=b'x' * 100_000)
    assert own_mekong.command('snapshot', 'create', 'one').returncode == 0
    own_mekong.kill()
    shutil.rmtree(f'{own_mekong.data}/meta')
    there = {path for path in pathlib.Path(own_mekong.data).rglob('*') if path.is_file()}
    refused = own_mekong.command('serve')
    assert refused.returncode == 1 and f'{own_mekong.data}/meta is missing' in refused.stderr, refused
    assert {path for path in pathlib.Path(own_mekong.data).rglob('*') if path.is_file()} >= there
    assert not os.path.exists(f'{own_mekong.data}/meta')
    assert own_mekong.command('snapshot', 'restore', 'one').returncode == 0
    own_mekong.start()
    assert s3_bodies(own_mekong) == {'kept': b'x' * 100_000}


def test_names_of_what_is_being_made_are_nobody_elses(own_mekong, tmp_path):
    refused = own_mekong.command('snapshot', 'create', 'one.part')
    assert refused.returncode == 1 and "without '.part'" in refused.stderr, refused
    beside = tmp_path / 'forks' / 'try.part'
    beside.mkdir(parents=True)
    (beside / 'kept').write_text('kept')
    assert own_mekong.command('fork', f'{beside.parent}/try/').returncode == 0
    own_mekong.kill()
    assert own_mekong.command('fork', f'{beside.parent}/again').returncode == 0
    assert sorted(path.name for path in beside.parent.iterdir()) == ['again', 'try', 'try.part']
    assert (beside / 'kept').read_text() == 'kept'
    assert Mekong(f'{beside.parent}/try').command('verify').returncode == 0
