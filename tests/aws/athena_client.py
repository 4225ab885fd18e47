"""Athena as its users drive it: boto3, waiting for the end of a query; tables whose files DuckDB writes."""
import os
import subprocess
import time
import uuid

PYTHON = os.path.join(os.environ.get('MEKONG_DEPS', '/var/cache/mekong/deps'), 'athena-venv', 'bin', 'python')
PARQUET = {'InputFormat': 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
           'OutputFormat': 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
           'SerdeInfo': {'SerializationLibrary': 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'}}


def parquet(select, folder):
    """The bytes of a Parquet file with the rows of `select` (DuckDB's words)."""
    path = str(folder / (uuid.uuid4().hex + '.parquet'))
    subprocess.run([PYTHON, '-c', 'import duckdb, sys; duckdb.execute("SET TimeZone=\'UTC\'"); '
                    'duckdb.execute("COPY (%s) TO \'%s\' (FORMAT parquet)" % (sys.argv[1], sys.argv[2]))', select, path],
                   check=True)
    with open(path, 'rb') as file:
        return file.read()


class Athena:
    """A bucket, a database and the queries on them."""

    def __init__(self, mekong, **credentials):
        self.mekong = mekong
        self.client = mekong.client('athena', **credentials)
        self.s3 = mekong.client('s3')
        self.glue = mekong.client('glue')
        self.bucket = self.database = None

    def make_place(self):
        name = uuid.uuid4().hex[:8]
        self.bucket, self.database = 'athena-' + name, 'db_' + name
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={'LocationConstraint': 'us-east-2'})
        self.glue.create_database(DatabaseInput={'Name': self.database})
        return self

    def by(self, credentials):
        """The same place, asked by somebody else."""
        other = Athena(self.mekong, **credentials)
        other.bucket, other.database = self.bucket, self.database
        return other

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def table(self, name, columns, keys=(), form=None, prefix=None, **more):
        """Registers a table over s3://bucket/name/."""
        def shape(pairs):
            return [{'Name': n, 'Type': t} for n, t in pairs]
        self.glue.create_table(DatabaseName=self.database, TableInput={
            'Name': name, 'TableType': 'EXTERNAL_TABLE', 'PartitionKeys': shape(keys), **more,
            'StorageDescriptor': {'Columns': shape(columns), 'Location': f's3://{self.bucket}/{prefix or name}/',
                                  **(form or PARQUET)}})

    def start(self, sql, **arguments):
        arguments.setdefault('ResultConfiguration', {'OutputLocation': f's3://{self.bucket}/results/'})
        arguments.setdefault('QueryExecutionContext', {'Database': self.database})
        return self.client.start_query_execution(QueryString=sql, **arguments)['QueryExecutionId']

    def wait(self, query, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            execution = self.client.get_query_execution(QueryExecutionId=query)['QueryExecution']
            if execution['Status']['State'] not in ('QUEUED', 'RUNNING'):
                return execution
            time.sleep(0.02)
        raise AssertionError(f'query {query} did not end: {execution}')

    def run(self, sql, **arguments):
        """The finished execution, whatever its outcome."""
        return self.wait(self.start(sql, **arguments))

    def done(self, sql, **arguments):
        execution = self.run(sql, **arguments)
        assert execution['Status']['State'] == 'SUCCEEDED', (sql, execution['Status'])
        return execution

    def failed(self, sql, **arguments):
        """The reason of a query that must fail."""
        status = self.run(sql, **arguments)['Status']
        assert status['State'] == 'FAILED', (sql, status)
        return status['StateChangeReason']

    def results(self, query):
        """All rows of all pages, the header row included where there is one; None: null."""
        found = []
        for page in self.client.get_paginator('get_query_results').paginate(QueryExecutionId=query):
            found += [tuple(v.get('VarCharValue') for v in row['Data']) for row in page['ResultSet']['Rows']]
        return found

    def rows(self, sql, **arguments):
        """The rows of a query, without the header."""
        execution = self.done(sql, **arguments)
        rows = self.results(execution['QueryExecutionId'])
        return rows[1:] if execution['StatementType'] == 'DML' else rows

    def value(self, expression):
        """One expression's value as Athena prints it."""
        return self.rows('SELECT ' + expression)[0][0]
