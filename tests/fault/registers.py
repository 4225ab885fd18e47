"""Clients of registers that write down what they asked and saw: an object, a table of the catalogue, a group's position.
Each register's history is then held against one that does one thing at a time (tests/fault/histories, porcupine)."""
import hashlib
import json
import os
import pathlib
import random
import subprocess
import threading
import time

import botocore.exceptions
from confluent_kafka import Consumer, KafkaException, TopicPartition

from load import Load, impatient

CHECKER = pathlib.Path(os.environ.get('MEKONG_DEPS', '/var/cache/mekong/deps')) / 'histories'


class Unknown(Exception):
    """Nobody knows whether it was done."""


class NotDone(Unknown):
    """It has not even reached the server."""


class Refused(Exception):
    """The register was not as a swap wished."""


class History:
    def __init__(self):
        self.lock, self.operations, self.kills = threading.Lock(), [], []

    def add(self, **operation):
        with self.lock:
            self.operations.append({'version': -2, 'outcome': 'done', **operation})

    def write(self, client, key, kind, value, call, **more):
        """Runs `call`, which raises Refused or Unknown."""
        began, outcome = time.monotonic_ns(), 'done'
        try:
            call()
        except Refused:
            outcome = 'refused'
        except NotDone:
            time.sleep(0.05)
            return 'not done'
        except Unknown:
            outcome = 'unknown'
        ended = time.monotonic_ns()
        one = {'client': client, 'key': key, 'kind': kind, 'value': value, 'call': began, 'return': ended, **more}
        self.add(outcome=outcome, **one)
        if outcome == 'done' and kind == 'write' and key.startswith('position/'):
            # A client that sends a commit again, on a new connection, may have had it done twice.
            if any(began < kill < ended for kill in self.kills):
                self.add(outcome='unknown', **one)
        return outcome

    def killed(self):
        self.kills.append(time.monotonic_ns())

    def check(self):
        """{"keys", "operations", "illegal", "undecided"}"""
        lines = '\n'.join(json.dumps(one) for one in self.operations)
        done = subprocess.run([CHECKER], input=lines, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


class Client(Load):
    """One client, which does one thing after the other."""

    def __init__(self, history, number, seed):
        super().__init__()
        self.history, self.number, self.dice, self.count = history, number, random.Random(seed), 0

    def fresh(self):
        self.count += 1
        return f'{self.number}-{self.count}'

    def saw(self, key, began, value, version=-2):
        self.history.add(client=self.number, key=key, kind='read', value=value, version=version, call=began,
                         **{'return': time.monotonic_ns()})

    def work(self):
        while not self.stopping.is_set():
            try:
                self.one()
            except Unknown:
                time.sleep(0.05)  # of a read


def answered(call, refused=()):
    """What the service answers; an error of the codes `refused` is Refused, one of the service itself Unknown."""
    try:
        return call()
    except (botocore.exceptions.EndpointConnectionError, botocore.exceptions.ConnectTimeoutError) as failure:
        raise NotDone from failure
    except botocore.exceptions.BotoCoreError as failure:
        raise Unknown from failure
    except botocore.exceptions.ClientError as failure:
        if failure.response['Error']['Code'] in refused:
            raise Refused from failure
        if failure.response['ResponseMetadata']['HTTPStatusCode'] >= 500:
            raise Unknown from failure
        raise


class ObjectClient(Client):
    """Puts, conditional puts, deletions, reads and listings of few keys. A value is an ETag: of content that is never
    put twice."""

    def __init__(self, server, history, number, seed, keys=4):
        super().__init__(history, number, seed)
        self.s3, self.keys, self.last = impatient(server, 's3'), [f'key{i}' for i in range(keys)], {}

    def one(self):
        key = self.dice.choice(self.keys)
        self.dice.choices([self.get, self.list, self.put, self.create, self.swap, self.delete],
                          [6, 2, 3, 2, 4, 2])[0](key)

    def content(self):
        body = f'{self.fresh()} '.encode() * self.dice.choice([1, 1, 10_000])  # within the metadata, or a file
        return body, f'"{hashlib.md5(body).hexdigest()}"'

    def put_object(self, key, body, **conditions):
        answered(lambda: self.s3.put_object(Bucket='histories', Key=key, Body=body, **conditions),
                 ('PreconditionFailed', 'NoSuchKey'))

    def changed(self, key, kind, tag, call, **more):
        if self.history.write(self.number, f'object/{key}', kind, tag, call, **more) == 'done':
            self.last[key] = tag

    def put(self, key):
        body, tag = self.content()
        self.changed(key, 'write', tag, lambda: self.put_object(key, body))

    def create(self, key):
        body, tag = self.content()
        self.changed(key, 'swap', tag, lambda: self.put_object(key, body, IfNoneMatch='*'), expect='')

    def swap(self, key):
        body, tag = self.content()
        expect = self.last.get(key) or '"00000000000000000000000000000000"'
        self.changed(key, 'swap', tag, lambda: self.put_object(key, body, IfMatch=expect), expect=expect)

    def delete(self, key):
        self.changed(key, 'write', '', lambda: answered(lambda: self.s3.delete_object(Bucket='histories', Key=key)))

    def read(self, key):
        try:
            answer = answered(lambda: self.s3.get_object(Bucket='histories', Key=key), ('NoSuchKey',))
            try:
                body = answer['Body'].read()
            except (botocore.exceptions.BotoCoreError, OSError) as failure:
                raise Unknown from failure
        except Refused:
            return ''
        assert answer['ETag'] == f'"{hashlib.md5(body).hexdigest()}"', 'one object\'s ETag on another\'s content'
        return answer['ETag']

    def get(self, key):
        began = time.monotonic_ns()
        self.last[key] = self.read(key)
        self.saw(f'object/{key}', began, self.last[key])

    def listed(self):
        answer = answered(lambda: self.s3.list_objects_v2(Bucket='histories'))
        return {one['Key']: one['ETag'] for one in answer.get('Contents', [])}

    def list(self, _):
        began, tags = time.monotonic_ns(), self.listed()
        assert tags.keys() <= set(self.keys)
        for key in self.keys:
            self.saw(f'object/{key}', began, tags.get(key, ''))


class TableClient(Client):
    """Versions of a table: changes of whatever it is, changes of one version, reads."""

    def __init__(self, server, history, number, seed, tables):
        super().__init__(history, number, seed)
        self.glue, self.tables, self.version = impatient(server, 'glue'), tables, {}

    def one(self):
        table = self.dice.choice(self.tables)
        self.dice.choices([self.get, self.update, self.swap], [3, 1, 2])[0](table)

    def update_table(self, table, value, **condition):
        answered(lambda: self.glue.update_table(DatabaseName='histories', TableInput={'Name': table, 'Description': value},
                                                **condition), ('ConcurrentModificationException',))

    def update(self, table):
        value = self.fresh()
        self.history.write(self.number, f'table/{table}', 'write', value, lambda: self.update_table(table, value))

    def swap(self, table):
        value, version = self.fresh(), self.version.get(table, '0')
        self.history.write(self.number, f'table/{table}', 'swap', value, expect=version, expects_version=True,
                           call=lambda: self.update_table(table, value, VersionId=version))

    def get(self, table):
        began = time.monotonic_ns()
        found = answered(lambda: self.glue.get_table(DatabaseName='histories', Name=table))['Table']
        self.version[table] = found['VersionId']
        self.saw(f'table/{table}', began, found['Description'], int(found['VersionId']))


class PositionClient(Client):
    """Positions that a group commits, by clients that each ask for themselves."""

    def __init__(self, settings, history, number, seed):
        super().__init__(history, number, seed)
        self.settings = settings

    def work(self):
        self.consumer = Consumer({**self.settings, 'group.id': 'histories', 'enable.auto.commit': False})
        self.consumer.poll(0.1)
        super().work()
        self.consumer.close()

    def one(self):
        partition = self.dice.randrange(2)
        self.dice.choice([self.get, self.commit])(partition)

    def commit(self, partition):
        self.count += 1
        value = self.number * 1_000_000 + self.count

        def call():
            try:
                self.consumer.commit(offsets=[TopicPartition('histories', partition, value)], asynchronous=False)
            except KafkaException as failure:
                raise Unknown from failure
        self.history.write(self.number, f'position/{partition}', 'write', str(value), call)

    def get(self, partition):
        began = time.monotonic_ns()
        try:
            at, = self.consumer.committed([TopicPartition('histories', partition)], timeout=5)
        except KafkaException as failure:
            raise Unknown from failure
        self.saw(f'position/{partition}', began, str(at.offset) if at.offset >= 0 else '')
