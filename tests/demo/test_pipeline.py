"""The sales pipeline as `./dev demo` runs it, and the same under kill -9."""
import os
import re
import subprocess
import sys

import pytest
import run as demo_run


def test_the_demo_runs_to_its_end():
    done = subprocess.run([sys.executable, os.path.join(demo_run.HERE, 'run.py')], capture_output=True, text=True,
                          timeout=300, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    for seen in (r'Created topic sales_data_topic\.', r'without WriteData: .*AuthorizationFailedError',
                 r'unsigned: KafkaTimeoutError', r'Sizes fitted to this machine|RUNNING',
                 r'equal to the sums of what was acknowledged', r'\d{4}-\d\d-\d\d \d\d:\d\d:00\.000 +\d+\.\d+',
                 r'nothing is left', r'Done in'):
        assert re.search(seen, done.stdout), seen
    folder = re.search(r'rm -r (\S+)', done.stdout)[1]
    subprocess.run(['rm', '-r', folder], check=True)


@pytest.fixture
def demo():
    made = demo_run.Demo()
    yield made
    made.abandon()
    subprocess.run(['rm', '-r', made.folder], check=True)


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(demo):
    """Twice in mid-stream. The producer retries, the job goes on as its next attempt from its checkpoint; a batch may be
    written twice (foreachBatch), never lost."""
    for action in (demo.start_server, demo.create_resources, demo.create_topic, demo.produce, demo.submit, demo.stream):
        action()
    for _ in range(2):
        demo.server.kill()
        demo.server.start()
        before = len(demo.acknowledged())
        demo_run.wait_for('live records again', lambda: len(demo.acknowledged()) > before, 60, demo.producer_log)
        demo.table_holds(before)
    demo.stop_producer()
    transactions = {record['transaction_id'] for record in demo.acknowledged()}
    query = f'SELECT DISTINCT transaction_id FROM {demo_run.DATABASE}.{demo_run.TABLE}'
    demo_run.wait_for('every acknowledged record in the table',
                      lambda: transactions <= {row[0] for row in demo.athena(query)}, 90, *demo.job_logs())
    attempts = demo.job_run()
    assert attempts['state'] == 'RUNNING' and attempts['attempt'] >= 2


def test_a_failure_names_its_step_and_shows_a_log(capsys, demo):
    log = demo.folder / 'some.log'
    log.write_text('the reason\n')
    demo_run.tell_failure(3, 'topic', demo_run.Failure('no topic', log))
    said = capsys.readouterr().out
    assert 'FAILED in step 3 (topic): no topic' in said and 'the reason' in said
