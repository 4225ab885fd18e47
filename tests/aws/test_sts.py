"""STS by boto3: what sessions carry, what they may not, and what a denial says about itself."""
import json
import uuid

import pytest
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from botocore.credentials import CredentialProvider, Credentials
from botocore.exceptions import ClientError
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from kafka_client import brokers_of, serverless_cluster


def code_of(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response['Error']['Code']


def name(kind='x'):
    return f'{kind}-{uuid.uuid4().hex[:8]}'


def policy(*statements):
    return json.dumps({'Version': '2012-10-17', 'Statement': list(statements)})


def allow(action, resource='*', **more):
    return {'Effect': 'Allow', 'Action': action, 'Resource': resource, **more}


@pytest.fixture
def new_role(aws):
    def make(*statements, trust=None, **more):
        iam = aws('iam')
        trusted = {'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': ['sts:AssumeRole', 'sts:TagSession',
                                                                            'sts:SetSourceIdentity']}
        role = iam.create_role(RoleName=name('role'), AssumeRolePolicyDocument=policy(trust or trusted), **more)['Role']
        if statements:
            iam.put_role_policy(RoleName=role['RoleName'], PolicyName='p', PolicyDocument=policy(*statements))
        return role['Arn']
    return make


@pytest.fixture
def assume(mekong):
    """Assumes a role as the root or as the credentials given."""
    def of(arn, credentials=None, **more):
        made = mekong.client('sts', **(credentials or {})).assume_role(RoleArn=arn, RoleSessionName='test', **more)
        return made['Credentials']
    return of


@pytest.fixture
def user(mekong, aws):
    iam, who = aws('iam'), name('user')
    arn = iam.create_user(UserName=who)['User']['Arn']
    iam.put_user_policy(UserName=who, PolicyName='p', PolicyDocument=policy(allow('*')))
    key = iam.create_access_key(UserName=who)['AccessKey']
    return {'Arn': arn, 'AccessKeyId': key['AccessKeyId'], 'SecretAccessKey': key['SecretAccessKey']}


def test_session_policies_only_narrow(mekong, new_role, assume):
    arn = new_role(allow('iam:*'))
    narrowed = assume(arn, Policy=policy(allow(['iam:ListRoles', 's3:*'])))
    mekong.client('iam', **narrowed).list_roles()
    assert code_of(mekong.client('iam', **narrowed).list_users) == 'AccessDenied'
    assert code_of(mekong.client('s3', **narrowed).list_buckets) == 'AccessDenied'
    by_arn = assume(arn, PolicyArns=[{'arn': 'arn:aws:iam::aws:policy/IAMReadOnlyAccess'}])
    mekong.client('iam', **by_arn).list_users()
    assert code_of(mekong.client('iam', **by_arn).create_user, UserName=name()) == 'AccessDenied'
    assert code_of(assume, arn=arn, Policy='{}') == 'MalformedPolicyDocument'
    assert code_of(assume, arn=arn, PolicyArns=[{'arn': 'arn:aws:iam::aws:policy/Nothing'}]) == 'InvalidParameterValue'


def test_managed_session_policies_are_those_in_force(mekong, aws, new_role, assume):
    """However long: a token carries their names, and a change counts for the next request."""
    iam, arn = aws('iam'), new_role(allow('*'))
    long = assume(arn, PolicyArns=[{'arn': f'arn:aws:iam::aws:policy/{each}'} for each in (
        'ReadOnlyAccess', 'SecurityAudit', 'job-function/ViewOnlyAccess', 'PowerUserAccess')])
    assert len(long['SessionToken']) < 2000
    mekong.client('iam', **long).list_roles()
    own = iam.create_policy(PolicyName=name('p'), PolicyDocument=policy(allow('iam:ListRoles')))['Policy']['Arn']
    session = mekong.client('iam', **assume(arn, PolicyArns=[{'arn': own}]))
    session.list_roles()
    iam.create_policy_version(PolicyArn=own, PolicyDocument=policy(allow('iam:ListUsers')), SetAsDefault=True)
    assert code_of(session.list_roles) == 'AccessDenied'
    session.list_users()
    iam.delete_policy_version(PolicyArn=own, VersionId='v1')
    iam.delete_policy(PolicyArn=own)
    assert code_of(session.list_users) == 'AccessDenied'


def test_what_a_session_is_given_is_packed_and_has_an_end(mekong, new_role, user):
    arn, sts = new_role(allow('*')), mekong.client('sts', **keys(user))

    def tags(count):
        return [{'Key': f'key-{i}', 'Value': ''.join(uuid.uuid4().hex for _ in range(8))} for i in range(count)]

    def ask(**more):
        return sts.assume_role(RoleArn=arn, RoleSessionName='test', **more)
    assert 'PackedPolicySize' not in ask()
    assert 'PackedPolicySize' not in sts.get_federation_token(Name='guest')
    small, more = ask(Policy=policy(allow('s3:*'))), ask(Policy=policy(allow('s3:*')), Tags=tags(8))
    assert 0 < small['PackedPolicySize'] < more['PackedPolicySize'] <= 100
    assert small['PackedPolicySize'] == sts.get_federation_token(Name='guest', Policy=policy(allow('s3:*')))['PackedPolicySize']
    assert code_of(ask, Tags=tags(40)) == 'PackedPolicyTooLarge'
    assert code_of(sts.get_federation_token, Name='guest', Tags=tags(40)) == 'PackedPolicyTooLarge'


def test_tags_and_source_identity_go_along_the_chain(mekong, new_role, assume):
    decided = allow('iam:ListRoles', Condition={'StringEquals': {'aws:PrincipalTag/team': 'red',
                                                                 'aws:SourceIdentity': 'alice'}})
    last = new_role(decided)
    first = new_role(allow('sts:*'))
    chain = assume(first, Tags=[{'Key': 'team', 'Value': 'red'}, {'Key': 'own', 'Value': 'x'}],
                   TransitiveTagKeys=['team'], SourceIdentity='alice')
    session = assume(last, chain)
    mekong.client('iam', **session).list_roles()
    assert code_of(mekong.client('iam', **assume(last, Tags=[{'Key': 'team', 'Value': 'red'}])).list_roles) == \
        'AccessDenied'  # no source identity
    assert code_of(assume, arn=last, credentials=chain, Tags=[{'Key': 'TEAM', 'Value': 'blue'}]) == 'InvalidParameterValue'
    assert code_of(assume, arn=last, credentials=chain, SourceIdentity='bob') == 'AccessDenied'
    assert code_of(assume, arn=last, credentials=chain, DurationSeconds=3601) == 'ValidationError'  # chained
    assert code_of(assume, arn=last, TransitiveTagKeys=['none']) == 'InvalidParameterValue'
    assert code_of(assume, arn=last, Tags=[{'Key': 'a', 'Value': '1'}, {'Key': 'A', 'Value': '2'}]) == 'InvalidParameterValue'


def test_tags_need_their_own_permission(new_role, assume):
    trust = {'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': 'sts:AssumeRole'}
    arn = new_role(trust=trust)
    assume(arn)
    assert code_of(assume, arn=arn, Tags=[{'Key': 'a', 'Value': '1'}]) == 'AccessDenied'
    assert code_of(assume, arn=arn, SourceIdentity='alice') == 'AccessDenied'


def test_a_role_is_assumed_by_its_tags(mekong, new_role, assume):
    may = {'StringEquals': {'aws:ResourceTag/team': '${aws:PrincipalTag/team}', 'iam:ResourceTag/team': 'red'}}
    caller = assume(new_role(allow('sts:AssumeRole', Condition=may)), Tags=[{'Key': 'team', 'Value': 'red'}])
    account = mekong.client('sts').get_caller_identity()['Account']
    here = {'Effect': 'Allow', 'Principal': {'AWS': account}, 'Action': 'sts:AssumeRole'}
    red, blue = (new_role(trust=here, Tags=[{'Key': 'team', 'Value': team}]) for team in ('red', 'blue'))
    sts = mekong.client('sts', **caller)
    sts.assume_role(RoleArn=red, RoleSessionName='xx')
    assert code_of(sts.assume_role, RoleArn=blue, RoleSessionName='xx') == 'AccessDenied'
    assert code_of(sts.assume_role, RoleArn=red, RoleSessionName='xx', PolicyArns=[
        {'arn': 'arn:aws:iam::aws:policy/ReadOnlyAccess'}] * 11) == 'ValidationError'


def test_external_ids_and_durations(mekong, new_role, assume):
    trust = {'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': 'sts:AssumeRole',
             'Condition': {'StringEquals': {'sts:ExternalId': 'sesame'}}}
    arn = new_role(trust=trust, MaxSessionDuration=7200)
    assert code_of(assume, arn=arn) == 'AccessDenied'
    assert code_of(assume, arn=arn, ExternalId='other') == 'AccessDenied'
    assume(arn, ExternalId='sesame', DurationSeconds=7200)
    assert code_of(assume, arn=arn, ExternalId='sesame', DurationSeconds=7201) == 'ValidationError'


def test_a_users_own_session(mekong, user):
    session = mekong.client('sts', **keys(user)).get_session_token()['Credentials']
    assert mekong.client('sts', **session).get_caller_identity()['Arn'] == user['Arn']
    mekong.client('s3', **session).list_buckets()
    assert code_of(mekong.client('iam', **session).list_roles) == 'AccessDenied'  # never IAM, as AWS
    assert code_of(mekong.client('sts', **session).get_session_token) == 'AccessDenied'
    info = mekong.client('sts').get_access_key_info
    account = user['Arn'].split(':')[4]
    assert info(AccessKeyId=session['AccessKeyId'])['Account'] == account
    assert info(AccessKeyId=user['AccessKeyId'])['Account'] == account
    assert code_of(info, AccessKeyId='ASIAAAAAAAAAAAAAAAAA') == 'ValidationError'


def keys(user):
    return {key: user[key] for key in ('AccessKeyId', 'SecretAccessKey')}


def test_federated_users_do_what_issuer_and_policy_both_allow(mekong, user):
    sts = mekong.client('sts', **keys(user))
    made = sts.get_federation_token(Name='guest', Policy=policy(allow(['s3:ListAllMyBuckets', 'iam:*'])),
                                    Tags=[{'Key': 'team', 'Value': 'red'}])
    assert made['FederatedUser']['Arn'].endswith(':federated-user/guest')
    session = made['Credentials']
    assert mekong.client('sts', **session).get_caller_identity()['Arn'] == made['FederatedUser']['Arn']
    mekong.client('s3', **session).list_buckets()
    assert code_of(mekong.client('glue', **session).get_databases) == 'AccessDeniedException'
    assert code_of(mekong.client('iam', **session).list_roles) == 'AccessDenied'
    nothing = sts.get_federation_token(Name='nobody')['Credentials']
    assert code_of(mekong.client('s3', **nothing).list_buckets) == 'AccessDenied'
    assert code_of(mekong.client('sts', **session).get_federation_token, Name='again') == 'AccessDenied'


def test_a_denial_explains_itself(mekong, new_role, assume):
    arn = new_role(allow('*'), {'Sid': 'NoUsers', 'Effect': 'Deny', 'Action': 'iam:ListUsers', 'Resource': '*'})
    session = assume(arn)
    with pytest.raises(ClientError) as refused:
        mekong.client('iam', **session).list_users()
    headers = refused.value.response['ResponseMetadata']['HTTPHeaders']
    encoded = headers['x-mekong-authorization-message']
    decoded = json.loads(mekong.client('sts').decode_authorization_message(EncodedMessage=encoded)['DecodedMessage'])
    assert (decoded['allowed'], decoded['explicitDeny']) == (False, True)
    assert decoded['matchedStatements']['items'][0]['statementId'] == 'NoUsers'
    assert decoded['context']['action'] == 'iam:ListUsers'
    assert decoded['context']['principal']['arn'].endswith('/test')
    for wrong in (encoded[:-6] + 'AAAAA=', 'x'):
        assert code_of(mekong.client('sts').decode_authorization_message, EncodedMessage=wrong) == \
            'InvalidAuthorizationMessageException'
    said = mekong.command('why', refused.value.response['ResponseMetadata']['RequestId'])
    assert 'explicitly denied' in said.stdout and 'statement NoUsers' in said.stdout
    assert mekong.command('why', 'nothing').returncode == 1


def test_the_least_policy_that_a_run_needed(mekong, new_role, assume):
    """Recorded as a role with everything; rerun under what was written; and without any one action, refused."""
    bucket = name('bucket')
    mekong.client('s3').create_bucket(Bucket=bucket, CreateBucketConfiguration={'LocationConstraint': 'us-east-2'})

    def run(credentials):
        s3 = mekong.client('s3', **credentials)
        s3.put_object(Bucket=bucket, Key='in/x', Body=b'1')
        s3.get_object(Bucket=bucket, Key='in/x')
        s3.list_objects_v2(Bucket=bucket)
        mekong.client('glue', **credentials).get_databases()
    arn = new_role(allow('*'))
    assert mekong.command('policy', 'record').returncode == 0
    run(assume(arn))
    assert mekong.command('policy', 'stop').returncode == 0
    least = json.loads(mekong.command('policy', 'write', arn).stdout)
    actions = sorted(a for s in least['Statement'] for a in s['Action'])
    assert actions == ['glue:GetDatabases', 's3:GetObject', 's3:ListBucket', 's3:PutObject']
    run(assume(new_role(*least['Statement'])))
    for missing in actions:
        fewer = [{**s, 'Action': [a for a in s['Action'] if a != missing]} for s in least['Statement']]
        with pytest.raises(ClientError):
            run(assume(new_role(*[s for s in fewer if s['Action']])))


def kafka_settings(mekong, cluster, credentials):
    """Of a librdkafka client that signs as this session."""
    class Fixed(CredentialProvider):
        def load(self):
            return Credentials(credentials['AccessKeyId'], credentials['SecretAccessKey'], credentials['SessionToken'])

    def token(_):
        value, expires_ms = MSKAuthTokenProvider.generate_auth_token_from_credentials_provider('us-east-2', Fixed())
        return value, expires_ms / 1000
    return {'bootstrap.servers': brokers_of(mekong, cluster), 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'OAUTHBEARER',
            'ssl.ca.location': mekong.env()['AWS_CA_BUNDLE'], 'oauth_cb': token, 'reconnect.backoff.max.ms': 300,
            'log_level': 0}


def test_the_least_policy_of_a_run_over_kafka(mekong, new_role, assume):
    """The same over Kafka: a topic made, written and read by a group; without any one action something is refused, and
    `mekong why` tells of it."""
    cluster, refusals = serverless_cluster(mekong, name('least')), []

    def run(credentials, topic):
        settings = kafka_settings(mekong, cluster, credentials)
        try:
            admin = AdminClient(settings)
            admin.poll(1)  # the token
            admin.create_topics([NewTopic(topic, 1, 3)], request_timeout=3)[topic].result(5)
            producer = Producer({**settings, 'message.timeout.ms': 3000})
            producer.produce(topic, b'x', on_delivery=lambda error, _: refusals.append(error) if error else None)
            producer.flush()
            if refusals:
                return
            consumer = Consumer({**settings, 'group.id': 'group-' + topic, 'auto.offset.reset': 'earliest'})
            consumer.subscribe([topic])
            got = next((m for m in (consumer.poll(1) for _ in range(6)) if m is not None), None)
            if got is None or got.error():
                refusals.append(got)
            else:
                consumer.commit(got, asynchronous=False)
            consumer.close()
        except KafkaException as refused:
            refusals.append(refused)
    arn = new_role(allow('*'))
    assert mekong.command('policy', 'record').returncode == 0
    run(assume(arn), 'least-0')
    assert mekong.command('policy', 'stop').returncode == 0
    assert not refusals
    written = mekong.command('policy', 'write', arn).stdout.replace('least-0', 'least-*')
    least = json.loads(written)['Statement']
    # What CreateTopics tells besides, where it may: the topic is made without it.
    besides = 'kafka-cluster:DescribeTopicDynamicConfiguration'
    least = [{**s, 'Action': [a for a in s['Action'] if a != besides]} for s in least]
    least = [s for s in least if s['Action']]
    actions = sorted(a for s in least for a in s['Action'])
    assert {'kafka-cluster:Connect', 'kafka-cluster:WriteData', 'kafka-cluster:ReadData'} < set(actions)
    run(assume(new_role(*least)), 'least-1')
    assert not refusals
    for number, missing in enumerate(actions, 2):
        fewer = [{**s, 'Action': [a for a in s['Action'] if a != missing]} for s in least]
        refusals.clear()
        run(assume(new_role(*[s for s in fewer if s['Action']])), f'least-{number}')
        assert refusals, missing
        assert missing in mekong.command('why').stdout, missing


def test_a_policy_change_is_in_force_on_an_open_kafka_connection(mekong, aws, new_role, assume):
    arn, iam = new_role(allow('*')), aws('iam')
    settings, refusals = kafka_settings(mekong, serverless_cluster(mekong, name('change')), assume(arn)), []
    admin = AdminClient(settings)
    admin.poll(1)  # the token
    admin.create_topics([NewTopic('t', 1, 3)])['t'].result(10)
    producer = Producer({**settings, 'message.timeout.ms': 5000, 'topic.metadata.refresh.interval.ms': 200})

    def outcome():
        refusals.clear()
        try:
            producer.produce('t', b'x', on_delivery=lambda error, _: refusals.append(error.name() if error else 'done'))
        except KafkaException as refused:  # what the client remembers of before, until it asks for the topic again
            producer.poll(0.1)
            return refused.args[0].name()
        producer.flush(10)
        return refusals[0]
    assert outcome() == 'done'
    deny = policy({'Effect': 'Deny', 'Action': 'kafka-cluster:WriteData', 'Resource': '*'})
    iam.put_role_policy(RoleName=arn.split('/')[1], PolicyName='deny', PolicyDocument=deny)
    assert outcome() == 'TOPIC_AUTHORIZATION_FAILED'
    iam.delete_role_policy(RoleName=arn.split('/')[1], PolicyName='deny')
    assert 'done' in (outcome() for _ in range(100))


def test_sessions_survive_a_restart(own_mekong):
    iam = own_mekong.client('iam')
    trust = {'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': 'sts:AssumeRole'}
    arn = iam.create_role(RoleName='r', AssumeRolePolicyDocument=policy(trust))['Role']['Arn']
    session = own_mekong.client('sts').assume_role(RoleArn=arn, RoleSessionName='test')['Credentials']
    own_mekong.kill()
    own_mekong.start()
    assert own_mekong.client('sts', **session).get_caller_identity()['Arn'].endswith('assumed-role/r/test')
    own_mekong.client('iam').delete_role(RoleName='r')
    assert code_of(own_mekong.client('sts', **session).get_caller_identity) == 'InvalidClientTokenId'
