"""boto3 and the AWS CLI against Athena: queries on real Parquet, results in S3, permissions of the caller."""
import csv
import io
import json
import os
import re
import subprocess
import time
import uuid

import pytest
from athena_client import Athena, parquet
from botocore.exceptions import ClientError
from test_services import code_of, role_session

SEED_QUERY = """SELECT
    DATE_TRUNC('minute', date) AS minute_window,
    ROUND(SUM(total_amount), 2) AS total_amount
FROM
    emrblog.sales_order_data
WHERE
    DATE_TRUNC('day', date) = CURRENT_DATE
GROUP BY
    DATE_TRUNC('minute', date)
ORDER BY  
    minute_window DESC;
"""
SALES = ("SELECT date_trunc('day', now()::TIMESTAMP) + INTERVAL (m) MINUTE + INTERVAL (s) SECOND AS date, "
         "(m * 100 + s)::DOUBLE / 8 AS total_amount FROM range(3) a(m), range(60) b(s) "
         "UNION ALL SELECT TIMESTAMP '2001-01-01', 5.0")
LONG_QUERY = ('SELECT count(*) FROM UNNEST(sequence(1, 100000)) a(x) CROSS JOIN UNNEST(sequence(1, 100000)) b(y) '
              'WHERE sqrt(x * y) = 0.5')


@pytest.fixture
def athena(mekong):
    return Athena(mekong).make_place()


@pytest.fixture
def sales(athena, tmp_path):
    athena.put('sales/part-0.parquet', parquet(SALES, tmp_path))
    athena.put('sales/_SUCCESS', b'')
    athena.put('sales/_spark_metadata/0', b'not parquet')
    athena.table('sales', [('date', 'timestamp'), ('total_amount', 'double')])
    return athena


def test_the_seed_query_word_for_word(athena, tmp_path):
    athena.put('sales/part-0.parquet', parquet(SALES, tmp_path))
    try:
        athena.glue.create_database(DatabaseInput={'Name': 'emrblog'})
    except athena.glue.exceptions.AlreadyExistsException:
        pass
    athena.database = 'emrblog'
    athena.table('sales_order_data', [('date', 'timestamp'), ('total_amount', 'double')], prefix='sales')
    execution = athena.done(SEED_QUERY)
    rows = athena.results(execution['QueryExecutionId'])
    today = time.strftime('%Y-%m-%d', time.gmtime())
    assert rows[0] == ('minute_window', 'total_amount')
    assert rows[1:] == [(f'{today} 00:0{m}:00.000', str((m * 6000 + 1770) / 8)) for m in (2, 1, 0)]
    assert execution['StatementType'] == 'DML'
    assert execution['EngineVersion']['EffectiveEngineVersion'] == 'Athena engine version 3'
    statistics = execution['Statistics']
    assert statistics['DataScannedInBytes'] > 0
    assert statistics['TotalExecutionTimeInMillis'] >= statistics['EngineExecutionTimeInMillis'] >= 0
    athena.glue.delete_table(DatabaseName='emrblog', Name='sales_order_data')


def test_pages_of_results(athena):
    query = athena.done('SELECT n, CAST(NULL AS varchar) AS nothing FROM UNNEST(sequence(1, 2500)) t(n) ORDER BY n')
    query = query['QueryExecutionId']
    first = athena.client.get_query_results(QueryExecutionId=query)
    rows = first['ResultSet']['Rows']
    assert len(rows) == 1000, 'a page has a thousand rows, the header among them'
    assert rows[0] == {'Data': [{'VarCharValue': 'n'}, {'VarCharValue': 'nothing'}]}
    assert rows[1] == {'Data': [{'VarCharValue': '1'}, {}]}
    assert first['UpdateCount'] == 0
    second = athena.client.get_query_results(QueryExecutionId=query, MaxResults=5, NextToken=first['NextToken'])
    assert [r['Data'][0]['VarCharValue'] for r in second['ResultSet']['Rows']] == ['1000', '1001', '1002', '1003', '1004']
    assert [r[0] for r in athena.results(query)] == ['n'] + [str(n) for n in range(1, 2501)]
    column = first['ResultSet']['ResultSetMetadata']['ColumnInfo'][0]
    assert column == {'CatalogName': 'hive', 'SchemaName': '', 'TableName': '', 'Name': 'n', 'Label': 'n',
                      'Type': 'bigint', 'Precision': 19, 'Scale': 0, 'Nullable': 'UNKNOWN', 'CaseSensitive': False}
    assert code_of(athena.client.get_query_results, QueryExecutionId=query, NextToken='x y') == 'InvalidRequestException'
    assert code_of(athena.client.get_query_results, QueryExecutionId=query, MaxResults=1001) == 'InvalidRequestException'


def test_files_of_a_result(athena):
    execution = athena.done("SELECT 'a\"b,\nc' AS t, 1 AS n, CAST(NULL AS double) AS e, '' AS nothing")
    query = execution['QueryExecutionId']
    assert execution['ResultConfiguration']['OutputLocation'] == f's3://{athena.bucket}/results/{query}.csv'
    text = athena.s3.get_object(Bucket=athena.bucket, Key=f'results/{query}.csv')['Body'].read().decode()
    assert text == '"t","n","e","nothing"\n"a""b,\nc","1",,""\n'
    assert list(csv.reader(io.StringIO(text)))[1] == ['a"b,\nc', '1', '', '']
    described = athena.s3.get_object(Bucket=athena.bucket, Key=f'results/{query}.csv.metadata')['Body'].read()
    assert b'varchar' in described and b'double' in described
    shown = athena.done('SHOW TABLES')
    assert shown['StatementType'] == 'UTILITY'
    assert shown['ResultConfiguration']['OutputLocation'].endswith('.txt')


@pytest.mark.parametrize('sql, reason', [
    ('SELECT FROM', 'SYNTAX_ERROR: line 1:'), ('SELECT nothing', 'SYNTAX_ERROR'), ('SELECT 1; SELECT 2', 'SYNTAX_ERROR'),
    ('SELECT * FROM nowhere.t', 'TABLE_NOT_FOUND'), ('SELECT * FROM absent', 'TABLE_NOT_FOUND'),
    ("SELECT CAST('x' AS integer)", 'INVALID_CAST_ARGUMENT'), ("SELECT nosuch(1)", 'FUNCTION_NOT_FOUND'),
    ("SELECT * FROM read_csv('/etc/passwd')", 'FUNCTION_NOT_FOUND'), ("SELECT getenv('HOME')", 'FUNCTION_NOT_FOUND')])
def test_why_a_query_failed(athena, sql, reason):
    execution = athena.run(sql)
    status = execution['Status']
    assert status['State'] == 'FAILED' and reason in status['StateChangeReason'], status
    assert status['AthenaError']['ErrorCategory'] == 2
    refused = code_of(athena.client.get_query_results, QueryExecutionId=execution['QueryExecutionId'])
    assert refused == 'InvalidRequestException'


def test_stop(athena):
    query = athena.start(LONG_QUERY)
    athena.client.stop_query_execution(QueryExecutionId=query)
    status = athena.wait(query)['Status']
    assert status['State'] == 'CANCELLED'
    athena.client.stop_query_execution(QueryExecutionId=query)  # over already: no error
    assert athena.value('1') == '1'


def test_a_token_stands_for_one_query(athena):
    token = uuid.uuid4().hex
    first = athena.start('SELECT 1', ClientRequestToken=token)
    assert athena.start('SELECT 1', ClientRequestToken=token) == first
    with pytest.raises(ClientError) as refused:
        athena.start('SELECT 2', ClientRequestToken=token)
    assert refused.value.response['Error']['Code'] == 'InvalidRequestException'


def statements(athena, *left_out):
    """The least that a reader of athena's table needs, without what is left out."""
    arn = 'arn:aws:glue:us-east-2:*:'
    whole = {
        'athena': ('athena:*', '*'),
        'table': ('glue:GetTable', [arn + 'catalog', f'{arn}database/{athena.database}', f'{arn}table/{athena.database}/*']),
        'list': ('s3:ListBucket', f'arn:aws:s3:::{athena.bucket}'),
        'read': ('s3:GetObject', f'arn:aws:s3:::{athena.bucket}/*'),
        'write': ('s3:PutObject', f'arn:aws:s3:::{athena.bucket}/results/*')}
    return [{'Effect': 'Allow', 'Action': action, 'Resource': resource}
            for name, (action, resource) in whole.items() if name not in left_out]


def test_the_caller_reads_what_the_caller_may_read(sales):
    reader = sales.by(role_session(sales.mekong, statements(sales)))
    assert reader.rows('SELECT count(*) FROM sales') == [('181',)]
    for missing, action in (('table', 'glue:GetTable'), ('list', 's3:ListBucket'), ('read', 's3:GetObject'),
                            ('write', 's3:PutObject')):
        other = sales.by(role_session(sales.mekong, statements(sales, missing)))
        assert action in other.failed('SELECT count(*) FROM sales'), missing
    nobody = sales.by(role_session(sales.mekong, statements(sales, 'athena')))
    with pytest.raises(ClientError) as refused:
        nobody.start('SELECT 1')
    assert refused.value.response['Error']['Code'] == 'AccessDeniedException'
    theirs = sales.done('SELECT count(*) FROM sales')['QueryExecutionId']
    assert code_of(nobody.client.get_query_execution, QueryExecutionId=theirs) == 'AccessDeniedException'


def test_the_least_policy_of_a_query(sales):
    """Recorded while a role may do everything; rerun under what was written; and without any one action, refused."""
    mekong, sql = sales.mekong, 'SELECT count(*) FROM sales'
    everything = role_session(mekong, [{'Effect': 'Allow', 'Action': '*', 'Resource': '*'}])
    who = mekong.client('sts', **everything).get_caller_identity()['Arn']
    role = who.replace(':sts:', ':iam:').replace('assumed-role', 'role').rsplit('/', 1)[0]
    assert mekong.command('policy', 'record').returncode == 0
    assert sales.by(everything).rows(sql) == [('181',)]
    assert mekong.command('policy', 'stop').returncode == 0
    # Where a result is written carries its query's id.
    written = re.sub(r'results/[0-9a-f-]{36}', 'results/*', mekong.command('policy', 'write', role).stdout)
    least = json.loads(written)['Statement']
    actions = sorted({action for statement in least for action in statement['Action']})
    assert {'athena:StartQueryExecution', 'glue:GetTable', 's3:GetObject', 's3:PutObject'} < set(actions)
    assert sales.by(role_session(mekong, least)).rows(sql) == [('181',)]
    for missing in actions:
        fewer = [{**each, 'Action': [action for action in each['Action'] if action != missing]} for each in least]
        other = sales.by(role_session(mekong, [each for each in fewer if each['Action']]))
        with pytest.raises((ClientError, AssertionError)) as refused:
            other.rows(sql)
        assert missing in str(refused.value) or 'AccessDenied' in str(refused.value), missing


def test_denied_objects_stay_unread(sales):
    secret = {'Effect': 'Deny', 'Action': 's3:GetObject', 'Resource': f'arn:aws:s3:::{sales.bucket}/sales/part-0*'}
    reader = sales.by(role_session(sales.mekong, statements(sales) + [secret]))
    assert 's3:GetObject' in reader.failed('SELECT count(*) FROM sales')


def test_the_cli(athena):
    cli = os.path.join(os.environ['MEKONG_DEPS'], 'clients-venv', 'bin', 'aws')

    def aws(*words):
        out = subprocess.run([cli, 'athena', *words], env=athena.mekong.env(), capture_output=True, text=True, check=True)
        return json.loads(out.stdout)
    query = aws('start-query-execution', '--query-string', "SELECT 'hello' AS greeting", '--result-configuration',
                f'OutputLocation=s3://{athena.bucket}/cli/')['QueryExecutionId']
    athena.wait(query)
    rows = aws('get-query-results', '--query-execution-id', query)['ResultSet']['Rows']
    assert [r['Data'][0]['VarCharValue'] for r in rows] == ['greeting', 'hello']
    assert query in aws('list-query-executions')['QueryExecutionIds']


def test_kill_9_while_a_query_runs(own_mekong):
    athena = Athena(own_mekong).make_place()
    done = athena.done('SELECT 1 AS one')['QueryExecutionId']
    query = athena.start(LONG_QUERY)
    while athena.client.get_query_execution(QueryExecutionId=query)['QueryExecution']['Status']['State'] == 'QUEUED':
        time.sleep(0.01)
    own_mekong.kill()
    own_mekong.start()
    status = athena.wait(query)['Status']
    assert status['State'] == 'FAILED' and 'restarted' in status['StateChangeReason'], status
    assert status['AthenaError']['ErrorCategory'] == 1
    assert athena.results(done) == [('one',), ('1',)]
    assert athena.value('2') == '2'
