"""What a hostile Spark job can reach: nothing but what its role may. The names are those of docs/isolation.md."""
import json
import os
import pathlib
import uuid

import pytest
from emr_client import Jobs

HERE = pathlib.Path(__file__).parent
NEIGHBOUR = """
import os, sys, time
print('PLACE', os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'], os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN'],
      os.environ['HOME'], flush=True)
time.sleep(600)
"""

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason='walls between jobs need root')


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
    for name in ('cred_endpoint_other_job', 'cred_endpoint_host_header', 'cred_endpoint_ssrf_get_only'):
        assert outcomes[name] == '401', outcomes
    assert outcomes['control_paths'] == '403'
    assert set(outcomes['cred_endpoint_redirect'].split()) <= {'400', '401', '403', '404'}, outcomes
    jobs.emr.cancel_job_run(applicationId=jobs.application, jobRunId=neighbour)
