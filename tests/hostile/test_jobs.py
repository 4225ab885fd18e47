"""What a hostile Spark job can reach: nothing but what its role may. The names are those of docs/isolation.md."""
import gzip
import json
import os
import pathlib
import time
import uuid

import pytest

HERE = pathlib.Path(__file__).parent
TRUST = {'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Principal': {'Service': 'emr-serverless.amazonaws.com'}, 'Action': 'sts:AssumeRole'}]}
NEIGHBOUR = """
import os, sys, time
print('PLACE', os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'], os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN'],
      os.environ['HOME'], flush=True)
time.sleep(600)
"""

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason='walls between jobs need root')


class Jobs:
    def __init__(self, mekong):
        self.mekong = mekong
        self.name = 'hostile-' + uuid.uuid4().hex[:8]
        self.emr, self.s3, iam = (mekong.client(service) for service in ('emr-serverless', 's3', 'iam'))
        self.role = iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps(TRUST))['Role']['Arn']
        iam.put_role_policy(RoleName=self.name, PolicyName='p', PolicyDocument=json.dumps(
            {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': ['s3:GetObject', 's3:PutObject'],
                                                     'Resource': f'arn:aws:s3:::{self.name}/*'}]}))
        self.s3.create_bucket(Bucket=self.name, CreateBucketConfiguration={'LocationConstraint': 'us-east-2'})
        self.application = self.emr.create_application(name=self.name, releaseLabel='emr-7.2.0',
                                                       type='SPARK')['applicationId']

    def start(self, script, *arguments):
        key = uuid.uuid4().hex + '.py'
        self.s3.put_object(Bucket=self.name, Key=key, Body=script.encode())
        return self.emr.start_job_run(
            applicationId=self.application, executionRoleArn=self.role,
            jobDriver={'sparkSubmit': {'entryPoint': f's3://{self.name}/{key}',
                                       'entryPointArguments': list(arguments)}},
            configurationOverrides={'monitoringConfiguration': {
                's3MonitoringConfiguration': {'logUri': f's3://{self.name}/logs/'}}})['jobRunId']

    def output(self, run):
        key = f'logs/applications/{self.application}/jobs/{run}/SPARK_DRIVER/stdout.gz'
        try:
            return gzip.decompress(self.s3.get_object(Bucket=self.name, Key=key)['Body'].read()).decode()
        except self.s3.exceptions.NoSuchKey:
            return ''

    def line(self, run, beginning):
        """The first line of the run's output that begins so; its logs come while it runs."""
        for _ in range(600):
            for line in self.output(run).splitlines():
                if line.startswith(beginning):
                    return line
            state = self.emr.get_job_run(applicationId=self.application, jobRunId=run)['jobRun']
            assert state['state'] not in ('FAILED', 'CANCELLED'), state
            time.sleep(0.2)
        raise AssertionError(f'no {beginning} in {self.output(run)!r}')


def test_a_hostile_job_reaches_nothing(own_mekong):
    jobs = Jobs(own_mekong)
    neighbour = jobs.start(NEIGHBOUR, 'neighbour-word')
    _, uri, token, home = jobs.line(neighbour, 'PLACE').split()
    shm = 'mekong-hostile-' + uuid.uuid4().hex
    pathlib.Path('/dev/shm', shm).write_text('ours')
    known = {'data': own_mekong.data, 'server': own_mekong.process.pid, 'neighbour_uri': uri, 'neighbour_token': token,
             'neighbour_folder': home, 'neighbour_word': 'neighbour-word', 'shm': shm,
             'metastore_port': own_mekong.metastore_port, 'root_key_id': own_mekong.env()['AWS_ACCESS_KEY_ID']}
    try:
        run = jobs.start((HERE / 'attempts.py').read_text(), json.dumps(known))
        jobs.line(run, 'ATTEMPT ["finished"')
    finally:
        pathlib.Path('/dev/shm', shm).unlink()
    outcomes = dict(json.loads(line.removeprefix('ATTEMPT ')) for line in jobs.output(run).splitlines()
                    if line.startswith('ATTEMPT '))
    for name, outcome in outcomes.items():
        print(f'{name}: {outcome}')
    assert len(outcomes) == (HERE / 'attempts.py').read_text().count('\n@attempt\n') + 1
    assert not [name for name, outcome in outcomes.items() if outcome.startswith('BREACH')], outcomes
    for name in ('cred_endpoint_other_job', 'cred_endpoint_host_header'):
        assert outcomes[name] == '401', outcomes
    assert outcomes['control_paths'] == '403'
    jobs.emr.cancel_job_run(applicationId=jobs.application, jobRunId=neighbour)
