"""boto3 and the AWS CLI against every service that is built: the thin path through each."""
import io
import json
import os
import pathlib
import subprocess
import uuid

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from callers import code_of, role_session

MODELS = pathlib.Path(__file__).resolve().parents[2] / 'models'


@pytest.fixture
def bucket(aws):
    name = 'bucket-' + uuid.uuid4().hex[:8]
    aws('s3').create_bucket(Bucket=name, CreateBucketConfiguration={'LocationConstraint': 'us-east-2'})
    return name


def test_objects_small_and_large(aws, bucket):
    s3 = aws('s3')
    s3.put_object(Bucket=bucket, Key='a/b c+d.txt', Body=b'hello', Metadata={'k': 'v'})
    got = s3.get_object(Bucket=bucket, Key='a/b c+d.txt')
    assert got['Body'].read() == b'hello' and got['Metadata'] == {'k': 'v'}
    content = os.urandom(1 << 20) * 20  # over the multipart threshold
    s3.upload_fileobj(io.BytesIO(content), bucket, 'big')
    assert s3.head_object(Bucket=bucket, Key='big')['ETag'].endswith('-3"')
    assert s3.get_object(Bucket=bucket, Key='big')['Body'].read() == content
    assert s3.get_object(Bucket=bucket, Key='big', Range='bytes=8388600-8388615')['Body'].read() == \
        content[8388600:8388616]
    s3.copy_object(Bucket=bucket, Key='copy', CopySource={'Bucket': bucket, 'Key': 'a/b c+d.txt'})
    listed = s3.list_objects_v2(Bucket=bucket, Delimiter='/')
    assert [o['Key'] for o in listed['Contents']] == ['big', 'copy']
    assert [p['Prefix'] for p in listed['CommonPrefixes']] == ['a/']
    deleted = s3.delete_objects(Bucket=bucket, Delete={'Objects': [{'Key': k} for k in ('big', 'copy', 'a/b c+d.txt')]})
    assert len(deleted['Deleted']) == 3
    assert code_of(s3.get_object, Bucket=bucket, Key='big') == 'NoSuchKey'
    s3.delete_bucket(Bucket=bucket)


def test_the_cli_copies_a_folder(mekong, bucket, tmp_path):
    (tmp_path / 'sub').mkdir()
    (tmp_path / 'sub' / 'f').write_text('content')
    cli = os.path.join(os.environ['MEKONG_DEPS'], 'clients-venv', 'bin', 'aws')

    def aws_cli(*words):
        return subprocess.run([cli, *words], env=mekong.env(), capture_output=True, text=True, check=True).stdout
    aws_cli('s3', 'cp', '--recursive', str(tmp_path), f's3://{bucket}/up')
    assert 'sub/f' in aws_cli('s3', 'ls', '--recursive', f's3://{bucket}/')
    assert aws_cli('s3', 'cp', f's3://{bucket}/up/sub/f', '-') == 'content'
    assert json.loads(aws_cli('sts', 'get-caller-identity'))['Arn'].endswith(':root')


def test_deny_by_default_and_by_resource(mekong, bucket):
    mekong.client('s3').put_object(Bucket=bucket, Key='in/x', Body=b'1')
    nothing = role_session(mekong)
    assert code_of(mekong.client('s3', **nothing).list_objects_v2, Bucket=bucket) == 'AccessDenied'
    assert code_of(mekong.client('glue', **nothing).get_databases) == 'AccessDeniedException'
    reader = mekong.client('s3', **role_session(mekong, [
        {'Effect': 'Allow', 'Action': 's3:GetObject', 'Resource': f'arn:aws:s3:::{bucket}/in/*'},
        {'Effect': 'Deny', 'Action': '*', 'Resource': f'arn:aws:s3:::{bucket}/in/secret'}]))
    assert reader.get_object(Bucket=bucket, Key='in/x')['Body'].read() == b'1'
    for key in ('out/x', 'in/secret'):
        assert code_of(reader.get_object, Bucket=bucket, Key=key) == 'AccessDenied'
    assert code_of(reader.put_object, Bucket=bucket, Key='in/x', Body=b'2') == 'AccessDenied'


def test_a_policy_change_is_visible_to_the_next_request(mekong, bucket):
    iam = mekong.client('iam')
    user = 'user-' + uuid.uuid4().hex[:8]
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)['AccessKey']
    s3 = mekong.client('s3', AccessKeyId=key['AccessKeyId'], SecretAccessKey=key['SecretAccessKey'])
    for _ in range(3):
        assert code_of(s3.list_objects_v2, Bucket=bucket) == 'AccessDenied'
        iam.put_user_policy(UserName=user, PolicyName='p', PolicyDocument=json.dumps({
            'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'}]}))
        assert s3.list_objects_v2(Bucket=bucket)['KeyCount'] == 0
        iam.delete_user_policy(UserName=user, PolicyName='p')


def test_wrong_keys_are_refused(mekong):
    env = mekong.env()
    assert code_of(mekong.client('sts', AccessKeyId='AKIAAAAAAAAAAAAAAAAA').get_caller_identity) == \
        'InvalidClientTokenId'
    wrong = mekong.client('s3', AccessKeyId=env['AWS_ACCESS_KEY_ID'], SecretAccessKey='wrong')
    assert code_of(wrong.list_buckets) == 'SignatureDoesNotMatch'


def test_glue_tables_and_partitions(aws):
    glue = aws('glue')
    database = 'db' + uuid.uuid4().hex[:8]
    glue.create_database(DatabaseInput={'Name': database})
    glue.create_table(DatabaseName=database, TableInput={
        'Name': 'Sales', 'PartitionKeys': [{'Name': 'day', 'Type': 'string'}],
        'StorageDescriptor': {'Columns': [{'Name': 'amount', 'Type': 'double'}], 'Location': 's3://b/sales/'}})
    table = glue.get_table(DatabaseName=database, Name='sales')['Table']
    assert table['StorageDescriptor']['Columns'][0]['Name'] == 'amount'
    glue.batch_create_partition(DatabaseName=database, TableName='sales', PartitionInputList=[
        {'Values': [f'2026-01-{day:02}'], 'StorageDescriptor': {'Location': 's3://b/x/'}} for day in range(1, 32)])
    some = glue.get_partitions(DatabaseName=database, TableName='sales', Expression="day >= '2026-01-30'")
    assert [p['Values'][0] for p in some['Partitions']] == ['2026-01-30', '2026-01-31']
    assert code_of(glue.get_table, DatabaseName=database, Name='none') == 'EntityNotFoundException'
    glue.delete_database(Name=database)


def unbuilt(client, service):
    """The operations that models/ does not list and that want at most some text: (name, arguments)."""
    built = {line.split()[0] for line in (MODELS / f'{service}.txt').read_text().splitlines() if line}
    for name in client.meta.service_model.operation_names:
        model = client.meta.service_model.operation_model(name)
        given = model.input_shape
        required = {member: given.members[member] for member in given.required_members} if given else {}
        if model.endpoint or name == 'ListDirectoryBuckets':  # on a host of another name, signed for s3express
            continue
        if name not in built and all(shape.type_name == 'string' and not shape.enum for shape in required.values()):
            yield name, {member: 'x' * shape.metadata.get('min', 1) for member, shape in required.items()}


@pytest.mark.parametrize('service', ['glue', 'iam', 's3', 'kafka', 'athena'])
def test_unbuilt_operations_answer_by_name(aws, service):
    client, wrong = aws(service), []
    asked = list(unbuilt(client, service))
    assert len(asked) > 10
    for name, arguments in asked:
        with pytest.raises(ClientError) as refused:
            getattr(client, xform_name(name))(**arguments)
        error = refused.value.response
        said = name.removesuffix('Configuration')  # S3's GetBucketLifecycle is asked as its successor is
        if error['ResponseMetadata']['HTTPStatusCode'] != 501 or said not in error['Error']['Message']:
            wrong.append((name, error['Error']))
    assert not wrong


def test_acknowledged_survives_kill_9(own_mekong):
    s3 = own_mekong.client('s3')
    s3.create_bucket(Bucket='b-kill', CreateBucketConfiguration={'LocationConstraint': 'us-east-2'})
    glue = own_mekong.client('glue')
    for i in range(30):
        s3.put_object(Bucket='b-kill', Key=f'k{i}', Body=os.urandom(200_000 if i % 5 == 0 else 100))
        glue.create_database(DatabaseInput={'Name': f'd{i}'})
    etags = {o['Key']: o['ETag'] for o in s3.list_objects_v2(Bucket='b-kill')['Contents']}
    own_mekong.kill()
    own_mekong.start()
    for key, etag in etags.items():
        assert s3.get_object(Bucket='b-kill', Key=key)['ETag'] == etag
        assert len(s3.get_object(Bucket='b-kill', Key=key)['Body'].read()) in (100, 200_000)
    assert len(etags) == 30
    assert len(glue.get_databases()['DatabaseList']) >= 30
