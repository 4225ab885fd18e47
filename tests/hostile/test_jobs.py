"""What a hostile Spark job can reach: nothing but what its role may. The names are those of docs/isolation.md."""
import json
import os
import pathlib
import socket
import urllib.request
import uuid

import boto3
import pytest
from emr_client import Jobs

HERE = pathlib.Path(__file__).parent
NEIGHBOUR = """
import os, socket, sys, time
from pyspark.sql import SparkSession
session = SparkSession.builder.getOrCreate()
spark = session.sparkContext
web = int(spark.uiWebUrl.rsplit(':', 1)[1])
ports = [spark._jsc.sc().env().blockManager().blockManagerId().port(), int(spark.getConf().get('spark.driver.port')),
         spark._gateway.gateway_parameters.port]
hidden = socket.socket(socket.AF_UNIX)
hidden.bind('\\0' + sys.argv[2])
hidden.listen()
# Each is there for whoever is in this network: what keeps the other job out is the network alone.
for port in (web, *[port for port in ports if port > 0]):
    socket.create_connection(('127.0.0.1', port)).close()
print('PLACE', os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'], os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN'],
      os.environ['HOME'], web, ','.join(str(port) for port in ports if port > 0),
      spark.getConf().get('spark.authenticate'), flush=True)
time.sleep(600)
"""

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason='walls between jobs need root')


def address_of_machine():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(('192.0.2.1', 9))  # nothing is sent
        except OSError:
            return '127.0.0.2'
        return probe.getsockname()[0]


def object_of_another_account(mekong):
    mekong.command('account', 'create', 'strangers')
    keys = mekong.env('--account', 'strangers')
    s3 = boto3.client('s3', 'us-east-2', endpoint_url=mekong.url('s3'), aws_access_key_id=keys['AWS_ACCESS_KEY_ID'],
                      aws_secret_access_key=keys['AWS_SECRET_ACCESS_KEY'])
    s3.create_bucket(Bucket='strangers', CreateBucketConfiguration={'LocationConstraint': 'us-east-2'})
    s3.put_object(Bucket='strangers', Key='secret.txt', Body=b'theirs')
    return 's3://strangers/secret.txt'


def test_a_hostile_job_reaches_nothing(own_mekong):
    jobs = Jobs(own_mekong)
    shm = 'mekong-hostile-' + uuid.uuid4().hex
    neighbour = jobs.start(NEIGHBOUR, 'neighbour-word', shm)
    _, uri, token, home, web, ports, authenticate = jobs.line(neighbour, 'PLACE').split()
    ports = [int(port) for port in ports.split(',')]
    assert authenticate == 'true'  # spark_auth_on
    # Its UI answers through the server only.
    dashboard = jobs.emr.get_dashboard_for_job_run(applicationId=jobs.application, jobRunId=neighbour)['url']
    with urllib.request.urlopen(dashboard, timeout=30) as reply:
        assert b'Spark' in reply.read()
    for port in (int(web), *ports):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', port))
    machine = socket.create_server(('0.0.0.0', 0))
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind('\0' + shm + '-machine')
    abstract.listen()
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect('\0' + shm + '-machine')
    pathlib.Path('/dev/shm', shm).write_text('ours')
    known = {'data': own_mekong.data, 'server': own_mekong.process.pid, 'neighbour_uri': uri, 'neighbour_token': token,
             'neighbour_folder': home, 'neighbour_word': 'neighbour-word', 'shm': shm,
             'neighbour_ui': int(web), 'neighbour_ports': ports, 'abstract': [shm, shm + '-machine'],
             'machine': ['127.0.0.1', address_of_machine()], 'machine_port': machine.getsockname()[1],
             'theirs': object_of_another_account(own_mekong),
             'metastore_port': own_mekong.metastore_port, 'root_key_id': own_mekong.env()['AWS_ACCESS_KEY_ID']}
    try:
        run = jobs.start((HERE / 'attempts.py').read_text(), json.dumps(known))
        jobs.line(run, 'ATTEMPT ["finished"')
    finally:
        pathlib.Path('/dev/shm', shm).unlink()
        machine.close()
        abstract.close()
    outcomes = dict(json.loads(line.removeprefix('ATTEMPT ')) for line in jobs.output(run).splitlines()
                    if line.startswith('ATTEMPT '))
    for name, outcome in outcomes.items():
        print(f'{name}: {outcome}')
    attempts = (HERE / 'attempts.py').read_text().count('\n@attempt\n')
    assert len(outcomes) == 2 * attempts + 2  # in the driver, in a function's worker; another account's; the end
    assert outcomes.pop('other_accounts_objects') == 'Access Denied'
    assert not [name for name, outcome in outcomes.items() if outcome.startswith('BREACH')], outcomes
    for where in ('', 'udf '):
        for name in ('cred_endpoint_other_job', 'cred_endpoint_host_header', 'cred_endpoint_ssrf_get_only'):
            assert outcomes[where + name] == '401', outcomes
        for name in ('spark_ui_closed', 'spark_ports_private', 'child_abstract_socket'):
            assert outcomes[where + name] == 'Connection refused', outcomes
        assert outcomes[where + 'beyond_the_machine'] == 'Network is unreachable', outcomes
        assert outcomes[where + 'control_paths'] == '403'
        assert set(outcomes[where + 'cred_endpoint_redirect'].split()) <= {'400', '401', '403', '404'}, outcomes
    jobs.emr.cancel_job_run(applicationId=jobs.application, jobRunId=neighbour)
