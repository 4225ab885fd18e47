"""Condition keys as the server fills them, one by one: a session that may only where the key has this value is let
through, one that asks for another value is not."""
import json
import time
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config
from callers import allow, code_of, role_session

# key, operator, what it is, what it is not. Of a plain request: HTTP, signed by header, from 127.0.0.1.
OF_ANY = [
    ('aws:SourceIp', 'IpAddress', '127.0.0.0/8', '192.0.2.0/24'),
    ('aws:SecureTransport', 'Bool', 'false', 'true'),
    ('aws:UserAgent', 'StringLike', '*Botocore/*', 'curl/*'),
    ('aws:Referer', 'StringEquals', 'https://pages.example.com/', 'https://other.example.com/'),
    ('aws:RequestedRegion', 'StringEquals', 'us-east-2', 'us-east-1'),
    ('aws:ViaAWSService', 'Bool', 'false', 'true'),
    ('aws:CalledVia', 'Null', 'true', 'false'),
    ('aws:CurrentTime', 'DateGreaterThan', '2020-01-01T00:00:00Z', '2100-01-01T00:00:00Z'),
    ('aws:EpochTime', 'NumericGreaterThan', '1500000000', '4102444800'),
    ('aws:TokenIssueTime', 'DateGreaterThan', '2020-01-01T00:00:00Z', '2100-01-01T00:00:00Z'),
    ('aws:MultiFactorAuthPresent', 'Bool', 'false', 'true'),
    ('aws:MultiFactorAuthAge', 'Null', 'true', 'false'),
    ('aws:PrincipalType', 'StringEquals', 'AssumedRole', 'User'),
    ('aws:PrincipalArn', 'ArnLike', 'arn:aws:iam::*:role/role-*', 'arn:aws:iam::*:user/*'),
    ('aws:PrincipalAccount', 'StringEquals', '{account}', '999999999999'),
    ('aws:PrincipalTag/team', 'StringEquals', 'red', 'blue'),
    ('aws:PrincipalIsAWSService', 'Bool', 'false', 'true'),
    ('aws:PrincipalServiceName', 'Null', 'true', 'false'),
    ('aws:PrincipalServiceNamesList', 'Null', 'true', 'false'),
    ('aws:SourceIdentity', 'StringEquals', 'somebody', 'nobody'),
    ('aws:FederatedProvider', 'Null', 'true', 'false'),
    ('aws:userid', 'StringLike', 'AROA*:keys', 'AIDA*'),
    ('aws:username', 'Null', 'true', 'false'),
    ('aws:SourceArn', 'Null', 'true', 'false'),
    ('aws:SourceVpc', 'Null', 'true', 'false'),
    ('aws:PrincipalOrgID', 'Null', 'true', 'false'),
    ('test:Unknown', 'Null', 'true', 'false'),
]
OF_S3 = [
    ('s3:authType', 'StringEquals', 'REST-HEADER', 'REST-QUERY-STRING'),
    ('s3:signatureversion', 'StringEquals', 'AWS4-HMAC-SHA256', 'AWS'),
    ('s3:signatureAge', 'NumericLessThan', '600000', '0'),
    ('s3:TlsVersion', 'Null', 'true', 'false'),
    ('s3:x-amz-content-sha256', 'StringLike', 'e3b0c442*', 'UNSIGNED-PAYLOAD'),
    ('s3:prefix', 'StringEquals', 'a/', 'b/'),
    ('s3:delimiter', 'StringEquals', '/', '#'),
    ('s3:max-keys', 'NumericLessThanEquals', '7', '6'),
    ('s3:ResourceAccount', 'StringEquals', '{account}', '999999999999'),
    ('aws:ResourceAccount', 'StringEquals', '{account}', '999999999999'),
]
OF_PUT = [
    ('s3:if-none-match', 'StringEquals', '*', 'x'),
    ('s3:x-amz-storage-class', 'StringEquals', 'STANDARD', 'GLACIER'),
    ('s3:x-amz-acl', 'StringEquals', 'private', 'public-read'),
    ('s3:x-amz-server-side-encryption', 'Null', 'true', 'false'),
]


@pytest.fixture(scope='module')
def account(mekong):
    return mekong.client('sts').get_caller_identity()['Account']


@pytest.fixture(scope='module')
def bucket(mekong):
    s3, name = mekong.client('s3'), 'condition-keys'
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={'LocationConstraint': s3.meta.region_name})
    return name


@pytest.fixture(scope='module')
def session(mekong, account):
    """Credentials of a role that may everything, as far as a session policy lets it."""
    trust = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Principal': {'AWS': account}, 'Action': [
        'sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity']}]})
    iam = mekong.client('iam')
    arn = iam.create_role(RoleName='role-keys', AssumeRolePolicyDocument=trust)['Role']['Arn']
    iam.put_role_policy(RoleName='role-keys', PolicyName='p', PolicyDocument=json.dumps(
        {'Version': '2012-10-17', 'Statement': [allow('*')]}))
    sts = mekong.client('sts')
    return lambda **condition: sts.assume_role(
        RoleArn=arn, RoleSessionName='keys', Tags=[{'Key': 'team', 'Value': 'red'}], SourceIdentity='somebody',
        Policy=json.dumps({'Version': '2012-10-17', 'Statement': [allow('*', **condition)]}))['Credentials']


def asked(mekong, credentials, service, headers=()):
    client = mekong.client(service, **credentials)
    client.meta.events.register('before-sign.*', lambda request, **_: [request.headers.add_header(*h) for h in headers])
    return client


@pytest.mark.parametrize(('rows', 'call'), [
    (OF_ANY, lambda get, bucket: get('iam', [('Referer', 'https://pages.example.com/')]).list_users()),
    (OF_S3, lambda get, bucket: get('s3').list_objects_v2(Bucket=bucket, Prefix='a/', Delimiter='/', MaxKeys=7)),
    (OF_PUT, lambda get, bucket: get('s3').put_object(Bucket=bucket, Key=str(time.monotonic_ns()), IfNoneMatch='*',
                                                      StorageClass='STANDARD', ACL='private')),
], ids=['any', 'list', 'put'])
def test_a_key_has_its_value(mekong, session, account, bucket, rows, call):
    wrong = []
    for key, operator, right, other in rows:
        for value, expected in ((right, ''), (other, 'AccessDenied')):
            credentials = session(**{operator: {key: value.format(account=account)}})
            try:
                call(lambda service, headers=(), c=credentials: asked(mekong, c, service, headers), bucket)
                code = ''
            except Exception as refused:
                code = refused.response['Error']['Code']
            if code != expected:
                wrong.append(f'{key} {operator} {value}: {code or "done"}')
    assert not wrong


def test_how_a_request_was_signed(mekong, session, bucket):
    mekong.client('s3').put_object(Bucket=bucket, Key='k', Body=b'x')
    for how, other in (('REST-QUERY-STRING', 'REST-HEADER'), ('POST', 'REST-HEADER')):
        right, wrong = (mekong.client('s3', **session(StringEquals={'s3:authType': word})) for word in (how, other))
        for client, expected in ((right, (200, 204)), (wrong, (403,))):
            assert status_of(client, bucket, how) in expected, how
    unsigned = mekong.client('s3', **session(StringEquals={'s3:x-amz-content-sha256': 'UNSIGNED-PAYLOAD'}))
    assert status_of(unsigned, bucket, 'REST-QUERY-STRING') == 200


def status_of(client, bucket, how):
    if how == 'REST-QUERY-STRING':
        request = urllib.request.Request(v4(client).generate_presigned_url('get_object', {'Bucket': bucket, 'Key': 'k'}))
    else:
        form = v4(client).generate_presigned_post(bucket, 'posted')
        lines = []
        for name, value in [*form['fields'].items(), ('file', 'x')]:
            filename = '; filename="f"' if name == 'file' else ''
            lines += ['--b', f'Content-Disposition: form-data; name="{name}"{filename}', '', value]
        request = urllib.request.Request(form['url'], '\r\n'.join([*lines, '--b--', '']).encode(),
                                         {'Content-Type': 'multipart/form-data; boundary=b'})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as refused:
        return refused.code


def v4(client):
    credentials = client._request_signer._credentials
    return boto3.Session(credentials.access_key, credentials.secret_key, credentials.token, region_name='us-east-2').client(
        's3', endpoint_url=client.meta.endpoint_url, config=Config(signature_version='s3v4', s3={'addressing_style': 'path'}))


def test_over_tls(mekong, session, bucket):
    def over_tls(**condition):
        return mekong.session(**session(**condition)).client(
            's3', endpoint_url=f'https://localhost:{mekong.port}', verify=mekong.env()['AWS_CA_BUNDLE'])
    for condition in ({'Bool': {'aws:SecureTransport': 'true'}}, {'NumericGreaterThanEquals': {'s3:TlsVersion': '1.2'}}):
        over_tls(**condition).list_objects_v2(Bucket=bucket)
    assert code_of(over_tls(NumericGreaterThan={'s3:TlsVersion': '1.3'}).list_objects_v2, Bucket=bucket) == 'AccessDenied'


def test_what_a_role_is_handed_over_for(mekong, session, account):
    jobs = mekong.client('emr-serverless')
    application = jobs.create_application(name='keys', releaseLabel='emr-7.2.0', type='SPARK',
                                          autoStartConfiguration={'enabled': False})
    driver = {'sparkSubmit': {'entryPoint': 's3://nothing-here/x.py'}}
    role = f'arn:aws:iam::{account}:role/role-keys'

    def start(arn):
        theirs = mekong.client('emr-serverless', **session(ArnEqualsIfExists={'iam:AssociatedResourceArn': arn}))
        return code_of(theirs.start_job_run, applicationId=application['applicationId'], executionRoleArn=role, jobDriver=driver)
    assert start(application['arn'][:-1] + 'x') == 'AccessDeniedException'
    assert start(application['arn']) == 'ConflictException'  # it is not started: permission was not missing
    jobs.delete_application(applicationId=application['applicationId'])


def test_athena_calls_for_its_caller(mekong, bucket):
    """What Athena reads for who asks is called via Athena; the same read by itself is not."""
    def policy(via):
        return [allow(['athena:*', 'glue:*']), allow('s3:*', '*', **{'ForAnyValue:StringEquals': {'aws:CalledVia': via}})]
    for via, expected in (('athena.amazonaws.com', 'SUCCEEDED'), ('glue.amazonaws.com', 'FAILED')):
        credentials = role_session(mekong, policy(via))
        athena = mekong.client('athena', **credentials)
        query = athena.start_query_execution(QueryString='select 1', ResultConfiguration={
            'OutputLocation': f's3://{bucket}/results/'})['QueryExecutionId']
        while True:
            status = athena.get_query_execution(QueryExecutionId=query)['QueryExecution']['Status']
            if status['State'] not in ('QUEUED', 'RUNNING'):
                break
            time.sleep(0.02)
        assert status['State'] == expected, status
        assert code_of(mekong.client('s3', **credentials).list_objects_v2, Bucket=bucket) == 'AccessDenied'
