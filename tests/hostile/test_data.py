"""eventlog_deserialize, ml_model_load: what jobs leave in S3 is bytes to the server, whatever a reader would do."""
import json
import pathlib
import pickle
import subprocess
import sys

from emr_client import Jobs

EVENT = {'Event': 'SparkListenerEnvironmentUpdate', '@class': 'javax.script.ScriptEngineManager',
         'Spark Properties': {'spark.eventLog.dir': 'file:///etc'}}


class Opens:
    """A model whose reader runs a command."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (open, (self.marker, 'w'))


def test_event_logs_and_models_are_bytes(mekong, tmp_path):
    jobs = Jobs(mekong)
    marker = tmp_path / 'was-run'
    run = jobs.start('print(1)')
    model = pickle.dumps(Opens(str(marker)))
    logs = f'logs/applications/{jobs.application}/jobs/{run}/'
    left = {logs + 'sparklogs/eventlog_v2_local-1/events_1_local-1': json.dumps(EVENT).encode() + b'\n' + model,
            logs + 'SPARK_DRIVER/stderr.gz': b'\x1f\x8b' + model, 'models/best.pkl': model,
            'models/table/part-0.pkl': model}
    for key, body in left.items():
        jobs.s3.put_object(Bucket=jobs.bucket, Key=key, Body=body)
    jobs.emr.list_job_runs(applicationId=jobs.application)
    jobs.emr.get_job_run(applicationId=jobs.application, jobRunId=run)
    jobs.s3.list_objects_v2(Bucket=jobs.bucket)
    jobs.s3.copy_object(Bucket=jobs.bucket, Key='models/copy.pkl', CopySource=f'{jobs.bucket}/models/best.pkl')
    jobs.emr.cancel_job_run(applicationId=jobs.application, jobRunId=run)
    jobs.ended(run)
    for dashboard in (run, 'local-1'):  # no history server reads them
        try:
            jobs.emr.get_dashboard_for_job_run(applicationId=jobs.application, jobRunId=dashboard)
            raise AssertionError('a dashboard of an ended run')
        except jobs.emr.exceptions.ClientError as refused:
            assert refused.response['Error']['Code'] in (
                'NotImplemented', 'ResourceNotFoundException', 'ValidationException')
    del left[logs + 'SPARK_DRIVER/stderr.gz']  # the run's own logs may have replaced it
    for key, body in left.items():
        assert jobs.s3.get_object(Bucket=jobs.bucket, Key=key)['Body'].read() == body
    assert not marker.exists()
    # It is a model that works, for whoever loads it.
    subprocess.run([sys.executable, '-c', 'import pickle, sys; pickle.load(open(sys.argv[1], "rb"))',
                    str(write(tmp_path / 'model', model))], check=True)
    assert marker.exists()


def write(path: pathlib.Path, content):
    path.write_bytes(content)
    return path
