"""EMR Serverless as its users drive it: an application, a role, a bucket, and the scripts of jobs."""
import gzip
import json
import time
import uuid

TRUST = {'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Principal': {'Service': 'emr-serverless.amazonaws.com'}, 'Action': 'sts:AssumeRole'}]}
SPARK = {'releaseLabel': 'emr-7.2.0', 'type': 'SPARK'}


class Jobs:
    """An application, a role and a bucket for the jobs of one server."""

    def __init__(self, mekong):
        name = 'emr-' + uuid.uuid4().hex[:8]
        self.emr, self.s3, iam = (mekong.client(service) for service in ('emr-serverless', 's3', 'iam'))
        self.role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))['Role']['Arn']
        iam.put_role_policy(RoleName=name, PolicyName='p', PolicyDocument=json.dumps(
            {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'}]}))
        self.bucket = name
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={'LocationConstraint': 'us-east-2'})
        self.application = self.emr.create_application(name=name, **SPARK)['applicationId']

    def driver(self, script, *arguments, parameters='--conf spark.sql.shuffle.partitions=3'):
        key = uuid.uuid4().hex + '.py'
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=script.encode())
        return {'sparkSubmit': {'entryPoint': f's3://{self.bucket}/{key}', 'entryPointArguments': list(arguments),
                                'sparkSubmitParameters': parameters}}

    def start(self, script, *arguments, **more):
        """The run's id. Its output goes to s3://bucket/logs while it runs."""
        return self.emr.start_job_run(
            applicationId=self.application, executionRoleArn=self.role, jobDriver=self.driver(script, *arguments, **more),
            configurationOverrides={'monitoringConfiguration': {
                's3MonitoringConfiguration': {'logUri': f's3://{self.bucket}/logs/'}}})['jobRunId']

    def output(self, run):
        """What the driver has printed so far."""
        key = f'logs/applications/{self.application}/jobs/{run}/SPARK_DRIVER/stdout.gz'
        try:
            return gzip.decompress(self.s3.get_object(Bucket=self.bucket, Key=key)['Body'].read()).decode()
        except self.s3.exceptions.NoSuchKey:
            return ''

    def line(self, run, beginning):
        """The first line of the output that begins so, once it is there."""
        for _ in range(600):
            for line in self.output(run).splitlines():
                if line.startswith(beginning):
                    return line
            state = self.get(run)
            assert state['state'] not in ('FAILED', 'CANCELLED'), state
            time.sleep(0.2)
        raise AssertionError(f'no {beginning} in {self.output(run)!r}')

    def get(self, run):
        return self.emr.get_job_run(applicationId=self.application, jobRunId=run)['jobRun']

    def ended(self, run):
        for _ in range(1200):
            got = self.get(run)
            if got['state'] in ('SUCCESS', 'FAILED', 'CANCELLED'):
                return got
            time.sleep(0.1)
        raise AssertionError(f'{run} has not ended: {got}')
