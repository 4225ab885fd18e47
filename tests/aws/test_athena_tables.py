"""Tables in Athena, by boto3: partitions, text formats, statements that define and write."""
import base64
import gzip
import json

import pytest
from athena_client import Athena, parquet
from test_services import role_session


def text_form(serde, **properties):
    return {'InputFormat': 'org.apache.hadoop.mapred.TextInputFormat',
            'OutputFormat': 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
            'SerdeInfo': {'SerializationLibrary': serde, 'Parameters': properties}}


@pytest.fixture(scope='module')
def athena(mekong):
    return Athena(mekong).make_place()


@pytest.fixture(scope='module')
def days(athena, tmp_path_factory):
    """Three partitions of one file each, of which one lies elsewhere."""
    athena.table('days', [('n', 'bigint'), ('t', 'string')], keys=[('dt', 'string'), ('h', 'int')])
    for dt, h, prefix in (('2024-01-01', 1, 'days/dt=2024-01-01/h=1'), ('2024-01-01', 2, 'days/dt=2024-01-01/h=2'),
                          ('2024-01-02', 1, 'elsewhere')):
        athena.put(f'{prefix}/part-0', parquet(f"SELECT {h} + i AS n, 'x' AS t FROM range(100) r(i)",
                                                tmp_path_factory.mktemp('p')))
        athena.glue.create_partition(DatabaseName=athena.database, TableName='days', PartitionInput={
            'Values': [dt, str(h)], 'StorageDescriptor': {
                'Columns': [{'Name': 'n', 'Type': 'bigint'}, {'Name': 't', 'Type': 'string'}],
                'Location': f's3://{athena.bucket}/{prefix}/', 'SerdeInfo': {
                    'SerializationLibrary': 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'}}})
    return athena


def test_partitions(days):
    assert days.rows('SELECT dt, h, count(*) FROM days GROUP BY 1, 2 ORDER BY 1, 2') == [
        ('2024-01-01', '1', '100'), ('2024-01-01', '2', '100'), ('2024-01-02', '1', '100')]
    assert days.rows("SHOW PARTITIONS days") == [('dt=2024-01-01/h=1',), ('dt=2024-01-01/h=2',), ('dt=2024-01-02/h=1',)]


@pytest.mark.parametrize('where, files', [
    ("dt = '2024-01-02'", 1), ("date(dt) > date '2024-01-01'", 1), ('h IN (2, 3)', 1), ("dt = '2024-01-01' AND n > 5", 2),
    ("dt = '2024-01-02' OR n > 5", 3), ("dt LIKE '%02' AND h = 2", 0), ('NOT h = 1', 1), ("dt < (SELECT 'z')", 3)])
def test_only_the_files_of_needed_partitions_are_read(days, where, files):
    one = days.done("SELECT sum(n) FROM days WHERE dt = '2024-01-01' AND h = 1")['Statistics']['DataScannedInBytes']
    scanned = days.done(f'SELECT sum(n) FROM days WHERE {where}')['Statistics']['DataScannedInBytes']
    assert round(scanned / one) == files


def test_partitions_that_are_ruled_out_need_no_permission(days):
    arn = f'arn:aws:s3:::{days.bucket}'
    reader = days.by(role_session(days.mekong, [
        {'Effect': 'Allow', 'Action': ['athena:*', 'glue:Get*', 's3:ListBucket'], 'Resource': '*'},
        {'Effect': 'Allow', 'Action': 's3:*', 'Resource': [f'{arn}/results/*', f'{arn}/elsewhere/*']}]))
    assert reader.rows("SELECT count(*) FROM days WHERE dt = '2024-01-02'") == [('100',)]
    assert 's3:GetObject' in reader.failed('SELECT count(*) FROM days')


def test_the_cutoff_of_a_work_group(days):
    name = days.database + '-cut'
    days.client.create_work_group(Name=name, Configuration={'BytesScannedCutoffPerQuery': 10_000_000})
    days.put('wide/data', b'x' * 999 + b'\n' + b'y' * 12_000_000 + b'\n')
    days.table('wide', [('line', 'string')], form=text_form('org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'))
    status = days.run('SELECT count(*) FROM wide', WorkGroup=name)['Status']
    assert (status['State'], status['StateChangeReason']) == ('CANCELLED', 'Bytes scanned limit was exceeded')
    days.client.delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)


def test_delimited_text(athena):
    athena.put('lazy/a.csv', b'name,n,list,map,when\nann,1,a|b,k:1|j:2,2024-01-01 10:00:00\nbob,x,,,\\N\n')
    athena.put('lazy/b.csv.gz', gzip.compress(b'header\ncid,3,,,,too many,values\n'))
    athena.table('lazy', [('name', 'string'), ('n', 'int'), ('list', 'array<string>'), ('map', 'map<string,int>'),
                          ('when', 'timestamp')], Parameters={'skip.header.line.count': '1'},
                 form=text_form('org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe', **{
                     'field.delim': ',', 'collection.delim': '|', 'mapkey.delim': ':'}))
    assert athena.rows('SELECT name, n, list, map, "when" FROM lazy ORDER BY name') == [
        ('ann', '1', '[a, b]', '{k=1, j=2}', '2024-01-01 10:00:00.000'), ('bob', None, '[]', '{}', None),
        ('cid', '3', '[]', '{}', None)]


def test_quoted_csv(athena):
    athena.put('quoted/a', b'"a ""b"", c";7;19723;1704067200000\n')
    columns = [('t', 'string'), ('n', 'int'), ('d', 'date'), ('ts', 'timestamp')]
    athena.table('quoted', columns, form=text_form('org.apache.hadoop.hive.serde2.OpenCSVSerde', separatorChar=';'))
    assert athena.rows('SELECT * FROM quoted') == [('a "b", c', '7', '2024-01-01', '2024-01-01 00:00:00.000')]
    athena.put('quoted/b', b'x;;0;0\n')
    assert 'HIVE_BAD_DATA' in athena.failed('SELECT * FROM quoted')


def test_json(athena):
    athena.put('json/a.json', json.dumps({
        'eventName': 'Put', 'Count': 2, 'user': {'userName': 'ann', 'groups': ['a', 'b']}}).encode())
    athena.put('json/b.json.gz', gzip.compress(b'{"eventName": "Get", "raw": {"x": 1}}\n'))
    columns = [('eventname', 'string'), ('count', 'int'), ('user', 'struct<username:string,groups:array<string>>'),
               ('raw', 'string')]
    athena.table('json', columns, form=text_form('org.openx.data.jsonserde.JsonSerDe'))
    assert athena.rows('SELECT eventname, "count", user.username, user.groups[2], raw FROM json ORDER BY 1') == [
        ('Get', None, None, None, '{"x":1}'), ('Put', '2', 'ann', 'b', None)]
    athena.put('json/c.json', b'{no json\n')
    assert 'HIVE_CURSOR_ERROR' in athena.failed('SELECT * FROM json')


def test_what_cannot_be_read_is_named(athena):
    athena.table('orc', [('n', 'int')], form=text_form('org.apache.hadoop.hive.ql.io.orc.OrcSerde'))
    athena.put('orc/part', b'ORC')
    assert 'OrcSerde is not implemented' in athena.failed('SELECT * FROM orc')
    athena.table('injected', [('n', 'int')], keys=[('d', 'int')], Parameters={
        'projection.enabled': 'true', 'projection.d.type': 'injected'})
    assert 'injected is not implemented' in athena.failed('SELECT * FROM injected')
    athena.table('iceberg', [('n', 'int')], Parameters={'table_type': 'ICEBERG'})
    assert 'iceberg' in athena.failed('SELECT * FROM iceberg')


def test_an_external_table_and_its_partitions_by_statement(athena):
    place = f's3://{athena.bucket}/logs/'
    definition = f"""CREATE EXTERNAL TABLE IF NOT EXISTS logs (
        `host` string COMMENT 'who', n int, tags map<string,array<int>>)
    COMMENT 'it''s'
    PARTITIONED BY (dt date, kind string)
    ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t'
    STORED AS TEXTFILE
    LOCATION '{place}'
    TBLPROPERTIES ('skip.header.line.count'='1')"""
    athena.done(definition)
    athena.done(definition)
    assert 'AlreadyExistsException' in athena.failed(definition.replace('IF NOT EXISTS', ''))
    table = athena.glue.get_table(DatabaseName=athena.database, Name='logs')['Table']
    assert table['Description'] == "it's" and table['TableType'] == 'EXTERNAL_TABLE'
    assert table['StorageDescriptor']['Columns'][0] == {'Name': 'host', 'Type': 'string', 'Comment': 'who'}
    assert table['StorageDescriptor']['SerdeInfo']['Parameters']['field.delim'] == '\t'
    athena.put('logs/dt=2024-01-01/kind=a%3Ab/f', b'h\nann\t1\n')
    athena.put('logs/dt=2024-01-02/kind=c/f', b'h\nbob\t2\n')
    athena.put('logs/other/f', b'not a partition')
    added = athena.rows('MSCK REPAIR TABLE logs')
    assert added[1:] == [('Repair: Added partition to metastore logs:dt=2024-01-01/kind=a%3Ab',),
                         ('Repair: Added partition to metastore logs:dt=2024-01-02/kind=c',)]
    assert athena.rows('SELECT host, n, dt, kind FROM logs ORDER BY dt') == [
        ('ann', '1', '2024-01-01', 'a:b'), ('bob', '2', '2024-01-02', 'c')]
    athena.put('moved/f', b'h\ncid\t3\n')
    add = "ALTER TABLE logs ADD {} PARTITION (dt='2024-01-03', kind='d') LOCATION 's3://%s/moved/'" % athena.bucket
    athena.done(add.format(''))
    athena.done(add.format('IF NOT EXISTS'))
    assert 'AlreadyExistsException' in athena.failed(add.format(''))
    assert athena.rows("SELECT host FROM logs WHERE dt = DATE '2024-01-03'") == [('cid',)]
    athena.done("ALTER TABLE logs DROP PARTITION (dt='2024-01-03', kind='d')")
    assert 'Partition not found' in athena.failed("ALTER TABLE logs DROP PARTITION (dt='2024-01-03', kind='d')")
    athena.done("ALTER TABLE logs DROP IF EXISTS PARTITION (dt='2024-01-03', kind='d')")
    assert athena.rows('SELECT count(*) FROM logs') == [('2',)]
    athena.done('ALTER TABLE logs ADD COLUMNS (extra double)')
    assert athena.rows("SELECT extra, kind FROM logs WHERE kind = 'c'") == [(None, 'c')]
    assert 'Duplicate column' in athena.failed('ALTER TABLE logs ADD COLUMNS (n int)')
    athena.done("ALTER TABLE logs SET TBLPROPERTIES ('owner'='me')")
    assert ('owner\tme',) in athena.rows('SHOW TBLPROPERTIES logs')
    athena.done('DROP TABLE logs')
    athena.done('DROP TABLE IF EXISTS logs')
    assert 'EntityNotFoundException' in athena.failed('DROP TABLE logs')


def test_what_is_shown(athena):
    athena.done(f"""CREATE EXTERNAL TABLE shown (a int COMMENT 'it''s', b string) PARTITIONED BY (p string)
        ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' WITH SERDEPROPERTIES ('quoteChar'='\\'')
        LOCATION 's3://{athena.bucket}/shown/'""")
    text = '\n'.join(row[0] for row in athena.rows('SHOW CREATE TABLE shown'))
    before = athena.glue.get_table(DatabaseName=athena.database, Name='shown')['Table']
    athena.done('DROP TABLE shown')
    athena.done(text)
    after = athena.glue.get_table(DatabaseName=athena.database, Name='shown')['Table']
    for name in ('StorageDescriptor', 'PartitionKeys', 'Parameters'):
        assert after[name] == before[name], 'what SHOW CREATE TABLE prints makes the same table'
    query = athena.done('DESCRIBE shown')['QueryExecutionId']
    columns = athena.client.get_query_results(QueryExecutionId=query)['ResultSet']['ResultSetMetadata']['ColumnInfo']
    assert [column['Name'] for column in columns] == ['col_name', 'data_type', 'comment']
    described = [row[0] for row in athena.results(query)]
    assert [part.strip() for part in described[0].split('\t')] == ['a', 'int', "it's"]
    assert [row[0].strip() for row in athena.rows('SHOW COLUMNS IN shown')] == ['a', 'b', 'p']
    assert ('shown',) in athena.rows("SHOW TABLES 'sho*'") and athena.rows("SHOW TABLES 'no*|nothing'") == []
    assert (athena.database,) in athena.rows('SHOW DATABASES')
    assert ('shown',) in athena.rows('SHOW TABLES', QueryExecutionContext={'Database': f'`{athena.database}`'})


def test_projected_partitions(athena):
    athena.put('events/2024/02/28/eu/f', b'a\n')
    athena.put('events/2024/02/29/us/f', b'b\n')
    place = f's3://{athena.bucket}/events/'
    athena.done(f"""CREATE EXTERNAL TABLE events (line string) PARTITIONED BY (day string, region string) LOCATION '{place}'
        TBLPROPERTIES ('projection.enabled'='true', 'projection.day.type'='date', 'projection.day.format'='yyyy/MM/dd',
        'projection.day.range'='2024/01/01,NOW', 'projection.region.type'='enum', 'projection.region.values'='us,eu',
        'storage.location.template'='{place}${{day}}/${{region}}')""")
    assert athena.rows("SELECT line, day, region FROM events WHERE day BETWEEN '2024/02/01' AND '2024/03/01' ORDER BY day") == [
        ('a', '2024/02/28', 'eu'), ('b', '2024/02/29', 'us')]
    assert athena.rows("SELECT line FROM events WHERE day = '2024/02/29' AND region = 'us'") == [('b',)]


def test_information_schema(days):
    place = f"table_schema = '{days.database}' AND table_name = 'days'"
    assert days.rows(f'SELECT table_catalog, table_type FROM information_schema.tables WHERE {place}') == [
        ('awsdatacatalog', 'BASE TABLE')]
    assert days.rows(f'SELECT column_name, ordinal_position, data_type, extra_info FROM information_schema.columns WHERE {place} '
                     'ORDER BY ordinal_position') == [('n', '1', 'bigint', None), ('t', '2', 'varchar', None), (
                         'dt', '3', 'varchar', 'partition key'), ('h', '4', 'integer', 'partition key')]
    assert (days.database,) in days.rows('SELECT schema_name FROM information_schema.schemata')
    blind = days.by(role_session(days.mekong, [{'Effect': 'Allow', 'Action': ['athena:*', 's3:*', 'glue:GetDatabases'],
                                                'Resource': '*'}]))
    assert blind.rows(f'SELECT table_name FROM information_schema.tables WHERE {place}') == []
    assert 'is not implemented' in days.failed('SELECT * FROM information_schema.views')


def test_views(days):
    days.done("CREATE VIEW recent AS SELECT n, dt FROM days WHERE dt >= '2024-01-02'")
    days.done('CREATE VIEW top AS SELECT max(n) AS n FROM recent')
    assert days.rows('SELECT * FROM top') == [('100',)]
    record = days.glue.get_table(DatabaseName=days.database, Name='recent')['Table']
    assert record['TableType'] == 'VIRTUAL_VIEW'
    written = json.loads(base64.b64decode(record['ViewOriginalText'].removeprefix('/* Presto View: ').removesuffix(' */')))
    assert written['columns'] == [{'name': 'n', 'type': 'bigint'}, {'name': 'dt', 'type': 'varchar'}]
    assert 'already exists' in days.failed('CREATE VIEW top AS SELECT 1 AS n')
    days.done('CREATE OR REPLACE VIEW top AS SELECT 1 AS n')
    assert days.rows('SELECT * FROM top') == [('1',)]
    assert days.rows('SHOW VIEWS') == [('recent',), ('top',)]
    assert 'DROP VIEW' in days.failed('DROP TABLE top')
    days.done('DROP VIEW top')
    days.done('DROP VIEW recent')


def test_create_table_as(athena):
    place = f's3://{athena.bucket}/made/'
    execution = athena.done(f"""CREATE TABLE made WITH (format='PARQUET', external_location='{place}', partitioned_by=ARRAY['k'])
        AS SELECT n, CAST(n AS double) / 2 AS half, n % 2 AS k FROM UNNEST(sequence(1, 10)) t(n)""")
    assert (execution['StatementType'], execution['SubstatementType']) == ('DDL', 'CREATE_TABLE_AS_SELECT')
    table = athena.glue.get_table(DatabaseName=athena.database, Name='made')['Table']
    assert [(c['Name'], c['Type']) for c in table['StorageDescriptor']['Columns']] == [('n', 'bigint'), ('half', 'double')]
    assert table['PartitionKeys'] == [{'Name': 'k', 'Type': 'bigint'}]
    assert athena.rows('SELECT k, count(*), sum(half) FROM made GROUP BY k ORDER BY k') == [
        ('0', '5', '15.0'), ('1', '5', '12.5')]
    manifest = execution['Statistics']['DataManifestLocation'].removeprefix(f's3://{athena.bucket}/')
    files = athena.s3.get_object(Bucket=athena.bucket, Key=manifest)['Body'].read().decode().split()
    assert len(files) == 2 and all(name.startswith(place + 'k=') for name in files)
    assert athena.client.get_query_results(QueryExecutionId=execution['QueryExecutionId'])['UpdateCount'] == 10
    assert 'TABLE_ALREADY_EXISTS' in athena.failed('CREATE TABLE made AS SELECT 1 AS a')
    assert 'HIVE_PATH_ALREADY_EXISTS' in athena.failed(
        f"CREATE TABLE again WITH (external_location='{place}') AS SELECT 1 AS a")
    assert 'HIVE_COLUMN_ORDER_MISMATCH' in athena.failed(
        "CREATE TABLE bad WITH (partitioned_by=ARRAY['a']) AS SELECT 1 AS a, 2 AS b")
    assert 'SCHEMA_NOT_FOUND' in athena.failed('CREATE TABLE nowhere.bad AS SELECT 1 AS a')
    assert 'MISSING_COLUMN_NAME' in athena.failed('CREATE TABLE bad AS SELECT 1')
    assert 'bucketed_by' in athena.failed("CREATE TABLE bad WITH (bucketed_by=ARRAY['a']) AS SELECT 1 AS a")
    athena.done("CREATE TABLE texts WITH (format='TEXTFILE', field_delimiter=',') AS SELECT 1 AS a, 'x' AS b")
    assert athena.rows('SELECT * FROM texts') == [('1', 'x')]


def test_insert_into(athena):
    athena.done(f"CREATE EXTERNAL TABLE filled (a int, b string) PARTITIONED BY (k string) STORED AS PARQUET "
                f"LOCATION 's3://{athena.bucket}/filled/'")
    execution = athena.done("INSERT INTO filled VALUES (1, 'x', 'p'), (2, 'y', 'q/r')")
    assert (execution['StatementType'], execution['SubstatementType']) == ('DML', 'INSERT')
    athena.done("INSERT INTO filled (k, a) SELECT 'p', 3")
    assert athena.rows('SELECT a, b, k FROM filled ORDER BY a') == [('1', 'x', 'p'), ('2', 'y', 'q/r'), ('3', None, 'p')]
    assert athena.rows('SHOW PARTITIONS filled') == [('k=p',), ('k=q%2Fr',)]
    assert 'mismatched column types' in athena.failed('INSERT INTO filled SELECT 1')
    assert 'COLUMN_NOT_FOUND' in athena.failed('INSERT INTO filled (nope) SELECT 1')
    many = "INSERT INTO filled SELECT 1, 'x', CAST(n AS varchar) FROM UNNEST(sequence(1, 101)) t(n)"
    assert 'HIVE_TOO_MANY_OPEN_PARTITIONS' in athena.failed(many)
    athena.done(f"CREATE EXTERNAL TABLE lines (a int, b array<string>) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' "
                f"LOCATION 's3://{athena.bucket}/lines/'")
    athena.done("INSERT INTO lines SELECT 1, ARRAY['x', 'y']")
    assert athena.rows('SELECT * FROM lines') == [('1', '[x, y]')]


def test_a_writer_needs_the_permissions(athena):
    athena.done(f"CREATE EXTERNAL TABLE kept (a int) STORED AS PARQUET LOCATION 's3://{athena.bucket}/kept/'")
    everything = [{'Effect': 'Allow', 'Action': ['athena:*', 's3:*', 'glue:*'], 'Resource': '*'}]
    for action, resource, sql in (
            ('s3:PutObject', f'arn:aws:s3:::{athena.bucket}/kept/*', 'INSERT INTO kept SELECT 1'),
            ('glue:CreateTable', '*', 'CREATE TABLE denied AS SELECT 1 AS a'),
            ('glue:UpdateTable', '*', 'ALTER TABLE kept ADD COLUMNS (z int)'),
            ('glue:DeleteTable', '*', 'DROP TABLE kept'), ('glue:CreateDatabase', '*', 'CREATE DATABASE denied')):
        writer = athena.by(role_session(athena.mekong, everything + [{'Effect': 'Deny', 'Action': action, 'Resource': resource}]))
        assert action in writer.failed(sql)
    assert athena.rows('SELECT count(*) FROM kept') == [('0',)]


def test_unload(athena):
    place = f's3://{athena.bucket}/unloaded/'
    execution = athena.done(f"UNLOAD (SELECT 1 AS a, 'x' AS b) TO '{place}' WITH (format='JSON', compression='gzip')")
    files = athena.s3.list_objects_v2(Bucket=athena.bucket, Prefix='unloaded/')['Contents']
    body = athena.s3.get_object(Bucket=athena.bucket, Key=files[0]['Key'])['Body'].read()
    assert json.loads(gzip.decompress(body)) == {'a': 1, 'b': 'x'}
    assert execution['Statistics']['DataManifestLocation'].endswith('-manifest.csv')
    assert 'HIVE_PATH_ALREADY_EXISTS' in athena.failed(f"UNLOAD (SELECT 1 AS a) TO '{place}' WITH (format='PARQUET')")
    assert 'ORC' in athena.failed(f"UNLOAD (SELECT 1 AS a) TO '{place}orc/' WITH (format='ORC')")


@pytest.mark.parametrize('sql', [
    'EXPLAIN SELECT 1', 'DELETE FROM days WHERE n = 1',
    "CREATE TABLE i (a int) LOCATION 's3://b/' TBLPROPERTIES ('table_type'='ICEBERG')",
    'DESCRIBE FORMATTED days', 'OPTIMIZE days REWRITE DATA', 'MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE'])
def test_statements_that_are_not_built_are_named(athena, sql):
    reason = athena.failed(sql)
    assert reason.startswith('NotImplemented: ') and sql.split()[0] in reason
