"""Power cuts on a real file system: ext4 on a loop device on a FUSE disk that logs each write and each flush. Clients
note where that log stands when they ask and when they are answered. From each image, the flushed part of the log up to a
cut and some of what was not flushed, a server starts and has all that was acknowledged, and of the rest all or nothing.
MEKONG_CRASH_IMAGES: how many (300, in the full tier 3,000); MEKONG_CRASH_SEED."""
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

import crash_images
from kafka_client import create_topic, serverless_cluster, settings_of
from server import REGION, Mekong

FUSE = pathlib.Path('/usr/include/fuse3')
HERE = pathlib.Path(__file__).resolve().parent
IMAGES = int(os.environ.get('MEKONG_CRASH_IMAGES', '3000' if os.environ.get('MEKONG_TIER') == 'full' else '300'))
SEED = int(os.environ.get('MEKONG_CRASH_SEED', str(random.randrange(1 << 30))))
LOAD_SECONDS = 6
LIES = 6
WORKERS = 8  # they wait as much as they work


def why_not():
    if os.geteuid() != 0:
        return 'crash images need root: they mount'
    if not os.access('/dev/fuse', os.R_OK) or not os.access('/dev/loop-control', os.R_OK):
        return 'crash images need /dev/fuse and loop devices'
    if not FUSE.is_dir():
        return 'crash images need libfuse3-dev'
    missing = [tool for tool in ('mkfs.ext4', 'losetup', 'mount', 'ip', 'unshare') if not shutil.which(tool)]
    if missing:
        return f'crash images need {missing}'
    if subprocess.run(['unshare', '-mn', 'true'], check=False).returncode != 0:
        return 'crash images need namespaces of mounts and networks'
    return None


class History:
    """What was asked and answered, each with the place in the disk's log."""

    def __init__(self, position):
        self.position = os.open(position, os.O_RDONLY)
        self.ops, self.records, self.transactions = [], [], []

    def now(self):
        return int(os.pread(self.position, 32, 0))

    def op(self, kind, key, after, call):
        one = {'kind': kind, 'key': key, 'after': after, 'begin': self.now(), 'end': None}
        self.ops.append(one)
        call()
        one['end'] = self.now()


class Load:
    def __init__(self, server, settings, history):
        self.settings, self.history, self.dice = settings, history, random.Random(SEED)
        self.s3, self.glue, self.iam = (server.client(name) for name in ('s3', 'glue', 'iam'))
        self.stopping, self.failures, self.produced = threading.Event(), [], 0

    def run(self, work):
        try:
            while not self.stopping.is_set():
                work()
        except BaseException as failure:  # pylint: disable=broad-exception-caught
            self.failures.append(failure)

    def objects(self):
        key = f'key{self.dice.randrange(15)}'
        if self.dice.random() < 0.15:
            self.history.op('s3', key, None, lambda: self.s3.delete_object(Bucket='crash', Key=key))
            return
        body = self.dice.randbytes(self.dice.choice([10, 3_000, 100_000]))
        self.history.op('s3', key, hashlib.md5(body).hexdigest(),
                        lambda: self.s3.put_object(Bucket='crash', Key=key, Body=body))

    def catalogue(self):
        value = str(len(self.history.ops))
        self.history.op('glue', 'table', value, lambda: self.glue.update_table(
            DatabaseName='crash', TableInput={'Name': 'table', 'Description': value}))
        key = f'tag{self.dice.randrange(3)}'
        self.history.op('iam', key, value, lambda: self.iam.tag_user(
            UserName='crash', Tags=[{'Key': key, 'Value': value}]))

    def producer(self):
        producer, history = Producer({**self.settings, 'enable.idempotence': True, 'linger.ms': 1}), self.history

        def delivered(one, error):
            assert error is None, error
            one['end'] = history.now()

        def work():
            for _ in range(5):
                one = {'partition': self.produced % crash_images.PARTITIONS, 'value': f'{self.produced} ' + 'x' * 80,
                       'begin': history.now(), 'end': None}
                history.records.append(one)
                producer.produce('in', one['value'], partition=one['partition'],
                                 on_delivery=lambda error, _, one=one: delivered(one, error))
                self.produced += 1
            producer.poll(0.005)
        self.run(work)
        assert producer.flush(30) == 0

    def transactions(self):
        producer = Producer({**self.settings, 'transactional.id': 'crash', 'linger.ms': 0})
        producer.poll(0.1)
        producer.init_transactions(30)
        consumer = Consumer({**self.settings, 'group.id': 'copier', 'enable.auto.commit': False})

        def work():
            number = len(self.history.transactions)
            one = {'values': [f'{number} {i}' for i in range(4)], 'position': number + 1, 'aborted': number % 5 == 4,
                   'begin': self.history.now(), 'end': None}
            self.history.transactions.append(one)
            producer.begin_transaction()
            for i, value in enumerate(one['values']):
                producer.produce('out', value, partition=i % 2)
            producer.send_offsets_to_transaction([TopicPartition('in', 0, one['position'])],
                                                 consumer.consumer_group_metadata(), 20)
            (producer.abort_transaction if one['aborted'] else producer.commit_transaction)(30)
            one['end'] = self.history.now()
        self.run(work)
        consumer.close()

    def positions(self):
        consumer = Consumer({**self.settings, 'group.id': 'plain', 'enable.auto.commit': False})
        consumer.poll(0.1)

        def work():
            at = self.dice.randrange(1, 1000)
            self.history.op('group', 'plain', at, lambda: consumer.commit(
                offsets=[TopicPartition('in', 0, at)], asynchronous=False))
        self.run(work)
        consumer.close()

    def go(self, seconds):
        threads = [threading.Thread(target=one) for one in (
            lambda: self.run(self.objects), lambda: self.run(self.catalogue),
            self.producer, self.transactions, self.positions)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self.stopping.set()
        for thread in threads:
            thread.join(60)
        assert not self.failures, self.failures


def served_on(folder):
    """Runs the load on a server whose data lies on the logging disk; returns the history."""
    server = Mekong(f'{folder}/fs/data').start()
    try:
        server.client('s3').create_bucket(Bucket='crash', CreateBucketConfiguration={'LocationConstraint': REGION})
        server.client('glue').create_database(DatabaseInput={'Name': 'crash'})
        server.client('glue').create_table(DatabaseName='crash', TableInput={'Name': 'table', 'Description': 'first'})
        server.client('iam').create_user(UserName='crash')
        settings = settings_of(server, serverless_cluster(server, 'crash'))
        create_topic(settings, 'in', crash_images.PARTITIONS)
        create_topic(settings, 'out', 2)
        history = History(f'{folder}/disk/position')
        history.op('glue', 'table', 'first', lambda: None)
        began = history.now()
        Load(server, settings, history).go(LOAD_SECONDS)
        env = server.env()
        return began, {'ops': history.ops, 'records': history.records, 'transactions': history.transactions,
                       'env': {key: env[key] for key in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY')},
                       'brokers': settings['bootstrap.servers'],
                       'ports': [server.port, server.metastore_port, server.kafka_port]}
    finally:
        crash_images.kill(server)
        os.close(history.position)


def cuts_of(history, began, end, dice):
    """Half of them anywhere, half right behind an answer."""
    answers = [one['end'] for name in ('ops', 'records', 'transactions') for one in history[name]
               if one['end'] is not None and one['end'] > began]
    cuts = [dice.randrange(began, end) if i % 2 else dice.choice(answers) for i in range(IMAGES)]
    return sorted(cuts) + [dice.randrange((began + end) // 2, end) for _ in range(LIES)]


@pytest.fixture
def folder(tmp_path):
    reason = why_not()
    if reason:
        pytest.skip(reason)
    # In memory: what is tested is what the disk was told.
    place = pathlib.Path(f'/dev/shm/mekong-crash-{os.getpid()}')
    for name in ('disk', 'fs'):
        (place / name).mkdir(parents=True)
    subprocess.run(['clang++-19', '-std=c++20', '-O2', '-D_FILE_OFFSET_BITS=64', f'-I{FUSE}', HERE / 'block_log.cpp',
                    '-lfuse3', '-o', tmp_path / 'block_log'], check=True)
    with open(place / 'base', 'wb') as base:
        base.truncate(256 << 20)
    subprocess.run(['mkfs.ext4', '-q', '-J', 'size=4', '-E', 'lazy_itable_init=0,nodiscard', place / 'base'], check=True)
    crash_images.copy(place / 'base', place / 'live')
    disk = subprocess.Popen([tmp_path / 'block_log', place / 'disk', place / 'live', place / 'log'])
    try:
        while not (place / 'disk' / 'position').exists():
            assert disk.poll() is None
            time.sleep(0.01)
        yield place
    finally:
        for mount in ('fs', 'disk'):
            subprocess.run(['umount', '--lazy', place / mount], check=False, capture_output=True)
        disk.terminate()
        disk.wait(timeout=30)
        shutil.rmtree(place)


def checked(folder, first, last, *words):
    """Starts a worker on some of the images."""
    return subprocess.Popen(['unshare', '-mn', '--kill-child', sys.executable, HERE / 'crash_images.py', folder, str(SEED),
                             str(first), str(last), *words], stdout=subprocess.PIPE, text=True)


def outcomes(workers):
    try:
        printed = [worker.communicate(timeout=7200)[0] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0] * len(workers)
    return [json.loads(one) for one in printed]


def test_a_power_cut_loses_alters_and_doubles_nothing(folder):
    print('MEKONG_CRASH_SEED', SEED)
    crash_images.mounted(folder / 'disk' / 'disk', folder / 'fs')
    began, history = served_on(folder)
    end = int((folder / 'disk' / 'position').read_text())
    crash_images.unmount(folder / 'fs')
    history['cuts'] = cuts_of(history, began, end, random.Random(SEED))
    (folder / 'history.json').write_text(json.dumps(history))
    print(f'{end} entries; {len(history["records"])} records, {len(history["transactions"])} transactions, '
          f'{len(history["ops"])} other changes')
    share = -(-IMAGES // WORKERS)
    began_s = time.time()
    results = outcomes([checked(folder, at, min(at + share, IMAGES)) for at in range(0, IMAGES, share)])
    print(f'{sum(one["images"] for one in results)} images in {time.time() - began_s:.0f} s')
    findings = [finding for one in results for finding in one['findings']]
    assert sum(one['images'] for one in results) == IMAGES and not findings, findings[:10]
    # And it would see a loss: of a disk that says it has flushed and has not.
    lied_to, = outcomes([checked(folder, IMAGES, IMAGES + LIES, 'lie')])
    assert lied_to['images'] == LIES and lied_to['findings'], 'a disk that lies was not noticed'
    print('of a disk that lies:', len(lied_to['findings']), 'findings, the first:', lied_to['findings'][0][:200])
