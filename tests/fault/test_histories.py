"""Histories of concurrent clients, with a kill -9 in their midst: objects, versions of tables and positions of groups are
linearizable, register by register (porcupine); transactions in a ring have none of Adya's anomalies that fenced
read_committed transactions exclude (list_append.py). And each kind of anomaly that is planted is found.
MEKONG_HISTORY_ROUNDS: kills (1, in the full tier 20), MEKONG_HISTORY_SEED: the clients' dice."""
import os
import random
import time

import pytest
from confluent_kafka import TopicPartition

import list_append
from kafka_client import create_topic, serverless_cluster, settings_of
from registers import History, ObjectClient, PositionClient, Refused, TableClient
from ring import MEMBERS, Member, Ring
from server import REGION, Mekong

ROUNDS = int(os.environ.get('MEKONG_HISTORY_ROUNDS', '20' if os.environ.get('MEKONG_TIER') == 'full' else '1'))
SEED = int(os.environ.get('MEKONG_HISTORY_SEED', str(random.randrange(1 << 30))))


@pytest.fixture(name='server', scope='module')
def server_fixture(tmp_path_factory):
    """One for all tests, killed in some."""
    server = Mekong(str(tmp_path_factory.mktemp('histories') / 'data')).start()
    server.client('s3').create_bucket(Bucket='histories', CreateBucketConfiguration={'LocationConstraint': REGION})
    server.client('glue').create_database(DatabaseInput={'Name': 'histories'})
    yield server
    server.kill()


@pytest.fixture(name='settings', scope='module')
def settings_fixture(server):
    made = settings_of(server, serverless_cluster(server, 'histories'))
    create_topic(made, 'histories', 2)
    return made


def tables_made(server, history, names):
    for name in names:
        history.write(0, f'table/{name}', 'write', 'first', lambda name=name: server.client('glue').create_table(
            DatabaseName='histories', TableInput={'Name': name, 'Description': 'first'}))


def run(loads, seconds):
    for load in loads:
        load.start()
    time.sleep(seconds)
    for load in loads:
        load.stopping.set()
    for load in loads:
        load.finish()


def found_in_the_end(once):
    """Of what is planted: on a busy machine clients take longer to meet, and each attempt takes longer."""
    return any(once(attempt) for attempt in range(8))


def rounds_of(server, loads, killed=lambda: None):
    """All of it goes on while the server is killed and comes again."""
    for load in loads:
        load.start()
    for _ in range(ROUNDS):
        time.sleep(random.uniform(2, 3))
        server.kill()
        killed()
        server.start()
    time.sleep(2)
    for load in loads:
        load.stopping.set()
    for load in loads:
        load.finish()


def test_registers_are_linearizable(server, settings):
    print('MEKONG_HISTORY_SEED', SEED)
    history, tables = History(), ['table0', 'table1']
    tables_made(server, history, tables)
    rounds_of(server, [*(ObjectClient(server, history, 10 + i, SEED + i) for i in range(4)),
                       *(TableClient(server, history, 20 + i, SEED + 10 + i, tables) for i in range(2)),
                       *(PositionClient(settings, history, 30 + i, SEED + 20 + i) for i in range(2))], history.killed)
    began, verdict = time.monotonic(), history.check()
    outcomes = {word: sum(one['outcome'] == word for one in history.operations) for word in ('refused', 'unknown')}
    print(f'{ROUNDS} kills; {verdict}, {outcomes}, decided in {time.monotonic() - began:.1f} s')
    assert not verdict['illegal'] and not verdict['undecided'] and outcomes['refused'] > 0
    versions = [int(one['VersionId']) for page in server.client('glue').get_paginator('get_table_versions').paginate(
        DatabaseName='histories', TableName='table0') for one in page['TableVersions']]
    assert len(versions) > 1 and sorted(versions) == list(range(len(versions)))


def test_transactions_have_no_anomaly_circular_flow(server, settings):
    print('MEKONG_HISTORY_SEED', SEED)
    ring = Ring(settings, 'ring')
    members = [Member(ring, i % MEMBERS, SEED + i) for i in range(2 * MEMBERS)]
    rounds_of(server, members)
    transactions, final, no_overwrites = ring.history(ring.at_the_end())
    kinds = {status: sum(one['status'] == status for one in transactions) for status in ('committed', 'aborted', 'unknown')}
    reads = sum(kind == 'read' for one in transactions for kind, _, _ in one['ops'])
    print(f'{ROUNDS} kills; {len(transactions)} transactions, {kinds}, {reads} reads, '
          f'{sum(one.given_up for one in members)} sessions given up')
    found = list_append.check(transactions, final, no_overwrites)
    assert not found, found[:10]
    assert kinds['committed'] > 10 * ROUNDS and kinds['aborted'] > 0


# --- planted: a server that errs in one way is noticed -----------------------------------------------------------


class StaleRead(ObjectClient):
    """Now and then answers what was read the time before last."""
    seen = {}

    def read(self, key):
        now = super().read(key)
        before, self.seen[key] = self.seen.get(key, now), now
        return before if self.dice.random() < 0.2 else now


class LostWrite(ObjectClient):
    """Acknowledges a put that never comes."""

    def put_object(self, key, body, **conditions):
        if conditions or self.dice.random() < 0.7:
            super().put_object(key, body, **conditions)


class BlindSwap(ObjectClient):
    """Does not look at If-Match and If-None-Match."""

    def put_object(self, key, body, **conditions):
        super().put_object(key, body)


class WrongRefusal(ObjectClient):
    """Writes, and says that the condition failed."""

    def put_object(self, key, body, **conditions):
        super().put_object(key, body, **conditions)
        if conditions and self.dice.random() < 0.3:
            raise Refused


class LateListing(ObjectClient):
    """Lists as things were at the listing before."""
    before = {}

    def listed(self):
        now = super().listed()
        LateListing.before, answer = now, LateListing.before
        return answer


class BlindVersion(TableClient):
    """Does not look at VersionId."""

    def update_table(self, table, value, **condition):
        super().update_table(table, value)


class OldPosition(PositionClient):
    """Commits the number before once more."""

    def commit(self, partition):
        super().commit(partition)
        old = self.number * 1_000_000 + max(self.count - 3, 1)
        self.consumer.commit(offsets=[TopicPartition('histories', partition, old)], asynchronous=False)


@pytest.mark.parametrize('kind', [ObjectClient, StaleRead, LostWrite, BlindSwap, WrongRefusal, LateListing])
def test_planted_anomalies_of_objects_are_found(server, kind):
    def once(attempt):
        history = History()
        server.client('s3').delete_objects(Bucket='histories', Delete={'Objects': [{'Key': f'key{i}'} for i in range(4)]})
        run([kind(server, history, i, SEED + 10 * attempt + i, keys=2) for i in range(3)], 0.7 + attempt)
        return bool(history.check()['illegal'])
    assert not once(0) if kind is ObjectClient else found_in_the_end(once), SEED


def test_planted_anomalies_of_versions_and_positions_are_found(server, settings):
    def versions(attempt):
        history = History()
        tables_made(server, history, [f'blind{attempt}'])
        run([BlindVersion(server, history, 20 + i, SEED + 10 * attempt + i, [f'blind{attempt}']) for i in range(3)],
            0.7 + attempt)
        return history.check()['illegal']

    def positions(attempt):
        history = History()
        run([OldPosition(settings, history, 10 * attempt + i + 1, SEED + 10 * attempt + i) for i in range(2)], 1.5 + attempt)
        return history.check()['illegal']
    assert found_in_the_end(versions) and found_in_the_end(positions), SEED


@pytest.mark.parametrize('kind, expected', [('uncommitted', {'G1a', 'G1b'}),
                                            ('apart', {'lost', 'torn', 'G0', 'G1c', 'G-single', 'G2'})])
def test_planted_anomalies_of_transactions_are_found(settings, kind, expected):
    """Of members that read what is not decided, and of members whose rivals are not fenced."""
    planted = {'isolation': 'read_uncommitted'} if kind == 'uncommitted' else {'apart': True}
    count = MEMBERS if kind == 'uncommitted' else 2 * MEMBERS

    def once(attempt):
        ring = Ring(settings, f'{kind}-{attempt}')
        run([Member(ring, i % MEMBERS, SEED + 100 * attempt + i, **planted) for i in range(count)], 3 + 2 * attempt)
        found = {name for name, _ in list_append.check(*ring.history(ring.at_the_end()))}
        print(ring.topic, found, len(ring.transactions))
        return found & expected
    assert found_in_the_end(once), SEED


def committed(name, *ops):
    return {'id': name, 'status': 'committed', 'ops': list(ops)}


# A history for each anomaly: its name, the transactions, the lists at the end.
PLANTED = [
    ('G0', [committed('A', ('append', 'x', 1), ('append', 'y', 1)), committed('B', ('append', 'x', 2), ('append', 'y', 2))],
     {'x': [1, 2], 'y': [2, 1]}),
    ('G1a', [{'id': 'A', 'status': 'aborted', 'ops': [('append', 'x', 1)]}, committed('B', ('read', 'x', [1]))], {'x': []}),
    ('G1b', [committed('A', ('append', 'x', 1), ('append', 'x', 2)), committed('B', ('read', 'x', [1]))], {'x': [1, 2]}),
    ('G1c', [committed('A', ('append', 'x', 1), ('read', 'y', [1])), committed('B', ('append', 'y', 1), ('read', 'x', [1]))],
     {'x': [1], 'y': [1]}),
    ('G-single', [committed('A', ('append', 'x', 1), ('append', 'y', 1)),
                  committed('B', ('read', 'x', [1]), ('read', 'y', []))], {'x': [1], 'y': [1]}),
    ('G2', [committed('A', ('read', 'x', []), ('append', 'y', 1)), committed('B', ('read', 'y', []), ('append', 'x', 1))],
     {'x': [1], 'y': [1]}),
    ('lost', [committed('A', ('append', 'x', 1))], {'x': []}),
    ('torn', [committed('A', ('append', 'x', 1), ('append', 'y', 1))], {'x': [1], 'y': []}),
    ('torn', [{'id': 'A', 'status': 'unknown', 'ops': [('append', 'x', 1), ('append', 'y', 1)]}], {'x': [1], 'y': []}),
    ('doubled', [committed('A', ('append', 'x', 1))], {'x': [1, 1]}),
    ('order', [committed('A', ('append', 'x', 1), ('append', 'x', 2))], {'x': [2, 1]}),
    ('order', [committed('A', ('append', 'x', 1)), committed('B', ('append', 'x', 2)), committed('C', ('read', 'x', [2]))],
     {'x': [1, 2]}),
]


@pytest.mark.parametrize('name, transactions, final', PLANTED, ids=[f'{i}-{one[0]}' for i, one in enumerate(PLANTED)])
def test_each_anomaly_has_its_name(name, transactions, final):
    assert name in {found for found, _ in list_append.check(transactions, final)}


def test_a_sound_history_has_no_anomaly():
    assert not list_append.check([
        committed('A', ('append', 'x', 1), ('append', 'y', 1)), committed('B', ('read', 'x', [1]), ('append', 'y', 2)),
        {'id': 'C', 'status': 'unknown', 'ops': [('read', 'y', [1, 2]), ('append', 'x', 3)]},
        {'id': 'D', 'status': 'aborted', 'ops': [('read', 'y', [1, 2]), ('append', 'x', 4)]}], {'x': [1, 3], 'y': [1, 2]})
