"""EMR Serverless as boto3 and the AWS CLI see it: applications, and real Spark jobs that succeed, fail, are cancelled
or lose their server."""
import json
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

import pytest
from botocore.exceptions import ClientError
from emr_client import SPARK, Jobs

AWS = pathlib.Path(sys.executable).parent / 'aws'
SUCCEEDS = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.range(10).write.parquet(sys.argv[1])
print('rows', spark.read.parquet(sys.argv[1]).count(), spark.conf.get('spark.sql.shuffle.partitions'))
"""
FAILS = """
import sys
from pyspark.sql import SparkSession
SparkSession.builder.getOrCreate().read.parquet(sys.argv[1])
"""
# A child that leaves its parent's group and session, as PySpark's workers do.
STAYS = """
import subprocess, sys, time
subprocess.Popen(['/bin/sleep', sys.argv[1]], start_new_session=True)
time.sleep(600)
"""
# Each process alone would fit into what its workers have: together they do not.
TAKES_TOO_MUCH = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        taken = b'x' * (1800 << 20)
        time.sleep(600)
time.sleep(600)
"""


def refusal(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response['Error']


@pytest.fixture
def jobs(mekong):
    return Jobs(mekong)


def processes(word):
    """The folders in /proc of the processes with this argument."""
    found = []
    for folder in pathlib.Path('/proc').glob('[0-9]*'):
        try:
            if word in (folder / 'cmdline').read_text().split('\0'):
                found.append(folder)
        except OSError:
            continue  # it has just ended
    return found


def sleeper(word):
    """The job's child, once it runs; the driver has the word as an argument, too."""
    for _ in range(600):
        for folder in processes(word):
            if (folder / 'cmdline').read_text().startswith('/bin/sleep'):
                return folder
        time.sleep(0.1)
    raise AssertionError('the job has not started its child')


def test_an_application_says_what_it_may_use(jobs):
    emr = jobs.emr
    settings = {
        'name': 'sales', 'clientToken': 'once', 'tags': {'team': 'data'}, **SPARK,
        'maximumCapacity': {'cpu': '4 vCPU', 'memory': '16 GB', 'disk': '200 GB'}, 'autoStartConfiguration': {'enabled': False},
        'autoStopConfiguration': {'enabled': True, 'idleTimeoutMinutes': 30},
        'networkConfiguration': {'subnetIds': ['subnet-1'], 'securityGroupIds': ['sg-1']},
        'runtimeConfiguration': [{'classification': 'spark-defaults', 'properties': {'spark.executor.cores': '2'}}],
        'monitoringConfiguration': {'s3MonitoringConfiguration': {'logUri': f's3://{jobs.bucket}/logs/'}}}
    made = emr.create_application(**settings)['applicationId']
    assert emr.create_application(**settings)['applicationId'] == made
    assert refusal(emr.create_application, **{**settings, 'name': 'other'})['Code'] == 'ConflictException'
    shown = emr.get_application(applicationId=made)['application']
    for name in ('name', 'tags', 'releaseLabel', 'maximumCapacity', 'autoStartConfiguration', 'autoStopConfiguration',
                 'networkConfiguration', 'runtimeConfiguration'):
        assert shown[name] == settings[name], name
    assert shown['monitoringConfiguration']['s3MonitoringConfiguration']['logUri'] == f's3://{jobs.bucket}/logs/'
    # It does not start by itself, as it says.
    assert refusal(emr.start_job_run, applicationId=made, executionRoleArn=jobs.role,
                   jobDriver=jobs.driver(SUCCEEDS))['Code'] == 'ConflictException'
    updated = emr.update_application(applicationId=made, autoStartConfiguration={'enabled': True},
                                     maximumCapacity={'cpu': '2 vCPU', 'memory': '8 GB'})['application']
    assert updated['maximumCapacity'] == {'cpu': '2 vCPU', 'memory': '8 GB'} and updated['name'] == 'sales'
    emr.tag_resource(resourceArn=shown['arn'], tags={'stage': 'test'})
    emr.untag_resource(resourceArn=shown['arn'], tagKeys=['team'])
    assert emr.list_tags_for_resource(resourceArn=shown['arn'])['tags'] == {'stage': 'test'}
    emr.start_application(applicationId=made)
    assert made in [a['id'] for page in emr.get_paginator('list_applications').paginate(states=['STARTED'])
                    for a in page['applications']]
    for call in (emr.update_application, emr.delete_application):
        assert refusal(call, applicationId=made)['Code'] == 'ValidationException'
    emr.stop_application(applicationId=made)
    emr.delete_application(applicationId=made)
    assert emr.get_application(applicationId=made)['application']['state'] == 'TERMINATED'


def test_what_is_not_built_is_refused_by_name(jobs):
    worker = {'workerCount': 1, 'workerConfiguration': {'cpu': '2vCPU', 'memory': '4GB'}}
    log_group = {'cloudWatchLoggingConfiguration': {'enabled': True, 'logGroupName': 'g'}}
    image = {'imageConfiguration': {'imageUri': '000000000000.dkr.ecr.us-east-2.amazonaws.com/spark:1'}}
    prometheus = {'prometheusMonitoringConfiguration': {
        'remoteWriteUrl': 'https://aps-workspaces.us-east-2.amazonaws.com/workspaces/'
                          'ws-01234567-89ab-cdef-0123-456789abcdef/api/v1/remote_write'}}
    for name, setting in {
            'initialCapacity': {'initialCapacity': {'DRIVER': worker}},
            'imageConfiguration': image,
            'workerTypeSpecifications': {'workerTypeSpecifications': {'Driver': image}},
            'architecture ARM64': {'architecture': 'ARM64'}, 'livyEndpointEnabled': {
                'interactiveConfiguration': {'livyEndpointEnabled': True}},
            'cloudWatchLoggingConfiguration': {'monitoringConfiguration': log_group},
            'classification spark-log4j2': {'runtimeConfiguration': [{'classification': 'spark-log4j2'}]},
            'schedulerConfiguration': {'schedulerConfiguration': {'maxConcurrentRuns': 1}},
            'HIVE': {'type': 'HIVE'}}.items():
        error = refusal(jobs.emr.create_application, **{**SPARK, **setting})
        assert error['Code'] == 'NotImplemented' and name in error['Message'], (name, error)
    start = {'applicationId': jobs.application, 'executionRoleArn': jobs.role, 'jobDriver': jobs.driver(SUCCEEDS)}
    for name, setting in {
            'executionIamPolicy': {'executionIamPolicy': {'policy': '{}'}},
            'prometheusMonitoringConfiguration': {'configurationOverrides': {'monitoringConfiguration': prometheus}},
            'jobDriver.hive': {'jobDriver': {'hive': {'query': 's3://b/q'}}}}.items():
        error = refusal(jobs.emr.start_job_run, **{**start, **setting})
        assert error['Code'] == 'NotImplemented' and name in error['Message'], (name, error)
    error = refusal(jobs.emr.list_sessions, applicationId=jobs.application)
    assert error['Code'] == 'NotImplemented' and 'ListSessions' in error['Message']


def credentials_of(folder):
    """Where the job of this process gets its credentials, its token, and its uid."""
    environment = dict(line.split('=', 1) for line in (folder / 'environ').read_text().split('\0') if '=' in line)
    return (environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'], environment['AWS_CONTAINER_AUTHORIZATION_TOKEN'],
            folder.stat().st_uid)


def test_jobs_succeed_fail_and_are_cancelled(mekong, jobs):
    word = f'86400.{uuid.uuid4().int % 10**9}'
    stays, fails = jobs.start(STAYS, word), jobs.start(FAILS, f's3://{jobs.bucket}/nowhere')
    grouped = 'limits of memory' in mekong.command('status').stdout
    hungry = jobs.start(TAKES_TOO_MUCH, parameters='--conf spark.driver.memory=1g --conf spark.executor.memory=1g '
                        '--conf spark.executor.instances=1') if grouped else None
    overrides = {'monitoringConfiguration': {'s3MonitoringConfiguration': {'logUri': f's3://{jobs.bucket}/logs'}}}
    done = subprocess.run(
        [AWS, 'emr-serverless', 'start-job-run', '--application-id', jobs.application, '--name', 'by-cli',
         '--execution-role-arn', jobs.role, '--job-driver', json.dumps(jobs.driver(SUCCEEDS, f's3://{jobs.bucket}/t')),
         '--configuration-overrides', json.dumps(overrides), '--tags', 'team=data', '--execution-timeout-minutes', '5'],
        env=mekong.env(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    succeeds = json.loads(done.stdout)['jobRunId']

    # The token of a job is worth nothing to anybody else, not even to root.
    child = sleeper(word)
    assert jobs.get(stays)['state'] == 'RUNNING'
    url, token, uid = credentials_of(child)
    ask = ('import urllib.request as u; '
           f'print(u.urlopen(u.Request({url!r}, headers={{"Authorization": {token!r}}})).read().decode())')
    if uid != 0:
        with pytest.raises(urllib.error.HTTPError) as stolen:
            urllib.request.urlopen(urllib.request.Request(url, headers={'Authorization': token}))
        assert stolen.value.code == 401
        got = subprocess.run(['/usr/bin/python3', '-c', ask], user=uid, capture_output=True, text=True, check=True)
        assert json.loads(got.stdout)['RoleArn'] == jobs.role
    jobs.emr.cancel_job_run(applicationId=jobs.application, jobRunId=stays, shutdownGracePeriodInSeconds=1)
    assert jobs.ended(stays)['state'] == 'CANCELLED'
    assert not processes(word)

    failed = jobs.ended(fails)
    assert failed['state'] == 'FAILED' and 'PATH_NOT_FOUND' in failed['stateDetails'], failed
    if grouped:
        ended = jobs.ended(hungry)
        assert ended['state'] == 'FAILED' and 'for want of memory' in ended['stateDetails'], ended
    run = jobs.ended(succeeds)
    assert run['state'] == 'SUCCESS', run['stateDetails']
    assert (run['name'], run['tags'], run['executionTimeoutMinutes'], run['attempt']) == ('by-cli', {'team': 'data'}, 5, 1)
    assert run['totalResourceUtilization']['vCPUHour'] > 0
    assert 'rows 10 3' in jobs.output(succeeds)
    attempts = jobs.emr.list_job_run_attempts(applicationId=jobs.application, jobRunId=fails)['jobRunAttempts']
    assert [(one['attempt'], one['state']) for one in attempts] == [(1, 'FAILED')]
    listed = jobs.emr.list_job_runs(applicationId=jobs.application, states=['FAILED', 'CANCELLED'])['jobRuns']
    assert {one['id'] for one in listed} == {stays, fails} | ({hungry} if grouped else set())


def test_a_killed_server_takes_its_jobs_along(own_mekong):
    jobs = Jobs(own_mekong)
    word = f'86400.{uuid.uuid4().int % 10**9}'
    run = jobs.start(STAYS, word)
    sleeper(word)
    own_mekong.kill()
    for _ in range(100):  # the kernel does it, with no server that could look
        if not processes(word):
            break
        time.sleep(0.05)
    assert not processes(word)
    own_mekong.start()
    ended = jobs.ended(run)
    assert ended['state'] == 'FAILED' and 'server was stopped' in ended['stateDetails']
