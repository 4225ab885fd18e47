"""The sales pipeline end to end: MSK with IAM -> Spark streaming on EMR Serverless -> S3 and Glue -> Athena.

    run.py [--keep]    --keep: leave the server and the job running, and print the exports of `mekong env`

Every client is the one that a user of AWS has: boto3, the AWS CLI, Kafka 2.8.1's topic command with aws-msk-iam-auth,
kafka-python with the MSK IAM signer, Spark 3.5.1. Exit code 0: every step was seen done.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import boto3
from botocore.exceptions import ClientError

import windows
from mekong_child import REGION, Server

HERE = pathlib.Path(__file__).resolve().parent
CLUSTER = 'msk-emr-serverless-pipeline'
TOPIC = 'sales_data_topic'
DATABASE, TABLE = 'emrblog', 'sales_order_data'
KAFKA_CLI = pathlib.Path(os.environ['MEKONG_DEPS']) / 'kafka-cli' / '*'


class Failure(Exception):
    """What failed, and the logs that tell why, the likeliest first."""

    def __init__(self, what, *logs):
        super().__init__(what)
        self.logs = logs


def wait_for(what, condition, seconds, *logs):
    """The first true value of condition()."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f'{what}: not seen in {seconds} s', *logs)
        time.sleep(0.2)


def say(text=''):
    print(text, flush=True)


class Demo:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='mekong-demo-'))
        # Jobs run under uids of their own; what they need lies in folders that open to them.
        self.folder.chmod(0o755)
        self.data = str(self.folder / 'data')
        self.server_log = self.folder / 'mekong.log'
        self.producer_log = self.folder / 'syntheticSalesDataProducer.log'
        self.producer = None
        self.server = None
        self.run_id = None

    # --- what steps share ---

    def client(self, service):
        return self.session.client(service, endpoint_url=self.environment['AWS_ENDPOINT_URL'])

    def filled(self, name):
        """A file of the demo with account and names filled in."""
        text = (HERE / name).read_text()
        for placeholder, value in self.names.items():
            text = text.replace(f'<{placeholder}>', value)
        return text

    def credentials(self, role):
        """The environment of a client that runs as `role`."""
        got = self.client('sts').assume_role(RoleArn=role, RoleSessionName='sales-producer')['Credentials']
        return {**self.environment, 'AWS_ACCESS_KEY_ID': got['AccessKeyId'],
                'AWS_SECRET_ACCESS_KEY': got['SecretAccessKey'], 'AWS_SESSION_TOKEN': got['SessionToken']}

    def make_role(self, name, principal, **policies):
        trust = {'Version': '2012-10-17', 'Statement': [
            {'Effect': 'Allow', 'Principal': principal, 'Action': 'sts:AssumeRole'}]}
        iam = self.client('iam')
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))['Role']['Arn']
        for policy, document in policies.items():
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)
        return arn

    def producer_command(self, count, *words):
        return [sys.executable, '-u', str(HERE / 'syntheticSalesDataProducer.py'), '--num_records', str(count),
                '--sales_data_topic', TOPIC, '--bootstrap_server', self.bootstrap, f'--region={REGION}', *words]

    def start_producer(self, count):
        with open(self.producer_log, 'ab') as log:
            self.producer = subprocess.Popen(self.producer_command(count), env=self.credentials(self.producer_role),
                                             stdout=log, stderr=subprocess.STDOUT)

    def stop_producer(self):
        self.producer.send_signal(signal.SIGTERM)
        if self.producer.wait(timeout=60) != 0:
            raise Failure('the producer failed', self.producer_log)

    def acknowledged(self):
        """The records that the cluster acknowledged; a last line that is half written does not count yet."""
        lines = self.producer_log.read_text().split('\n')[:-1] if self.producer_log.exists() else []
        return [json.loads(line)['record'] for line in lines if line.startswith('{')]

    def athena(self, text):
        """The rows of a query, without the header."""
        athena = self.client('athena')
        query = athena.start_query_execution(
            QueryString=text, QueryExecutionContext={'Database': DATABASE},
            ResultConfiguration={'OutputLocation': f's3://{self.names["EMR STREAMING OUTPUT BUCKET"]}/athena/'})
        query_id = query['QueryExecutionId']

        def ended():
            status = athena.get_query_execution(QueryExecutionId=query_id)['QueryExecution']['Status']
            return status if status['State'] in ('SUCCEEDED', 'FAILED', 'CANCELLED') else None
        status = wait_for('the end of the query', ended, 60, self.server_log)
        if status['State'] != 'SUCCEEDED':
            raise Failure(f"Athena: {status['StateChangeReason']}", self.server_log)
        pages = athena.get_paginator('get_query_results').paginate(QueryExecutionId=query_id)
        rows = [tuple(cell.get('VarCharValue') for cell in row['Data'])
                for page in pages for row in page['ResultSet']['Rows']]
        return rows[1:]

    def job_run(self):
        return self.client('emr-serverless').get_job_run(
            applicationId=self.application, jobRunId=self.run_id)['jobRun']

    def job_logs(self):
        """The driver's log while Spark's own is on this machine, then the server's."""
        found = sorted(self.folder.glob('data*/**/stderr'), key=lambda path: path.stat().st_mtime, reverse=True)
        return [*found[:1], self.server_log]

    # --- the steps ---

    def start_server(self):
        self.server = Server(self.data, self.server_log)
        self.environment = self.server.environment()
        self.session = boto3.Session(self.environment['AWS_ACCESS_KEY_ID'],
                                     self.environment['AWS_SECRET_ACCESS_KEY'], region_name=REGION)
        return self.environment['AWS_ENDPOINT_URL']

    def create_resources(self):
        account = self.client('sts').get_caller_identity()['Account']
        kafka = self.client('kafka')
        self.cluster = kafka.create_cluster_v2(ClusterName=CLUSTER, Serverless={
            'VpcConfigs': [{'SubnetIds': ['subnet-private-1', 'subnet-private-2']}],
            'ClientAuthentication': {'Sasl': {'Iam': {'Enabled': True}}}})['ClusterArn']
        wait_for('the cluster ACTIVE', lambda: kafka.describe_cluster_v2(
            ClusterArn=self.cluster)['ClusterInfo']['State'] == 'ACTIVE', 60, self.server_log)
        self.bootstrap = kafka.get_bootstrap_brokers(ClusterArn=self.cluster)['BootstrapBrokerStringSaslIam']
        self.names = {
            'AWS-REGION': REGION, 'ACCOUNTID': account, 'SERVERLESS_CLUSTER_NAME': CLUSTER,
            'ID': self.cluster.rsplit('/', 1)[1], 'BOOTSTRAP URL WITH PORT': self.bootstrap,
            'EMR BLOG SCRIPT BUCKET': f'emr-blog-script-{account}',
            'EMR STREAMING OUTPUT BUCKET': f'emr-streaming-output-{account}'}
        s3 = self.client('s3')
        for bucket in ('EMR BLOG SCRIPT BUCKET', 'EMR STREAMING OUTPUT BUCKET'):
            s3.create_bucket(Bucket=self.names[bucket], CreateBucketConfiguration={'LocationConstraint': REGION})
        s3.upload_file(str(HERE / 'pysparkStreamingBlog.py'), self.names['EMR BLOG SCRIPT BUCKET'],
                       'emr_pyspark_streaming_script/pysparkStreamingBlog.py')
        kafka_policy = self.filled('kafka_policy.json')
        people = {'AWS': f'arn:aws:iam::{account}:root'}
        self.producer_role = self.make_role('sales-producer', people, kafka=kafka_policy)
        self.reader_role = self.make_role('sales-reader', people, kafka=kafka_policy.replace(
            '"kafka-cluster:WriteData",', ''))
        self.job_role = self.make_role('emr-serverless-job', {'Service': 'emr-serverless.amazonaws.com'},
                                       kafka=kafka_policy, data=self.filled('job_role_policy.json'))
        self.application = self.client('emr-serverless').create_application(
            name=CLUSTER, releaseLabel='emr-7.2.0', type='SPARK')['applicationId']
        return f'{self.bootstrap}, application {self.application}'

    def create_topic(self):
        done = subprocess.run(
            ['java', '-cp', str(KAFKA_CLI), 'kafka.admin.TopicCommand', '--bootstrap-server', self.bootstrap,
             '--command-config', str(HERE / 'client.properties'), '--create', '--topic', TOPIC, '--partitions', '10'],
            env=self.credentials(self.producer_role), capture_output=True, text=True, timeout=120, check=False)
        if f'Created topic {TOPIC}.' not in done.stdout:
            raise Failure(f'the topic command: {done.stdout}{done.stderr}', self.server_log)
        return f'Created topic {TOPIC}.'

    def produce(self):
        self.start_producer(1000)

        def backfilled():
            if self.producer.poll() is not None:
                raise Failure('the producer ended', self.producer_log, self.server_log)
            return len(self.acknowledged()) >= 1000
        wait_for('1000 acknowledged records', backfilled, 60, self.producer_log, self.server_log)
        return f'{len(self.acknowledged())} records acknowledged, live ones go on'

    def refuse(self):
        """The same producer under a role without WriteData, and without a login."""
        # kafka-python's producer is idempotent: without WriteData on any topic its first request is refused (KIP-679).
        cases = {'without WriteData': (self.reader_role, [], 'ClusterAuthorizationFailedError'),
                 'unsigned': (self.reader_role, ['--unsigned', '--timeout_ms', '2000'], 'KafkaTimeoutError')}
        said = []
        for case, (role, words, error) in cases.items():
            done = subprocess.run(self.producer_command(1, *words), env=self.credentials(role), capture_output=True,
                                  text=True, timeout=90, check=False)
            last = (done.stderr.strip().splitlines() or [''])[-1]
            if done.returncode != 1 or done.stdout or error not in last:
                raise Failure(f'{case}: exit code {done.returncode}: {done.stdout}{done.stderr}', self.server_log)
            said.append(f'{case}: {last}')
        return '\n'.join(said)

    def submit(self):
        done = subprocess.run(
            [pathlib.Path(sys.executable).parent / 'aws', 'emr-serverless', 'start-job-run',
             '--application-id', self.application, '--execution-role-arn', self.job_role, '--mode', 'STREAMING',
             '--job-driver', self.filled('job_driver.json')],
            env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise Failure(f'aws emr-serverless start-job-run: {done.stderr}', self.server_log)
        self.run_id = json.loads(done.stdout)['jobRunId']

        def running():
            run = self.job_run()
            if run['state'] in ('FAILED', 'CANCELLED', 'SUCCESS'):
                raise Failure(f"the job is {run['state']}: {run.get('stateDetails')}", *self.job_logs())
            return run if run['state'] == 'RUNNING' else None
        details = wait_for('the job RUNNING', running, 60, *self.job_logs()).get('stateDetails')
        return f'job run {self.run_id} RUNNING' + (f'\n{details}' if details else '')

    def table_holds(self, count):
        """Waits until the table has this many rows."""
        def rows():
            run = self.job_run()
            if run['state'] != 'RUNNING':
                raise Failure(f"the job is {run['state']}: {run.get('stateDetails')}", *self.job_logs())
            try:
                self.client('glue').get_table(DatabaseName=DATABASE, Name=TABLE)
            except ClientError as missing:
                if missing.response['Error']['Code'] != 'EntityNotFoundException':
                    raise
                return None
            return int(self.athena(f'SELECT count(*) FROM {DATABASE}.{TABLE}')[0][0]) >= count
        wait_for(f'{count} rows in {DATABASE}.{TABLE}', rows, 120, *self.job_logs())

    def stream(self):
        self.table_holds(1000)
        return f'{DATABASE}.{TABLE} holds the backfill and grows'

    def drain(self):
        """No more live records; the table holds all that was acknowledged, once each."""
        self.stop_producer()
        count = len(self.acknowledged())
        self.table_holds(count)
        held = self.athena(f'SELECT count(*), count(DISTINCT transaction_id) FROM {DATABASE}.{TABLE}')[0]
        if held != (str(count), str(count)):
            raise Failure(f'{count} records acknowledged, rows and distinct records in the table: {held}',
                          *self.job_logs())
        return f'{count} acknowledged = {count} rows'

    def query(self):
        def produce_more():
            before = len(self.acknowledged())
            self.start_producer(0)
            wait_for('live records', lambda: len(self.acknowledged()) > before, 60, self.producer_log)
            self.drain()
        seconds = []

        def ask():
            begin = time.monotonic()
            rows = self.athena((HERE / 'todays_sales.sql').read_text())
            seconds.append(time.monotonic() - begin)
            return rows
        rows, right = windows.query_today(ask, self.acknowledged, produce_more)
        lines = ['minute_window            total_amount', *(f'{minute}  {amount:>12}' for minute, amount in rows)]
        if not right:
            raise Failure('the windows are not those of the acknowledged records:\n' + '\n'.join(lines),
                          *self.job_logs())
        return f'{seconds[-1]:.3f} s, equal to the sums of what was acknowledged\n' + '\n'.join(lines)

    def clean_up(self):
        emr = self.client('emr-serverless')
        emr.cancel_job_run(applicationId=self.application, jobRunId=self.run_id)
        wait_for('the job CANCELLED', lambda: self.job_run()['state'] == 'CANCELLED', 60, *self.job_logs())
        emr.stop_application(applicationId=self.application)
        wait_for('the application STOPPED', lambda: emr.get_application(
            applicationId=self.application)['application']['state'] == 'STOPPED', 60, self.server_log)
        emr.delete_application(applicationId=self.application)
        glue = self.client('glue')
        glue.delete_database(Name=DATABASE)  # its table goes along
        resource = self.session.resource('s3', endpoint_url=self.environment['AWS_ENDPOINT_URL'])
        for bucket in resource.buckets.all():
            bucket.objects.all().delete()
            bucket.delete()
        iam = self.client('iam')
        for role in iam.list_roles()['Roles']:
            for policy in iam.list_role_policies(RoleName=role['RoleName'])['PolicyNames']:
                iam.delete_role_policy(RoleName=role['RoleName'], PolicyName=policy)
            iam.delete_role(RoleName=role['RoleName'])
        kafka = self.client('kafka')
        kafka.delete_cluster(ClusterArn=self.cluster)
        wait_for('the cluster gone', lambda: not kafka.list_clusters_v2()['ClusterInfoList'], 60, self.server_log)
        databases = [database['Name'] for database in glue.get_databases()['DatabaseList']]
        left = self.client('s3').list_buckets()['Buckets'] + iam.list_roles()['Roles']
        if left or databases != ['default']:  # which every account has
            raise Failure(f'not deleted: {left} {databases}', self.server_log)
        return 'nothing is left'

    def stop_server(self):
        code = self.server.stop()
        if code != 0:
            raise Failure(f'the server ended with exit code {code}', self.server_log)
        return 'drained'

    def abandon(self):
        """After a failure or Ctrl-C: no process stays."""
        for process in (self.producer, self.server and self.server.process):
            if process and process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    process.kill()


def step(number, title, action):
    begin = time.monotonic()
    say(f'{number}  {title} …')
    said = action()
    for line in (said or '').splitlines():
        say(f'     {line}')
    say(f'     {time.monotonic() - begin:.1f} s')


def tell_failure(number, title, failure):
    say(f'\nFAILED in step {number} ({title}): {failure}')
    for log in failure.logs if isinstance(failure, Failure) else ():
        if pathlib.Path(log).exists():
            say(f'--- last lines of {log}')
            say('\n'.join(pathlib.Path(log).read_text(errors='replace').splitlines()[-25:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--keep', action='store_true', help='leave everything running and print `mekong env`')
    keep = parser.parse_args().keep
    demo = Demo()
    steps = [
        ('Mekong starts', demo.start_server),
        ('MSK Serverless cluster, roles, buckets, EMR Serverless application (boto3)', demo.create_resources),
        ("topic (Kafka 2.8.1's topic command, aws-msk-iam-auth 2.2.0)", demo.create_topic),
        ('1000 sales records, then live ones (kafka-python, MSK IAM signer)', demo.produce),
        ('refused: no WriteData, no login', demo.refuse),
        ('streaming job (aws emr-serverless start-job-run)', demo.submit),
        ('Spark writes the table', demo.stream),
        ('the producer stops, the table catches up', demo.drain),
        ("today's sales by minute (Athena)", demo.query)]
    if not keep:
        steps += [('job cancelled, everything deleted', demo.clean_up), ('Mekong stops', demo.stop_server)]
    begin = time.monotonic()
    for number, (title, action) in enumerate(steps, 1):
        try:
            step(f'{number:2}', title, action)
        except (Failure, ClientError, OSError, RuntimeError, subprocess.SubprocessError, KeyboardInterrupt) as failure:
            tell_failure(number, title, failure)
            demo.abandon()
            say(f'\nData: {demo.data}\nLogs: {demo.folder}')
            return 1
    say(f'\nDone in {time.monotonic() - begin:.1f} s.')
    say(f'Data: {demo.data}\nLogs: {demo.server_log}, {demo.producer_log}')
    if keep:
        say(f'Mekong runs on (process {demo.server.process.pid}), the job too. To use it:\n')
        say(demo.server.exports())
    else:
        say(f'To remove them: rm -r {demo.folder}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
