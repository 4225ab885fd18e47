"""What the server tells of itself: /metrics, logs, doctor."""
import json
import os
import re
import subprocess
import urllib.request

import pytest
from botocore.exceptions import ClientError
from server import MEKONG, Mekong


@pytest.fixture(scope='module')
def talkative(tmp_path_factory):
    server = Mekong(str(tmp_path_factory.mktemp('telemetry') / 'data')).start('--log-format', 'json', '--access-log')
    yield server
    server.stop()


def test_metrics_count_operations_errors_and_times(talkative):
    sts, s3 = talkative.client('sts'), talkative.client('s3')
    sts.get_caller_identity()
    with pytest.raises(ClientError):
        s3.get_object(Bucket='no-such-bucket', Key='k')
    text = urllib.request.urlopen(f'http://127.0.0.1:{talkative.port}/metrics').read().decode()
    assert re.search(r'^mekong_requests_total\{service="sts",operation="GetCallerIdentity"} 1$', text, re.M)
    assert re.search(r'^mekong_request_errors_total\{service="s3",operation="GetObject",code="NoSuchBucket"} 1$', text, re.M)
    assert re.search(r'^mekong_request_duration_seconds_count\{service="sts",operation="GetCallerIdentity"} 1$', text, re.M)


def test_logs_show_each_request_with_its_id(talkative):
    reply = talkative.client('sts').get_caller_identity()
    lines = [json.loads(line) for line in talkative.command('logs', '--lines', '50').stdout.splitlines()]
    mine = [line for line in lines if line.get('request_id') == reply['ResponseMetadata']['RequestId']]
    assert len(mine) == 1
    assert (mine[0]['event'], mine[0]['operation'], mine[0]['status']) == ('request', 'GetCallerIdentity', '200')
    assert mine[0]['caller'] == reply['Arn']


def test_logs_follow_until_the_server_ends(own_mekong):
    follower = subprocess.Popen([MEKONG, 'logs', '--follow', '--data', own_mekong.data], stdout=subprocess.PIPE, text=True)
    assert any('ready' in line for line in iter(follower.stdout.readline, '') if 'app: ready' in line)
    own_mekong.stop()
    assert follower.wait(timeout=30) == 0


def test_logs_without_a_server(tmp_path):
    done = subprocess.run([MEKONG, 'logs', '--data', tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 3


def test_doctor(tmp_path, talkative):
    running = talkative.command('doctor', '--json')
    states = {finding['Name']: finding['State'] for finding in json.loads(running.stdout)['Findings']}
    assert running.returncode == 0, running.stdout
    assert states['ports'] == 'ok' and states['data folder'] == 'ok' and states['certificate authority'] == 'ok'
    if os.getuid() == 0:
        assert {"jobs' walls", "jobs' network", "jobs' limits"} <= set(states)
    taken = subprocess.run([MEKONG, 'doctor', '--data', tmp_path / 'x', '--listen', f'127.0.0.1:{talkative.port}'],
                           capture_output=True, text=True, check=False)
    assert taken.returncode == 1
    assert re.search(r'^FAIL  http port .*in use', taken.stdout, re.M), taken.stdout
    nowhere = subprocess.run([MEKONG, 'doctor', '--data', '/proc/nowhere'], capture_output=True, text=True, check=False)
    assert nowhere.returncode == 1 and 'FAIL  data folder' in nowhere.stdout
