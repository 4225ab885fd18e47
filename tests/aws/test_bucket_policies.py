"""Bucket policies, the public access block and callers without a signature, as boto3 sees them."""
import json
import pathlib
import subprocess
import sys
import uuid

import boto3
import botocore
import pytest
import server
from botocore.config import Config
from callers import allow, code_of, role_session


@pytest.fixture(scope='module')
def other(mekong):
    """Makes clients of a second account's root."""
    mekong.command('account', 'create', 'bucket-guests')
    env = mekong.env('--account', 'bucket-guests')
    session = boto3.Session(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'], region_name=env['AWS_REGION'])
    return lambda service: session.client(service, endpoint_url=f'http://127.0.0.1:{mekong.port}')


@pytest.fixture(scope='module')
def guest(other):
    return other('sts').get_caller_identity()['Account']


@pytest.fixture(scope='module')
def s3(mekong):
    return mekong.client('s3')


@pytest.fixture(scope='module')
def nobody(mekong):
    """S3 without a signature."""
    return boto3.Session(region_name='us-east-2').client(
        's3', endpoint_url=f'http://127.0.0.1:{mekong.port}', config=Config(signature_version=botocore.UNSIGNED))


@pytest.fixture
def bucket(s3):
    name = 't-' + uuid.uuid4().hex
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={'LocationConstraint': s3.meta.region_name})
    s3.put_object(Bucket=name, Key='a/k', Body=b'held')
    yield name
    s3.delete_bucket_policy(Bucket=name)
    for entry in s3.list_objects_v2(Bucket=name).get('Contents', []):
        s3.delete_object(Bucket=name, Key=entry['Key'])
    s3.delete_bucket(Bucket=name)


def grant(bucket, principal, actions, path='', effect='Allow', **conditions):
    statement = {'Effect': effect, 'Principal': principal, 'Action': actions, 'Resource': f'arn:aws:s3:::{bucket}{path}'}
    return {**statement, 'Condition': conditions} if conditions else statement


def put_policy(s3, bucket, *statements):
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({'Version': '2012-10-17', 'Statement': statements}))


def test_a_policy_is_kept_as_it_was_given(s3, bucket, guest):
    assert code_of(s3.get_bucket_policy, Bucket=bucket) == 'NoSuchBucketPolicy'
    assert code_of(s3.get_bucket_policy_status, Bucket=bucket) == 'NoSuchBucketPolicy'
    text = json.dumps({'Version': '2012-10-17', 'Statement': [grant(bucket, {'AWS': guest}, 's3:GetObject', '/*')]}, indent=1)
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy(Bucket=bucket)['Policy'] == text
    assert s3.get_bucket_policy_status(Bucket=bucket)['PolicyStatus'] == {'IsPublic': False}
    s3.delete_bucket_policy(Bucket=bucket)
    assert code_of(s3.get_bucket_policy, Bucket=bucket) == 'NoSuchBucketPolicy'


def test_what_no_bucket_may_have_as_its_policy(s3, bucket, guest):
    good = grant(bucket, {'AWS': guest}, 's3:GetObject', '/*')
    for change in ({'Action': 'sqs:SendMessage'}, {'Resource': 'arn:aws:s3:::another/*'},
                   {'Resource': f'arn:aws:s3:::{bucket}x/*'},
                   {'Principal': {'AWS': 'nobody'}}, {'Principal': {'AWS': f'arn:aws:iam::{guest}:role/absent'}},
                   {'Principal': {'AWS': f'arn:aws:iam::{guest}:user/absent'}},
                   {'Principal': {'AWS': f'arn:aws:sts::{guest}:assumed-role/absent/s'}},
                   {'Principal': {'AWS': f'arn:aws:iam::{guest}:role/*'}}, {'Effect': 'Maybe'},
                   {'Condition': {'StringResembles': {'aws:x': 'y'}}}):
        policy = json.dumps({'Version': '2012-10-17', 'Statement': [{**good, **change}]})
        assert code_of(s3.put_bucket_policy, Bucket=bucket, Policy=policy) == 'MalformedPolicy', change
    unnamed = {key: value for key, value in good.items() if key != 'Principal'}
    policy = json.dumps({'Version': '2012-10-17', 'Statement': [unnamed]})
    assert code_of(s3.put_bucket_policy, Bucket=bucket, Policy=policy) == 'MalformedPolicy'
    assert code_of(s3.get_bucket_policy, Bucket=bucket) == 'NoSuchBucketPolicy'


def test_another_account_is_let_in_by_both_sides_only(s3, bucket, other, guest):
    theirs = other('s3')
    assert code_of(theirs.get_object, Bucket=bucket, Key='a/k') == 'AccessDenied'
    put_policy(s3, bucket, grant(bucket, {'AWS': guest}, 's3:GetObject', '/a/*'), grant(bucket, {'AWS': guest}, 's3:ListBucket'),
               grant(bucket, {'AWS': guest}, ['s3:PutObject', 's3:*BucketPolicy'], '*'))
    assert theirs.get_object(Bucket=bucket, Key='a/k')['Body'].read() == b'held'
    assert code_of(theirs.get_object, Bucket=bucket, Key='b/k') == 'AccessDenied'
    assert [entry['Key'] for entry in theirs.list_objects_v2(Bucket=bucket)['Contents']] == ['a/k']
    assert code_of(theirs.delete_object, Bucket=bucket, Key='a/k') == 'AccessDenied'
    theirs.put_object(Bucket=bucket, Key='b/theirs', Body=b'x')
    assert s3.get_object(Bucket=bucket, Key='b/theirs')['Body'].read() == b'x'  # the bucket's owner owns it
    assert code_of(theirs.get_bucket_policy, Bucket=bucket) == 'MethodNotAllowed'  # keeping it stays with the owner
    assert code_of(theirs.delete_bucket_policy, Bucket=bucket) == 'MethodNotAllowed'
    # The guest's own users need their account's word too.
    iam, name = other('iam'), 'user-' + uuid.uuid4().hex[:8]
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)['AccessKey']
    user = boto3.Session(key['AccessKeyId'], key['SecretAccessKey'], region_name='us-east-2').client(
        's3', endpoint_url=theirs.meta.endpoint_url)
    assert code_of(user.get_object, Bucket=bucket, Key='a/k') == 'AccessDenied'
    iam.put_user_policy(UserName=name, PolicyName='p', PolicyDocument=json.dumps(
        {'Version': '2012-10-17', 'Statement': [allow('s3:GetObject', f'arn:aws:s3:::{bucket}/*')]}))
    assert user.get_object(Bucket=bucket, Key='a/k')['Body'].read() == b'held'
    put_policy(s3, bucket, grant(bucket, {'AWS': guest}, 's3:GetObject', '/*', StringEquals={'aws:PrincipalArn': 'another'}))
    assert code_of(user.get_object, Bucket=bucket, Key='a/k') == 'AccessDenied'


def test_in_the_owners_account_a_policy_alone_lets_in_and_shuts_out(mekong, s3, bucket):
    session = role_session(mekong)
    sts = mekong.client('sts', **session).get_caller_identity()
    role = sts['Arn'].replace(':sts:', ':iam:').replace('assumed-role', 'role').rsplit('/', 1)[0]
    poor = mekong.client('s3', **session)
    assert code_of(poor.get_object, Bucket=bucket, Key='a/k') == 'AccessDenied'
    put_policy(s3, bucket, grant(bucket, {'AWS': role}, 's3:GetObject', '/*'))
    assert poor.get_object(Bucket=bucket, Key='a/k')['Body'].read() == b'held'
    put_policy(s3, bucket, grant(bucket, '*', 's3:*', '*', effect='Deny'))
    assert code_of(s3.get_object, Bucket=bucket, Key='a/k') == 'AccessDenied'  # root too
    assert 'Deny' in s3.get_bucket_policy(Bucket=bucket)['Policy']  # which alone may mend it
    s3.delete_bucket_policy(Bucket=bucket)
    assert s3.get_object(Bucket=bucket, Key='a/k')['Body'].read() == b'held'


def test_everybody_is_let_in_only_where_nothing_blocks_it(s3, bucket, nobody, other):
    everybody = [grant(bucket, '*', ['s3:GetObject', 's3:PutObject'], '/*')]
    block = s3.get_public_access_block(Bucket=bucket)['PublicAccessBlockConfiguration']
    assert set(block.values()) == {True} and len(block) == 4
    policy = json.dumps({'Version': '2012-10-17', 'Statement': everybody})
    assert code_of(s3.put_bucket_policy, Bucket=bucket, Policy=policy) == 'AccessDenied'
    assert code_of(nobody.get_object, Bucket=bucket, Key='a/k') == 'AccessDenied'
    s3.delete_public_access_block(Bucket=bucket)
    assert code_of(s3.get_public_access_block, Bucket=bucket) == 'NoSuchPublicAccessBlockConfiguration'
    assert code_of(nobody.get_object, Bucket=bucket, Key='a/k') == 'AccessDenied'
    put_policy(s3, bucket, *everybody)
    assert s3.get_bucket_policy_status(Bucket=bucket)['PolicyStatus'] == {'IsPublic': True}
    assert nobody.get_object(Bucket=bucket, Key='a/k')['Body'].read() == b'held'
    nobody.put_object(Bucket=bucket, Key='a/theirs', Body=b'y')
    # As S3: whoever signs nothing neither starts an upload in parts nor copies.
    assert code_of(nobody.create_multipart_upload, Bucket=bucket, Key='a/parts') == 'AccessDenied'
    assert code_of(nobody.copy_object, Bucket=bucket, Key='a/copy', CopySource=f'{bucket}/a/k') == 'AccessDenied'
    deleted = nobody.delete_objects(Bucket=bucket, Delete={'Objects': [{'Key': 'a/k'}]})
    assert [error['Code'] for error in deleted['Errors']] == ['AccessDenied'] and 'Deleted' not in deleted
    put_policy(s3, bucket, *everybody, grant(bucket, '*', 's3:DeleteObject', '/a/theirs'))
    deleted = nobody.delete_objects(Bucket=bucket, Delete={'Objects': [{'Key': 'a/k'}, {'Key': 'a/theirs'}]})
    assert [error['Key'] for error in deleted['Errors']] == ['a/k']
    assert [done['Key'] for done in deleted['Deleted']] == ['a/theirs']
    put_policy(s3, bucket, *everybody)
    nobody.put_object(Bucket=bucket, Key='a/theirs', Body=b'y')
    assert code_of(nobody.delete_object, Bucket=bucket, Key='a/k') == 'AccessDenied'
    assert code_of(nobody.list_objects_v2, Bucket=bucket) == 'AccessDenied'
    assert code_of(nobody.get_object, Bucket=bucket, Key='none') == 'AccessDenied'  # who may not list learns nothing
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={'RestrictPublicBuckets': True})
    assert code_of(nobody.get_object, Bucket=bucket, Key='a/k') == 'AccessDenied'
    assert code_of(other('s3').get_object, Bucket=bucket, Key='a/k') == 'AccessDenied'
    assert s3.get_object(Bucket=bucket, Key='a/theirs')['Body'].read() == b'y'



@pytest.fixture
def control(mekong):
    control = mekong.client('s3control')
    yield control
    control.delete_public_access_block(AccountId=mekong.client('sts').get_caller_identity()['Account'])


def test_the_accounts_block_holds_for_all_its_buckets(mekong, s3, bucket, nobody, other, guest, control):
    account = mekong.client('sts').get_caller_identity()['Account']
    assert code_of(control.get_public_access_block, AccountId=account) == 'NoSuchPublicAccessBlockConfiguration'
    assert code_of(control.get_public_access_block, AccountId=guest) == 'AccessDenied'
    s3.delete_public_access_block(Bucket=bucket)
    everybody = json.dumps({'Version': '2012-10-17', 'Statement': [grant(bucket, '*', 's3:GetObject', '/*')]})
    s3.put_bucket_policy(Bucket=bucket, Policy=everybody)
    assert nobody.get_object(Bucket=bucket, Key='a/k')['Body'].read() == b'held'
    control.put_public_access_block(AccountId=account, PublicAccessBlockConfiguration={'RestrictPublicBuckets': True})
    assert control.get_public_access_block(AccountId=account)['PublicAccessBlockConfiguration'] == {
        'BlockPublicAcls': False, 'IgnorePublicAcls': False, 'BlockPublicPolicy': False, 'RestrictPublicBuckets': True}
    assert code_of(nobody.get_object, Bucket=bucket, Key='a/k') == 'AccessDenied'
    assert code_of(other('s3').get_object, Bucket=bucket, Key='a/k') == 'AccessDenied'
    assert s3.get_object(Bucket=bucket, Key='a/k')['Body'].read() == b'held'
    s3.put_bucket_policy(Bucket=bucket, Policy=everybody)  # which alone it does not forbid
    control.put_public_access_block(AccountId=account, PublicAccessBlockConfiguration={'BlockPublicPolicy': True})
    assert nobody.get_object(Bucket=bucket, Key='a/k')['Body'].read() == b'held'
    assert code_of(s3.put_bucket_policy, Bucket=bucket, Policy=everybody) == 'AccessDenied'
    put_policy(s3, bucket, grant(bucket, {'AWS': guest}, 's3:GetObject', '/*'))
    control.delete_public_access_block(AccountId=account)
    s3.put_bucket_policy(Bucket=bucket, Policy=everybody)


def test_the_accounts_block_by_the_command_line(mekong, control):
    """The command line itself, with what `mekong env` exports, under a resolver that knows names below localhost."""
    account = mekong.client('sts').get_caller_identity()['Account']
    program = 'import server, sys; from awscli.clidriver import main; sys.exit(main())'

    def aws(operation, *words):
        done = subprocess.run([sys.executable, '-c', program, 's3control', operation, '--account-id', account, *words],
                              env={**mekong.env(), 'PYTHONPATH': str(pathlib.Path(server.__file__).parent)},
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr
    code, said = aws('put-public-access-block', '--public-access-block-configuration', 'RestrictPublicBuckets=true')
    assert code == 0, said
    code, said = aws('get-public-access-block')
    assert code == 0 and json.loads(said)['PublicAccessBlockConfiguration']['RestrictPublicBuckets'], said
    assert aws('delete-public-access-block')[0] == 0
    code, said = aws('get-public-access-block')
    assert code != 0 and 'NoSuchPublicAccessBlockConfiguration' in said


def test_a_path_like_s3_controls_is_an_object_without_its_header(s3):
    s3.create_bucket(Bucket='v20180820', CreateBucketConfiguration={'LocationConstraint': s3.meta.region_name})
    s3.put_object(Bucket='v20180820', Key='configuration/publicAccessBlock', Body=b'an object')
    assert s3.get_object(Bucket='v20180820', Key='configuration/publicAccessBlock')['Body'].read() == b'an object'
    s3.delete_object(Bucket='v20180820', Key='configuration/publicAccessBlock')
    s3.delete_bucket(Bucket='v20180820')


def test_ownership_is_the_buckets(s3, bucket):
    rules = {'Rules': [{'ObjectOwnership': 'BucketOwnerEnforced'}]}
    assert s3.get_bucket_ownership_controls(Bucket=bucket)['OwnershipControls'] == rules
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules)
    preferred = {'Rules': [{'ObjectOwnership': 'ObjectWriter'}]}
    assert code_of(s3.put_bucket_ownership_controls, Bucket=bucket, OwnershipControls=preferred) == 'NotImplemented'



def test_acls_say_that_the_owner_has_everything_and_nothing_else(s3, bucket):
    owner = s3.list_buckets()['Owner']['ID']
    for acl in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key='a/k')):
        assert acl['Owner']['ID'] == owner
        assert acl['Grants'] == [{'Grantee': {'ID': owner, 'Type': 'CanonicalUser'}, 'Permission': 'FULL_CONTROL'}]
    own = {'Owner': {'ID': owner}, 'Grants': acl['Grants']}
    for canned in ({'ACL': 'private'}, {'ACL': 'bucket-owner-full-control'}, {'AccessControlPolicy': own}):
        if canned.get('ACL') != 'bucket-owner-full-control':
            s3.put_bucket_acl(Bucket=bucket, **canned)
        s3.put_object_acl(Bucket=bucket, Key='a/k', **canned)
    everybody = {'Grantee': {'Type': 'Group', 'URI': 'http://acs.amazonaws.com/groups/global/AllUsers'}, 'Permission': 'READ'}
    for wider in ({'ACL': 'public-read'}, {'GrantRead': f'id={owner}'},
                  {'AccessControlPolicy': {**own, 'Grants': [*own['Grants'], everybody]}}):
        assert code_of(s3.put_bucket_acl, Bucket=bucket, **wider) == 'AccessControlListNotSupported', wider
        assert code_of(s3.put_object_acl, Bucket=bucket, Key='a/k', **wider) == 'AccessControlListNotSupported', wider
    assert code_of(s3.put_object, Bucket=bucket, Key='b', ACL='public-read') == 'AccessControlListNotSupported'
    assert code_of(s3.get_object_acl, Bucket=bucket, Key='absent') == 'NoSuchKey'
    assert code_of(s3.create_bucket, Bucket=bucket + '-x', ACL='public-read') == 'InvalidBucketAclWithObjectOwnership'
