"""A server that runs out of what the machine gives: disk, descriptors, memory; and one whose clock jumps. It refuses by
name, goes on reading, takes writes again when it can, and has all that it acknowledged."""
import collections
import datetime
import hashlib
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import botocore.auth
import botocore.exceptions
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

import crash_images
from emr_client import Jobs
from kafka_client import create_topic, serverless_cluster, settings_of, token_of
from load import impatient
from server import REGION, Mekong

PARTITIONS = 8
MB = 1 << 20
FAKETIME = pathlib.Path('/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1')


class Clients:
    """Of all kinds; they ask once, and remember what was acknowledged."""

    def __init__(self, server):
        self.server = server
        self.s3, self.glue, self.iam = (impatient(server, name) for name in ('s3', 'glue', 'iam'))
        self.s3.create_bucket(Bucket='scarce', CreateBucketConfiguration={'LocationConstraint': REGION})
        self.glue.create_database(DatabaseInput={'Name': 'scarce'})
        self.glue.create_table(DatabaseName='scarce', TableInput={'Name': 'table', 'Description': 'first'})
        self.iam.create_user(UserName='scarce')
        self.settings = settings_of(server, serverless_cluster(server, 'scarce'))
        create_topic(self.settings, 'scarce', PARTITIONS)
        self.producer = Producer({**self.settings, 'message.timeout.ms': 5000, 'retries': 0, 'linger.ms': 0})
        self.producer.poll(0.1)
        self.objects, self.records, self.maybe, self.table, self.count = {}, [], set(), 'first', 0

    def outcome(self, call):
        """'ok', or the code."""
        try:
            call()
        except botocore.exceptions.ClientError as refused:
            error = refused.response
            assert 'No space' not in error['Error']['Message'] and '/data' not in error['Error']['Message'], error
            return f'{error["ResponseMetadata"]["HTTPStatusCode"]} {error["Error"]["Code"]}'
        except botocore.exceptions.BotoCoreError as failure:
            return type(failure).__name__
        return 'ok'

    def put(self, size):
        self.count += 1
        key, body = f'key{self.count}', os.urandom(min(size, 1000)) * max(1, size // 1000)
        self.maybe.add(key)
        done = self.outcome(lambda: self.s3.put_object(Bucket='scarce', Key=key, Body=body))
        if done == 'ok':
            self.objects[key] = hashlib.sha256(body).hexdigest()
        return done

    def produce(self, size):
        self.count += 1
        value, told = b'%d ' % self.count + os.urandom(size), []

        def delivered(error, message):
            told.append(error.name() if error else 'ok')
            if not error:
                self.records.append((message.partition(), message.offset(), value))
        self.producer.produce('scarce', value, partition=self.count % PARTITIONS, on_delivery=delivered)
        self.producer.flush(10)
        return told[0] if told else 'nothing'

    def update(self):
        self.count += 1
        value = str(self.count)
        done = self.outcome(lambda: self.glue.update_table(
            DatabaseName='scarce', TableInput={'Name': 'table', 'Description': value}))
        self.table = value if done == 'ok' else self.table
        return done

    def tag(self):
        return self.outcome(lambda: self.iam.tag_user(UserName='scarce', Tags=[{'Key': 'key', 'Value': str(self.count)}]))

    def delete(self):
        key = next(iter(self.objects))
        done = self.outcome(lambda: self.s3.delete_object(Bucket='scarce', Key=key))
        if done == 'ok':
            del self.objects[key]
        return done

    def each(self):
        return {'small': self.put(100), 'large': self.put(2 * MB), 'update': self.update(), 'tag': self.tag(),
                'produce': self.produce(100)}

    def check(self):
        """All that was acknowledged is there, as it was sent."""
        listed = {one['Key'] for page in self.s3.get_paginator('list_objects_v2').paginate(Bucket='scarce')
                  for one in page.get('Contents', [])}
        assert self.objects.keys() <= listed <= self.maybe
        for key, digest in self.objects.items():
            body = self.s3.get_object(Bucket='scarce', Key=key)['Body'].read()
            assert hashlib.sha256(body).hexdigest() == digest, key
        assert self.glue.get_table(DatabaseName='scarce', Name='table')['Table']['Description'] == self.table

    def check_records(self):
        consumer = Consumer({**self.settings, 'group.id': 'checker', 'enable.partition.eof': True})
        consumer.poll(0.1)
        consumer.assign([TopicPartition('scarce', i, 0) for i in range(PARTITIONS)])
        found, ended, deadline = {}, set(), time.time() + 30
        while len(ended) < PARTITIONS and time.time() < deadline:
            for message in consumer.consume(1000, 0.1):
                if message.error():
                    ended.add(message.partition())
                else:
                    found[message.partition(), message.offset()] = message.value()
        consumer.close()
        assert len(ended) == PARTITIONS
        assert all(found.get((partition, offset)) == value for partition, offset, value in self.records)


def sound(server, clients):
    """Also after the next start, and by verify's word."""
    clients.check()
    server.kill()
    done = server.command('verify', '--json')
    assert done.returncode == 0, done.stdout
    server.start()
    clients.check()
    clients.check_records()
    assert set(clients.each().values()) == {'ok'}


@pytest.fixture(name='disk')
def disk_fixture(tmp_path):
    """A folder with a file system of its own, of 320 MB."""
    if os.geteuid() != 0 or not os.access('/dev/loop-control', os.R_OK) or not shutil.which('mkfs.ext4'):
        pytest.skip('a small disk needs root, loop devices and mkfs.ext4')
    image, folder = tmp_path / 'image', tmp_path / 'disk'
    folder.mkdir()
    with open(image, 'wb') as file:
        file.truncate(320 * MB)
    subprocess.run(['mkfs.ext4', '-q', '-m', '0', '-J', 'size=4', image], check=True)
    crash_images.mounted(image, folder)
    yield folder
    subprocess.run(['umount', '--lazy', folder], check=True)


def free_bytes(folder):
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def test_a_full_disk_refuses_by_name_and_goes_on_enospc(disk):
    server = Mekong(str(disk / 'data')).start()
    try:
        clients = Clients(server)
        assert set(clients.each().values()) == {'ok'}
        # Content fills it, up to what is kept for the metadata.
        filler = disk / 'filler'
        subprocess.run(['fallocate', '-l', str(free_bytes(disk) - 76 * MB), filler], check=True)
        while clients.put(2 * MB) == 'ok':
            pass
        large, records = clients.put(2 * MB), [clients.produce(900_000) for _ in range(60)]
        print('content', large, collections.Counter(records), 'free', free_bytes(disk) // MB)
        assert large == '503 InsufficientStorage' and set(records[-3:]) <= {'KAFKA_STORAGE_ERROR', 'ok'}
        assert free_bytes(disk) > 40 * MB, 'what is kept for the metadata was taken'
        # Then something else takes the rest.
        subprocess.run(['fallocate', '-l', str(free_bytes(disk) - 16 * MB), disk / 'filler2'], check=True)
        full = clients.each()
        print('full', full, 'free', free_bytes(disk) // MB)
        assert {full['small'], full['large'], full['update']} == {'503 InsufficientStorage'}
        assert full['tag'].startswith('503') and server.process.poll() is None
        clients.check()
        clients.check_records()
        assert clients.delete() == 'ok', 'nothing can be deleted to make room'
        server.kill()
        server.start()
        clients.check()
        assert clients.put(100) == '503 InsufficientStorage'
        for one in (filler, disk / 'filler2'):
            one.unlink()
        assert set(clients.each().values()) == {'ok'}
        sound(server, clients)
    finally:
        server.kill()


SPILL = """
from pyspark.sql import SparkSession, functions
spark = SparkSession.builder.getOrCreate()
rows = spark.range(20_000_000).select(functions.rand(1).alias('a'), functions.rand(2).alias('b'))
print(rows.repartition(3).sort('a').agg(functions.sum('b')).collect())
"""


@pytest.fixture(name='jobs_on_disk')
def jobs_on_disk_fixture(disk):
    """A folder on the small disk that other users can reach."""
    (disk / 'jobs').mkdir(mode=0o711)
    with tempfile.TemporaryDirectory(dir='/var/tmp') as parent:
        os.chmod(parent, 0o711)
        folder = pathlib.Path(parent) / 'jobs'
        folder.mkdir()
        subprocess.run(['mount', '--bind', disk / 'jobs', folder], check=True)
        yield folder
        subprocess.run(['umount', '--lazy', folder], check=True)


def test_a_job_that_spills_until_the_disk_is_full_fails_alone(disk, jobs_on_disk):
    server = Mekong(str(disk / 'data')).start('--job-folder', str(jobs_on_disk))
    try:
        clients, jobs = Clients(server), Jobs(server)
        subprocess.run(['fallocate', '-l', str(free_bytes(disk) - 150 * MB), disk / 'filler'], check=True)
        run, seen, least = jobs.start(SPILL), collections.Counter(), free_bytes(disk)
        while (got := jobs.get(run))['state'] not in ('SUCCESS', 'FAILED', 'CANCELLED'):
            least = min(least, free_bytes(disk))
            seen.update([clients.tag(), clients.update(), clients.put(100), clients.produce(100)])
            time.sleep(0.1)  # the processors are the job's
        print(seen, 'least free', least // MB, 'MB;', got['stateDetails'])
        assert got['state'] == 'FAILED' and 'No space left on device' in got['stateDetails']
        assert least < 32 * MB and not list(jobs_on_disk.glob('*/*')), 'nothing was spilled, or it was left'
        assert set(seen) <= {'ok', '503 InsufficientStorage', 'KAFKA_STORAGE_ERROR'}
        (disk / 'filler').unlink()
        assert set(clients.each().values()) == {'ok'}
        sound(server, clients)
    finally:
        server.kill()


def test_no_descriptors_left_refuses_and_goes_on_emfile(own_mekong):
    clients = Clients(own_mekong)
    assert set(clients.each().values()) == {'ok'}
    pid = own_mekong.process.pid
    limit = len(os.listdir(f'/proc/{pid}/fd')) + 3
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    flood = []
    try:
        for _ in range(limit + 20):
            flood.append(socket.create_connection(('127.0.0.1', own_mekong.port)))
        ticks = cpu_ticks(pid)
        scarce = {'large': clients.put(2 * MB), 'update': clients.update(), 'produce': clients.produce(100)}
        print('no descriptors', scarce)
        assert scarce['large'] in ('503 ServiceUnavailable', 'ConnectionClosedError', 'ReadTimeoutError')
        assert cpu_ticks(pid) - ticks < 300, 'it spins'
    finally:
        for one in flood:
            one.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    deadline = time.time() + 20
    while set(clients.each().values()) != {'ok'}:
        assert time.time() < deadline and own_mekong.process.poll() is None
    sound(own_mekong, clients)


def cpu_ticks(pid):
    return sum(map(int, pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[11:13]))


def test_no_memory_left_stops_and_loses_nothing(own_mekong):
    """A process that cannot have memory says so and ends; it is never left half-done."""
    clients = Clients(own_mekong)
    pid = own_mekong.process.pid
    size = next(int(line.split()[1]) * 1024 for line in open(f'/proc/{pid}/status') if line.startswith('VmSize'))
    resource.prlimit(pid, resource.RLIMIT_AS, (size + 8 * MB, size + 8 * MB))
    told = []

    def delivered(error, message):
        if not error:
            clients.records.append((message.partition(), message.offset(), message.value()))

    def load(number):
        if number % 3 == 0:
            producer = Producer({**clients.settings, 'message.timeout.ms': 4000, 'message.max.bytes': 1_000_000})
            producer.poll(0.1)
            for i in range(100):
                producer.produce('scarce', b'%d ' % (1000 + i) + os.urandom(800_000), partition=i % PARTITIONS,
                                 on_delivery=delivered)
                producer.poll(0.01)
            producer.flush(5)
        while own_mekong.process.poll() is None and len(told) < 200:
            told.append(clients.put(8 * MB))
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(load, range(16)))
    print(collections.Counter(told), own_mekong.process.poll())
    log = pathlib.Path(f'{own_mekong.data}.log').read_text()
    if own_mekong.process.poll() is None:
        own_mekong.kill()
    else:
        assert 'out of memory' in log, log[-300:]
    assert 'terminate' not in log
    own_mekong.start()
    sound(own_mekong, clients)


@pytest.fixture(name='jump')
def jump_fixture(monkeypatch, tmp_path):
    """Starts servers whose clock of the day stands as far off as jump() says; clients sign by it."""
    if not FAKETIME.exists():
        pytest.skip('a clock that jumps needs libfaketime')
    offset = tmp_path / 'offset'
    at = [0]
    now = botocore.auth.get_current_datetime

    def jump(days):
        offset.with_suffix('.new').write_text(f'{days:+d}d')
        offset.with_suffix('.new').rename(offset)
        at[0] = days
    monkeypatch.setattr(botocore.auth, 'get_current_datetime',
                        lambda *words, **more: now(*words, **more) + datetime.timedelta(days=at[0]))
    jump(0)
    for name, value in (('LD_PRELOAD', str(FAKETIME)), ('FAKETIME_TIMESTAMP_FILE', str(offset)), ('FAKETIME_NO_CACHE', '1'),
                        ('FAKETIME_DONT_FAKE_MONOTONIC', '1')):
        monkeypatch.setenv(name, value)
    return jump


def test_a_clock_that_jumps_loses_nothing(jump, tmp_path):
    """A year on, two years back, one on again: what is kept for ever is there, in its order, and all goes on."""
    server = Mekong(str(tmp_path / 'data')).start()
    try:
        clients = Clients(server)
        env = server.env()
        clients.settings['oauth_cb'] = lambda _: (token_of(env)[0], time.time() + 600)
        create_topic(clients.settings, 'kept', 1, {'retention.ms': '-1'})
        written, offsets = [], []
        for days in (365, -365, 0):
            jump(days)
            producer = Producer(clients.settings)
            producer.poll(0.1)
            for i in range(3):
                written.append(b'%d %d' % (days, i))
                producer.produce('kept', written[-1], on_delivery=lambda error, message: offsets.append(message.offset()))
            assert producer.flush(20) == 0
            outcomes = {clients.put(100), clients.put(MB), clients.update(), clients.tag()}
            assert outcomes == {'ok'}, (days, outcomes)
            modified = clients.s3.head_object(Bucket='scarce', Key=f'key{clients.count - 1}')['LastModified']
            now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
            assert abs((modified - now).total_seconds()) < 60, (days, modified)
            clients.check()
        assert offsets == list(range(len(written)))
        server.kill()
        server.start()
        clients.check()
        consumer = Consumer({**clients.settings, 'group.id': 'kept'})
        consumer.assign([TopicPartition('kept', 0, 0)])
        assert [one.value() for one in consumer.consume(len(written), 20)] == written
        consumer.close()
    finally:
        server.kill()
