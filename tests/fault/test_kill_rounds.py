"""kill -9 under load, again and again: an idempotent producer, a transactional copy with its positions, objects put,
replaced and deleted, tables of the catalogue and tags of a user changed, positions of a group committed. At the end
what was acknowledged is there, once, and in its place; what was not is there whole or not at all.
MEKONG_KILL_ROUNDS: how many (5, in the full tier 100), MEKONG_KILL_SEED: the load's random numbers."""
import collections
import hashlib
import os
import random
import time

import botocore.exceptions
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from kafka_client import serverless_cluster, settings_of
from load import Load, Stuck, impatient, within

PARTITIONS = 4
ROUNDS = int(os.environ.get('MEKONG_KILL_ROUNDS', '100' if os.environ.get('MEKONG_TIER') == 'full' else '5'))
SEED = int(os.environ.get('MEKONG_KILL_SEED', str(random.randrange(1 << 30))))


class Writer(Load):
    def __init__(self, settings):
        super().__init__()
        self.settings, self.sent, self.acknowledged = settings, 0, {}

    def delivered(self, error, message):
        assert error is None, error
        self.acknowledged[message.partition(), message.offset()] = message.value()

    def work(self):
        producer = Producer({**self.settings, 'enable.idempotence': True, 'message.timeout.ms': 120_000, 'linger.ms': 2})
        while not self.stopping.is_set():
            for _ in range(20):
                producer.produce('in', b'%d' % self.sent, partition=self.sent % PARTITIONS, on_delivery=self.delivered)
                self.sent += 1
            producer.poll(0.02)
        assert producer.flush(90) == 0


class Copier(Load):
    """Each transaction takes what was read and where the reading stands."""

    def __init__(self, settings):
        super().__init__()
        self.settings, self.copied = settings, 0

    def work(self):
        while not self.stopping.is_set():
            try:
                self.session()
            except (KafkaException, Stuck) as failure:
                # Whatever it was: a new session begins where the last commit was, and aborts what was open.
                print('copier:', failure.args[0])
                time.sleep(0.2)

    def session(self):
        producer = Producer({**self.settings, 'transactional.id': 'copier', 'transaction.timeout.ms': 60_000})
        producer.poll(0.1)
        producer.init_transactions(30)
        consumer = Consumer({**self.settings, 'group.id': 'copiers', 'enable.auto.commit': False,
                             'isolation.level': 'read_committed', 'auto.offset.reset': 'earliest'})
        try:
            consumer.poll(0.1)
            partitions = [TopicPartition('in', i) for i in range(PARTITIONS)]
            committed = consumer.committed(partitions, timeout=20)
            consumer.assign([TopicPartition('in', at.partition, max(at.offset, 0)) for at in committed])
            while not self.stopping.is_set():
                self.copy_some(consumer, producer)
        finally:
            consumer.close()

    def copy_some(self, consumer, producer):
        messages = [message for message in consumer.consume(500, 0.2) if not message.error()]
        if not messages:
            return
        producer.begin_transaction()
        for message in messages:
            producer.produce('out', message.value(), partition=message.partition())
        positions = [TopicPartition('in', partition, 1 + max(m.offset() for m in messages if m.partition() == partition))
                     for partition in {message.partition() for message in messages}]
        within(15, lambda: producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), 10))
        if random.random() < 0.1:
            producer.abort_transaction(30)
            consumer.assign([TopicPartition('in', at.partition, max(at.offset, 0)) for at in consumer.committed(
                [TopicPartition('in', i) for i in range(PARTITIONS)], timeout=20)])
            return
        producer.commit_transaction(30)
        self.copied += len(messages)


class Definitions(Load):
    """Values by name in the catalogue and in IAM: each holds the one acknowledged last, or one that was not answered
    since."""

    def __init__(self, server):
        super().__init__()
        self.glue, self.iam = impatient(server, 'glue'), impatient(server, 'iam')
        self.random, self.may_be, self.changes = random.Random(SEED + 100), {}, 0
        self.glue.create_database(DatabaseInput={'Name': 'kill'})
        self.iam.create_user(UserName='kill')
        for i in range(3):
            self.glue.create_table(DatabaseName='kill', TableInput={'Name': f'table{i}', 'Description': 'first'})
            self.may_be['glue', f'table{i}'] = {'first'}

    def set(self, service, key, value):
        if service == 'glue':
            self.glue.update_table(DatabaseName='kill', TableInput={'Name': key, 'Description': value})
        else:
            self.iam.tag_user(UserName='kill', Tags=[{'Key': key, 'Value': value}])

    def work(self):
        while not self.stopping.is_set():
            register = self.random.choice([('glue', 'table'), ('iam', 'tag')])
            register = register[0], f'{register[1]}{self.random.randrange(3)}'
            value = str(self.random.random())
            try:
                self.set(*register, value)
                self.may_be[register] = {value}
                self.changes += 1
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                self.may_be.setdefault(register, {None}).add(value)
                time.sleep(0.1)

    def check(self):
        now = {('glue', table['Name']): table['Description']
               for table in self.glue.get_tables(DatabaseName='kill')['TableList']}
        now |= {('iam', tag['Key']): tag['Value'] for tag in self.iam.list_user_tags(UserName='kill')['Tags']}
        for register, may_be in self.may_be.items():
            assert now.get(register) in may_be, register
        assert now.keys() <= self.may_be.keys()


class Positions(Load):
    """A group's committed position never goes back behind what was acknowledged, nor beyond what was asked."""

    def __init__(self, settings):
        super().__init__()
        self.settings, self.asked, self.acknowledged = settings, 0, 0

    def work(self):
        consumer = Consumer({**self.settings, 'group.id': 'positions', 'enable.auto.commit': False})
        consumer.poll(0.1)
        while not self.stopping.is_set():
            self.asked += 1
            try:
                consumer.commit(offsets=[TopicPartition('in', 0, self.asked)], asynchronous=False)
                self.acknowledged = self.asked
            except KafkaException:
                time.sleep(0.1)
        consumer.close()

    def check(self):
        consumer = Consumer({**self.settings, 'group.id': 'positions'})
        consumer.poll(0.1)
        at, = consumer.committed([TopicPartition('in', 0)], timeout=20)
        consumer.close()
        assert self.acknowledged <= at.offset <= self.asked


class Objects(Load):
    """One thread's keys; `content` has what each may hold: a hash, or None for no object."""

    def __init__(self, server, number):
        super().__init__()
        self.random, self.s3 = random.Random(SEED + number), impatient(server, 's3')
        self.number, self.content, self.changes = number, collections.defaultdict(lambda: {None}), 0

    def work(self):
        while not self.stopping.is_set():
            key = f'{self.number}/{self.random.randrange(40)}'
            if self.random.random() < 0.2:
                after, change = None, lambda key=key: self.s3.delete_object(Bucket='kill', Key=key)
            else:
                body = self.random.randbytes(self.random.choice([10, 5_000, 200_000]))
                after = hashlib.sha256(body).hexdigest()
                change = lambda key=key, body=body: self.s3.put_object(Bucket='kill', Key=key, Body=body)
            try:
                change()
                self.content[key] = {after}
                self.changes += 1
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                self.content[key].add(after)
                time.sleep(0.1)

    def check(self):
        listed = set()
        for page in self.s3.get_paginator('list_objects_v2').paginate(Bucket='kill', Prefix=f'{self.number}/'):
            listed |= {item['Key'] for item in page.get('Contents', [])}
        for key, may_be in self.content.items():
            found = None
            if key in listed:
                found = hashlib.sha256(self.s3.get_object(Bucket='kill', Key=key)['Body'].read()).hexdigest()
            assert found in may_be, key
        assert listed <= set(self.content)


def read_all(settings, topic):
    consumer = Consumer({**settings, 'group.id': 'checker', 'isolation.level': 'read_committed',
                         'enable.partition.eof': True})
    consumer.poll(0.1)
    consumer.assign([TopicPartition(topic, i, 0) for i in range(PARTITIONS)])
    seen, ended, deadline = {}, set(), time.time() + 60
    while len(ended) < PARTITIONS and time.time() < deadline:
        for message in consumer.consume(1000, 1):
            if message.error():
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                ended.add(message.partition())
            else:
                seen[message.partition(), message.offset()] = message.value()
    consumer.close()
    assert len(ended) == PARTITIONS
    return seen


@pytest.fixture
def settings(own_mekong):
    cluster = serverless_cluster(own_mekong, 'kill')
    own_mekong.client('s3').create_bucket(Bucket='kill',
                                          CreateBucketConfiguration={'LocationConstraint': 'us-east-2'})
    made = settings_of(own_mekong, cluster)
    admin = AdminClient(made)
    admin.poll(0.1)
    for topic in ('in', 'out'):
        admin.create_topics([NewTopic(topic, PARTITIONS, -1)])[topic].result(timeout=20)
    return made


def test_nothing_is_lost_or_doubled(own_mekong, settings):
    print('seed', SEED)
    writer, copier, others = Writer(settings), Copier(settings), [Objects(own_mekong, i) for i in range(2)]
    others += [Definitions(own_mekong), Positions(settings)]
    loads = [writer, copier, *others]
    for load in loads:
        load.start()
    for _ in range(ROUNDS):
        time.sleep(random.uniform(1.0, 2.5))
        own_mekong.kill()
        own_mekong.start()
    time.sleep(2)
    writer.finish()
    for load in others:
        load.finish()
    there = read_all(settings, 'in')
    deadline = time.time() + 60
    while len(read_all(settings, 'out')) < writer.sent and time.time() < deadline and copier.failure is None:
        time.sleep(0.5)
    copier.finish()
    assert writer.acknowledged.items() <= there.items()
    assert sorted(map(int, there.values())) == list(range(writer.sent))
    for partition in range(PARTITIONS):  # in the order in which they were sent
        values = [int(value) for (of, _), value in sorted(there.items()) if of == partition]
        assert values == sorted(values)
    assert sorted(map(int, read_all(settings, 'out').values())) == list(range(writer.sent))
    for load in others:
        load.check()
    print(f'{ROUNDS} kills: {writer.sent} records, {copier.copied} copied in transactions, '
          f'{sum(load.changes for load in others[:2])} changes of objects, {others[2].changes} of definitions, '
          f'{others[3].acknowledged} positions')


def test_a_page_goes_on_after_a_kill(own_mekong):
    """Tokens of pages name where to go on, not something that a server remembers."""
    s3, glue, iam = (own_mekong.client(name) for name in ('s3', 'glue', 'iam'))
    s3.create_bucket(Bucket='pages', CreateBucketConfiguration={'LocationConstraint': 'us-east-2'})
    glue.create_database(DatabaseInput={'Name': 'pages'})
    names = [f'name{i}' for i in range(5)]
    for name in names:
        s3.put_object(Bucket='pages', Key=name, Body=b'')
        glue.create_table(DatabaseName='pages', TableInput={'Name': name})
        iam.create_user(UserName=name)
    objects = s3.list_objects_v2(Bucket='pages', MaxKeys=2)
    tables = glue.get_tables(DatabaseName='pages', MaxResults=2)
    users = iam.list_users(MaxItems=2)
    own_mekong.kill()
    own_mekong.start()
    objects = objects['Contents'] + s3.list_objects_v2(
        Bucket='pages', ContinuationToken=objects['NextContinuationToken'])['Contents']
    tables = tables['TableList'] + glue.get_tables(DatabaseName='pages', NextToken=tables['NextToken'])['TableList']
    users = users['Users'] + iam.list_users(Marker=users['Marker'])['Users']
    assert [one['Key'] for one in objects] == names
    assert [one['Name'] for one in tables] == names
    assert [one['UserName'] for one in users] == names
