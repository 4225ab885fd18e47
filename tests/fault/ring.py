"""Transactions in a ring: members that read what the others wrote to them, write to the others, and commit with it how far
they have read. Each member has rivals under one transactional id, which take over from one another at any moment; so
each transaction must have read what the one before it left.

As lists (list_append.py): a partition from one member to another is a list; the member's own position is one, to which
each of its transactions appends itself."""
import itertools
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from kafka_client import create_topic
from load import Load, Stuck, within

MEMBERS = 3
PARTITIONS = MEMBERS * MEMBERS + MEMBERS  # from each to each, and one whose offset counts a member's transactions


def partition(source, target):
    return source * MEMBERS + target


def counter(member):
    return MEMBERS * MEMBERS + member


class Ring:
    """What was done, by all."""

    def __init__(self, settings, topic):
        self.settings, self.topic = settings, topic
        create_topic(settings, topic, PARTITIONS)
        self.lock, self.numbers, self.transactions = threading.Lock(), itertools.count(1), []

    def begin(self, member):
        with self.lock:
            one = {'id': f'T{next(self.numbers)}', 'member': member, 'status': 'aborted', 'read': {}, 'written': [],
                   'claims': None, 'found': None}
            self.transactions.append(one)
            return one

    def consumer(self, group, **more):
        consumer = Consumer({**self.settings, 'group.id': group, 'enable.auto.commit': False, 'fetch.wait.max.ms': 10,
                             'isolation.level': 'read_committed', 'enable.partition.eof': True, **more})
        consumer.poll(0.1)
        return consumer

    def producer(self, member, suffix=''):
        """Fences who had this name, and ends what it left open."""
        producer = Producer({**self.settings, 'transactional.id': f'{self.topic}-{member}{suffix}', 'linger.ms': 0,
                             'transaction.timeout.ms': 10_000})
        producer.poll(0.1)
        producer.init_transactions(30)
        return producer

    def at_the_end(self):
        """Every list, read once nothing is under way; positions from the last commits."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.producer, range(MEMBERS)))
        consumer, found, ended = self.consumer('checker'), {}, set()
        parts = range(MEMBERS * MEMBERS)
        consumer.assign([TopicPartition(self.topic, i, 0) for i in parts])
        deadline = time.time() + 30
        while len(ended) < len(parts) and time.time() < deadline:
            for message in consumer.consume(1000, 0.1):
                if message.error():
                    assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                    ended.add(message.partition())
                else:
                    found.setdefault(message.partition(), {})[message.offset()] = message.value().decode()
        consumer.close()
        assert len(ended) == len(parts)
        return found

    def history(self, found):
        """As list_append.check takes it: transactions, final, the partitions' lists."""
        lists = {f'p{i}': list(found.get(i, {}).values()) for i in range(MEMBERS * MEMBERS)}
        for member in range(MEMBERS):
            lists[f'c{member}'] = self.counted(member)
        transactions = []
        for one in self.transactions:
            member, ops = one['member'], []
            if one['found'] is not None:
                ops.append(('read', f'c{member}', lists[f'c{member}'][:one['found']]))
            for part, (begin, messages) in one['read'].items():
                before = [value for offset, value in found.get(part, {}).items() if offset < begin]
                ops.append(('read', f'p{part}', before + messages))
            ops += [('append', f'p{part}', value) for part, value in one['written']]
            if one['claims'] is not None:
                ops.append(('append', f'c{member}', one['id']))
            transactions.append({'id': one['id'], 'status': one['status'], 'ops': ops})
        return transactions, lists, [f'p{i}' for i in range(MEMBERS * MEMBERS)]

    def counted(self, member):
        """Who made the member's first, second … transaction: whoever says so, and those that a successor found."""
        owners = {}
        for one in self.transactions:
            if one['member'] == member and one['status'] == 'committed':
                owners[one['claims']] = one['id']
        for one in self.transactions:
            if one['member'] == member and one.get('before') is not None:
                owners.setdefault(one['found'], one['before'])
        return [owners.get(i, f'nobody {i}') for i in range(1, max(owners, default=0) + 1)]


class Member(Load):
    """One rival for a member's work. Faults to plant: `isolation` of its reads; `apart`, its position is committed
    beside its transaction, by whoever comes."""

    def __init__(self, ring, member, seed, isolation='read_committed', apart=False):
        super().__init__()
        self.ring, self.member, self.dice = ring, member, random.Random(seed)
        self.isolation, self.apart = isolation, apart
        self.given_up = 0

    def work(self):
        self.consumer = self.ring.consumer(f'{self.ring.topic}-{self.member}', **{'isolation.level': self.isolation})
        while not self.stopping.is_set():
            try:
                self.session()
            except (KafkaException, Stuck):
                self.given_up += 1  # fenced by a rival, or the server was killed
                self.stopping.wait(self.dice.uniform(0, 1.5))
        self.consumer.close()

    def session(self):
        producer = self.ring.producer(self.member, f'-{id(self)}' if self.apart else '')
        while not self.stopping.is_set():
            found = self.found()
            while not self.stopping.is_set() and found is not None:
                found = self.transaction(producer, *found)

    def found(self):
        """Where the member stands: positions by partition, how many transactions, the last of them."""
        topic, me = self.ring.topic, self.member
        mine = [TopicPartition(topic, partition(source, me)) for source in range(MEMBERS)]
        at = self.consumer.committed([*mine, TopicPartition(topic, counter(me))], timeout=10)
        positions = {one.partition: max(one.offset, 0) for one in at[:-1]}
        self.consumer.assign([TopicPartition(topic, part, offset) for part, offset in positions.items()])
        return positions, max(at[-1].offset, 0), at[-1].metadata if at[-1].offset > 0 else None

    def transaction(self, producer, positions, count, before):
        """Where the member stands then; None if it aborts."""
        one = self.ring.begin(self.member)
        one.update(found=count, before=before)
        self.read(positions, one)
        producer.begin_transaction()
        for number in range(self.dice.randrange(1, 5)):
            part, value = partition(self.member, self.dice.randrange(MEMBERS)), f'{one["id"]}.{number}'
            one['written'].append((part, value))
            producer.produce(self.ring.topic, value, partition=part)
        if self.dice.random() < 0.2:
            within(6, lambda: producer.flush(5))  # so that there is something to abort
            producer.abort_transaction(8)
            return None
        one['claims'] = count + 1
        new = [TopicPartition(self.ring.topic, part, at) for part, at in positions.items()]
        new.append(TopicPartition(self.ring.topic, counter(self.member), count + 1, metadata=one['id']))
        if not self.apart:
            within(6, lambda: producer.send_offsets_to_transaction(new, self.consumer.consumer_group_metadata(), 10))
        one['status'] = 'unknown'
        producer.commit_transaction(8)
        if self.apart:
            self.consumer.commit(offsets=new, asynchronous=False)
        one['status'] = 'committed'
        return positions, count + 1, one['id']

    def read(self, positions, one):
        """All there is, up to where each partition that has something ends for now."""
        got, open_parts, deadline = {}, set(), time.time() + 5
        while time.time() < deadline:
            messages = self.consumer.consume(1000, 0.01)
            for message in messages:
                part = message.partition()
                if message.error():
                    open_parts.discard(part)
                else:
                    open_parts.add(part)
                    got.setdefault(part, []).append(message)
            if not messages and not open_parts:
                break
        for part, found in got.items():
            one['read'][part] = positions[part], [message.value().decode() for message in found]
            positions[part] = found[-1].offset() + 1
