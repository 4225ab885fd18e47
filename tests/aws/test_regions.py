"""Accounts and regions: state is kept by account and region as AWS keeps it; any region's name works."""
import uuid

import boto3
import pytest
from callers import code_of
from emr_client import SPARK

REGIONS = ('us-east-1', 'eu-central-1', 'ap-southeast-7', 'us-gov-west-1', 'eusc-de-east-1', 'xx-nowhere-42')


@pytest.fixture(scope='module')
def client(mekong):
    """Clients of the default account's root, or of a second one's, in any region."""
    mekong.command('account', 'create', 'region-guests')
    env = {'first': mekong.env(), 'second': mekong.env('--account', 'region-guests')}

    def of(service, region, account='first'):
        keys = env[account]
        return boto3.client(service, region, endpoint_url=mekong.url(service), aws_access_key_id=keys['AWS_ACCESS_KEY_ID'],
                            aws_secret_access_key=keys['AWS_SECRET_ACCESS_KEY'])
    return of


def test_glue_kafka_emr_and_athena_are_each_regions_own(client):
    name = 'r' + uuid.uuid4().hex[:8]
    for region in REGIONS:
        client('glue', region).create_database(DatabaseInput={'Name': name, 'Description': region})
        for account in ('first', 'second'):
            seen = [each['Description'] for each in client('glue', region, account).get_databases()['DatabaseList']
                    if each['Name'] == name]
            assert seen == ([region] if account == 'first' else []), (region, account)
        application = client('emr-serverless', region).create_application(name=name, **SPARK)
        assert application['arn'].split(':')[3] == region
        client('athena', region).create_work_group(Name=name)
    for region in REGIONS:
        assert client('glue', region).get_database(Name=name)['Database']['Description'] == region
        assert len(client('emr-serverless', region).list_applications()['applications']) == 1
        groups = [each['Name'] for each in client('athena', region).list_work_groups()['WorkGroups']]
        assert groups.count(name) == 1
        assert client('kafka', region).list_clusters_v2()['ClusterInfoList'] == []
        assert code_of(client('athena', region, 'second').get_work_group, WorkGroup=name) == 'InvalidRequestException'
        client('glue', region).delete_database(Name=name)
    assert code_of(client('glue', 'ca-west-1').get_database, Name=name) == 'EntityNotFoundException'


def test_iam_has_no_region(client):
    name, documents = 'u' + uuid.uuid4().hex[:8], set()
    client('iam', 'us-east-1').create_user(UserName=name)
    for region in REGIONS:
        documents.add(client('iam', region).get_user(UserName=name)['User']['Arn'])
        assert client('sts', region).get_caller_identity()['Arn'].startswith('arn:aws:iam::')
        assert code_of(client('iam', region, 'second').get_user, UserName=name) == 'NoSuchEntity'
    assert len(documents) == 1
    assert code_of(client('iam', 'xx-nowhere-42').create_user, UserName=name) == 'EntityAlreadyExists'


def test_buckets_names_are_global_and_their_place_is_not(client):
    name = 'b' + uuid.uuid4().hex[:8]
    place = {'CreateBucketConfiguration': {'LocationConstraint': 'eu-central-1'}}
    client('s3', 'eu-central-1').create_bucket(Bucket=name, **place)
    assert client('s3', 'eu-central-1').get_bucket_location(Bucket=name)['LocationConstraint'] == 'eu-central-1'
    assert code_of(client('s3', 'eu-central-1').create_bucket, Bucket=name, **place) == 'BucketAlreadyOwnedByYou'
    assert code_of(client('s3', 'eu-central-1', 'second').create_bucket, Bucket=name, **place) == 'BucketAlreadyExists'
    assert name in [each['Name'] for each in client('s3', 'us-east-1').list_buckets()['Buckets']]
    assert code_of(client('s3', 'eu-central-1', 'second').list_objects_v2, Bucket=name) == 'AccessDenied'
    client('s3', 'us-east-1').put_object(Bucket=name, Key='k', Body=b'x')
    assert client('s3', 'eu-central-1').get_object(Bucket=name, Key='k')['Body'].read() == b'x'


def test_a_scope_of_another_region_is_that_regions(client):
    """The signature's scope says which region is meant, and nothing else does."""
    made = client('glue', 'eu-north-1')
    made.create_database(DatabaseInput={'Name': 'scoped'})
    assert code_of(client('glue', 'eu-south-1').get_database, Name='scoped') == 'EntityNotFoundException'
    made.delete_database(Name='scoped')
