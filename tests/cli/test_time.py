"""The service clock and settle, as a test suite would use them."""
import json
import subprocess
import urllib.error
import urllib.request

import pytest


def clock(mekong, *words):
    return json.loads(mekong.command('clock', *words, '--json').stdout)


def test_the_clock_moves_stands_and_outlives_a_kill(own_mekong):
    before = clock(own_mekong, 'show')
    assert abs(before['ServiceMs'] - before['WallMs']) < 1000 and 'Frozen' not in before or not before['Frozen']
    advanced = clock(own_mekong, 'advance', '30d1h')
    assert advanced['ServiceMs'] - advanced['WallMs'] - 721 * 3_600_000 < 1000
    frozen = clock(own_mekong, 'freeze')
    own_mekong.kill()
    own_mekong.start()
    again = clock(own_mekong, 'show')
    assert again['Frozen'] and again['ServiceMs'] == frozen['ServiceMs']
    assert clock(own_mekong, 'advance', '90s')['ServiceMs'] == frozen['ServiceMs'] + 90_000
    resumed = clock(own_mekong, 'resume')
    assert not resumed['Frozen'] and resumed['ServiceMs'] >= frozen['ServiceMs'] + 90_000


def test_wrong_durations_are_usage_errors(mekong):
    for wrong in ('soon', '5', '-3s', '1y', '999999999999d', ''):
        done = mekong.command('clock', 'advance', wrong)
        assert done.returncode == 2 and done.stderr.count('\n') == 1, (wrong, done)


def test_a_quiet_server_settles_at_once(mekong):
    done = mekong.command('settle', '--timeout', '20')
    assert done.returncode == 0 and done.stdout.startswith('quiet after '), done


def test_time_paths_need_the_folders_token(mekong):
    for path in ('clock', 'settle'):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f'http://127.0.0.1:{mekong.port}/_mekong/{path}', data=b'freeze')
        assert refused.value.code == 403


def test_settle_waits_for_a_running_query(mekong):
    s3, athena = mekong.client('s3'), mekong.client('athena')
    s3.create_bucket(Bucket='settle-results', CreateBucketConfiguration={'LocationConstraint': 'us-east-2'})
    sql = ('SELECT count(*) FROM UNNEST(sequence(1, 30000)) AS a(x) CROSS JOIN UNNEST(sequence(1, 30000)) AS b(y) '
           'WHERE x * y % 7 = 3')
    started = athena.start_query_execution(QueryString=sql, ResultConfiguration={
        'OutputLocation': 's3://settle-results/'})['QueryExecutionId']
    busy = mekong.command('settle', '--timeout', '0')
    assert busy.returncode == 1 and 'athena: 1 queries' in busy.stderr, busy
    assert mekong.command('settle', '--timeout', '120').returncode == 0
    state = athena.get_query_execution(QueryExecutionId=started)['QueryExecution']['Status']
    assert state['State'] == 'SUCCEEDED', state


def test_an_idle_application_stops_when_its_time_has_come(own_mekong):
    emr = own_mekong.client('emr-serverless')
    made = emr.create_application(name='idle', type='SPARK', releaseLabel='emr-7.2.0', clientToken='once',
                                  autoStopConfiguration={'enabled': True, 'idleTimeoutMinutes': 60})['applicationId']
    emr.start_application(applicationId=made)

    def state_after(duration):
        own_mekong.command('clock', 'advance', duration)
        assert own_mekong.command('settle', '--timeout', '20').returncode == 0
        return emr.get_application(applicationId=made)['application']['state']

    assert state_after('59m') == 'STARTED'
    own_mekong.kill()
    own_mekong.start()
    assert state_after('1m') == 'STOPPED'
