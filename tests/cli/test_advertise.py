"""`--advertise NAME`, seen from another machine: a network namespace with a cable to the server's."""
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest
from server import Mekong

HERE = pathlib.Path(__file__).parent
NAME = 'lake.mekong.test'
BUCKET = 'afar'
JARS = pathlib.Path(os.environ['MEKONG_DEPS']) / 'kafka-cli' / '*'
TRUST_EMR = {'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Principal': {'Service': 'emr-serverless.amazonaws.com'}, 'Action': 'sts:AssumeRole'}]}
MAY = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': ['s3:*', 'glue:*'], 'Resource': '*'}]}
PROPERTIES = """security.protocol=SASL_SSL
sasl.mechanism=AWS_MSK_IAM
sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required;
sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler
"""
# A job uses loopback, and the advertised name leads it to this very server whoever else resolves it.
JOB = f"""
import os, socket, sys, time
from pyspark.sql import SparkSession
endpoint, bootstrap = sys.argv[1:3]
assert os.environ['AWS_ENDPOINT_URL'] == endpoint, os.environ['AWS_ENDPOINT_URL']
assert os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'].startswith(endpoint + '/')
assert socket.gethostbyname('{NAME}') == '127.0.0.1'
socket.create_connection(bootstrap.rsplit(':', 1)).close()
spark = SparkSession.builder.getOrCreate()
spark.sql("CREATE DATABASE near LOCATION 's3://{BUCKET}/near'")
spark.range(3).write.saveAsTable('near.numbers')
time.sleep(600)
"""


class OtherMachine:
    """A namespace, a cable and addresses; closed again by close()."""

    def __init__(self):
        number = os.getpid() % 65536
        self.namespace = f'mekong-{number}'
        net = f'198.18.{number >> 8 & 255}.{number & 252}'.rsplit('.', 1)  # RFC 2544: nobody's addresses
        here, there = (f'{net[0]}.{int(net[1]) + i}' for i in (1, 2))
        self.hosts = pathlib.Path('/etc/netns') / self.namespace / 'hosts'
        cable, end = f'mk{number}a', f'mk{number}b'
        try:
            for line in (f'netns add {self.namespace}', f'link add {cable} type veth peer name {end}',
                         f'link set {end} netns {self.namespace}', f'addr add {here}/30 dev {cable}',
                         f'link set {cable} up', f'-n {self.namespace} addr add {there}/30 dev {end}',
                         f'-n {self.namespace} link set {end} up', f'-n {self.namespace} link set lo up'):
                subprocess.run(['ip', *line.split()], check=True, capture_output=True, text=True)
            self.hosts.parent.mkdir(parents=True)
            self.hosts.write_text(f'127.0.0.1 localhost\n{here} {NAME} {BUCKET}.s3.{NAME}\n')
        except (OSError, subprocess.CalledProcessError) as error:
            self.close()
            pytest.skip(f'network namespaces are not permitted here: {getattr(error, "stderr", error)}')

    def run(self, *words, env):
        done = subprocess.run(['ip', 'netns', 'exec', self.namespace, *words], env=env, capture_output=True, text=True,
                              timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def close(self):
        subprocess.run(['ip', 'netns', 'del', self.namespace], check=False, capture_output=True)
        self.hosts.unlink(missing_ok=True)
        for folder in (self.hosts.parent, self.hosts.parent.parent):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


@pytest.fixture
def other_machine():
    if os.geteuid() != 0:
        pytest.skip('a network namespace needs root')
    machine = OtherMachine()
    yield machine
    machine.close()


@pytest.fixture
def lake(tmp_path):
    server = Mekong(str(tmp_path / 'data'), host='0.0.0.0', name=NAME).start('--advertise', NAME)
    yield server
    server.stop()


def start_job(lake, bootstrap):
    """A job that goes on until it is cancelled, once it has written its table."""
    iam, emr, s3 = (lake.client(service) for service in ('iam', 'emr-serverless', 's3'))
    role = iam.create_role(RoleName='job', AssumeRolePolicyDocument=json.dumps(TRUST_EMR))['Role']['Arn']
    iam.put_role_policy(RoleName='job', PolicyName='p', PolicyDocument=json.dumps(MAY))
    s3.put_object(Bucket=BUCKET, Key='job.py', Body=JOB.encode())
    application = emr.create_application(name='near', releaseLabel='emr-7.2.0', type='SPARK')['applicationId']
    run = emr.start_job_run(applicationId=application, executionRoleArn=role, jobDriver={'sparkSubmit': {
        'entryPoint': f's3://{BUCKET}/job.py',
        'entryPointArguments': [f'http://127.0.0.1:{lake.port}', bootstrap]}})['jobRunId']
    names = {'applicationId': application, 'jobRunId': run}
    for _ in range(600):
        state = emr.get_job_run(**names)['jobRun']
        assert state['state'] in ('SUBMITTED', 'PENDING', 'SCHEDULED', 'RUNNING'), state['stateDetails']
        if 'Contents' in s3.list_objects_v2(Bucket=BUCKET, Prefix='near/numbers/_SUCCESS'):
            return emr, names
        time.sleep(0.1)
    raise AssertionError('the job wrote no table')


def test_everything_handed_out_leads_back_from_another_machine(lake, other_machine, tmp_path):
    env = {**lake.env('--java'), 'AWS_EC2_METADATA_DISABLED': 'true'}
    assert env['AWS_ENDPOINT_URL'] == f'http://{NAME}:{lake.port}'
    lake.client('s3').create_bucket(Bucket=BUCKET, CreateBucketConfiguration={'LocationConstraint': 'us-east-2'})
    msk = lake.client('kafka')
    cluster = msk.create_cluster_v2(ClusterName='sales', Serverless={
        'VpcConfigs': [{'SubnetIds': ['subnet-1', 'subnet-2']}],
        'ClientAuthentication': {'Sasl': {'Iam': {'Enabled': True}}}})['ClusterArn']
    bootstrap = msk.get_bootstrap_brokers(ClusterArn=cluster)['BootstrapBrokerStringSaslIam']
    assert bootstrap.rsplit(':', 1)[0] == NAME
    emr, job = start_job(lake, bootstrap)
    dashboard = emr.get_dashboard_for_job_run(**job)['url']
    assert dashboard.startswith(f'http://{NAME}:{lake.port}/')

    properties = tmp_path / 'client.properties'
    properties.write_text(PROPERTIES)
    made = other_machine.run('java', '-cp', str(JARS), 'kafka.admin.TopicCommand', '--bootstrap-server', bootstrap,
                             '--command-config', str(properties), '--create', '--topic', 'from-afar', env=env)
    assert 'Created topic from-afar.' in made
    saw = json.loads(other_machine.run(sys.executable, str(HERE / 'other_machine.py'), NAME, str(lake.port), BUCKET,
                                       bootstrap, str(lake.metastore_port), dashboard, env=env).splitlines()[-1])
    # Credentials and the metastore are for this machine's jobs alone.
    assert saw == {'names': [f'*.s3.{NAME}', NAME], 'value': 'hello', 'spark': True, 'credentials': 403,
                   'metastore': 'ConnectionRefusedError'}
    emr.cancel_job_run(**job, shutdownGracePeriodInSeconds=1)
