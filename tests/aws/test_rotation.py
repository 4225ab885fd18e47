"""A job that runs for longer than its credentials live goes on reading and writing, as its role, with new ones."""
import os

import pytest
from emr_client import Jobs
from server import Mekong

JOB = """
import json, os, sys, time, urllib.request
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
place, until, seen, rounds = sys.argv[1], time.time() + float(sys.argv[2]), [], 0
def key():
    request = urllib.request.Request(os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'], headers={
        'Authorization': os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN']})
    return json.load(urllib.request.urlopen(request))['AccessKeyId']
while time.time() < until:
    spark.range(10).write.mode('overwrite').parquet(place)
    assert spark.read.parquet(place).count() == 10
    rounds += 1
    if key() not in seen:
        seen.append(key())
    print('ROUND', rounds, len(seen), flush=True)
print('ROTATED', len(seen), rounds, flush=True)
"""


@pytest.mark.skipif(os.environ.get('MEKONG_TIER') != 'full', reason='tier full: a job of over a minute')
def test_credentials_rotate_while_a_job_runs_longer_than_they_live(tmp_path):
    mekong = Mekong(str(tmp_path / 'data')).start('--job-credentials-s', '15')
    try:
        jobs = Jobs(mekong)
        run = jobs.start(JOB, f's3://{jobs.bucket}/table', '60')
        assert jobs.ended(run)['state'] == 'SUCCESS'
        line = next(line for line in jobs.output(run).splitlines() if line.startswith('ROTATED'))
        print(line)
        assert int(line.split()[1]) >= 4
    finally:
        mekong.stop()
