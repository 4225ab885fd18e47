"""What hostile data and hostile callers reach through Athena: a query's own failure, and nothing of another's query.
The query engine's own words are tried in src/sql/worker_test.cpp. The names are those of docs/isolation.md."""
import random

import pytest
from athena_client import Athena, parquet
from callers import allow, code_of, role_session


@pytest.fixture(scope='module')
def athena(mekong):
    return Athena(mekong).make_place()


def crafted(good, seed):
    """A Parquet file with a part of it changed: bytes of the footer, its length, pages, or its end cut."""
    dice, bad = random.Random(seed), bytearray(good)
    kind = seed % 4
    footer = len(bad) - 8 - int.from_bytes(bad[-8:-4], 'little')
    if kind == 0:
        bad[-8:-4] = dice.choice([0, 1, 2**31 - 1, 2**32 - 1, len(bad) - 7]).to_bytes(4, 'little')
    elif kind == 1:
        for _ in range(dice.randint(1, 8)):
            bad[dice.randrange(footer, len(bad) - 8)] = dice.randrange(256)
    elif kind == 2:
        for _ in range(dice.randint(1, 30)):
            bad[dice.randrange(4, footer)] = dice.choice([0, 255, dice.randrange(256)])
    else:
        del bad[dice.randrange(4, len(bad)):len(bad) - dice.choice([0, 4, 8])]
    return bytes(bad)


def test_parquet_crafted(athena, tmp_path):
    good = parquet("SELECT i AS a, 'text ' || (i % 7) AS b, [i, i + 1] AS c FROM range(2000) t(i)", tmp_path)
    athena.put('whole/x.parquet', good)
    columns = [('a', 'bigint'), ('b', 'string'), ('c', 'array<bigint>')]
    athena.table('whole', columns)
    queries = []
    for seed in range(24):
        athena.put(f'bad{seed}/x.parquet', crafted(good, seed))
        athena.table(f'bad{seed}', columns)
        queries.append(athena.start(f"SELECT count(*), sum(a), max(b), sum(cardinality(c)) FROM bad{seed} WHERE a < 1500"))
    states = {}
    for query in queries:
        status = athena.wait(query)['Status']
        states.setdefault(status['State'], []).append(status.get('StateChangeReason', ''))
    print({state: len(found) for state, found in states.items()})
    assert set(states) <= {'FAILED', 'SUCCEEDED'} and len(states['FAILED']) > 8, states
    assert athena.rows('SELECT count(*), max(a) FROM whole') == [('2000', '1999')]


def test_result_and_spill_isolated(athena):
    """Who may ask Athena anything, but may not read the folder of results, reads no result: not by id, not by query."""
    theirs = athena.done("SELECT 'a secret' AS said")['QueryExecutionId']
    everything_else = [allow(['athena:*', 'glue:*']), allow('s3:*', [f'arn:aws:s3:::{athena.bucket}',
                                                                   f'arn:aws:s3:::{athena.bucket}/mine/*'])]
    other = athena.by(role_session(athena.mekong, everything_else))
    refused = code_of(other.client.get_query_results, QueryExecutionId=theirs)
    assert refused in ('AccessDeniedException', 'InvalidRequestException')
    athena.table('results', [('line', 'string')], prefix='results', form={
        'InputFormat': 'org.apache.hadoop.mapred.TextInputFormat',
        'OutputFormat': 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
        'SerdeInfo': {'SerializationLibrary': 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'}})
    mine = {'ResultConfiguration': {'OutputLocation': f's3://{athena.bucket}/mine/'}}
    assert 's3:GetObject' in other.failed('SELECT * FROM results', **mine)
    assert 's3:PutObject' in other.failed("SELECT 'x'")  # nor does it write there
    assert other.rows("SELECT 'x'", **mine) == [('x',)]
