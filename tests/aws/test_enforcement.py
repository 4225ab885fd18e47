"""The operation tables against the policy engine: every built operation of every service is refused without a
policy, on another resource, under a condition that fails and by an explicit deny, and is let through by its own
action alone. And every operation refuses what carries no signature, a wrong one, or an unknown key. New operations are
in the table by being in models/."""
import json
import pathlib
import re
import uuid

import botocore
import botocore.config
import botocore.session
import pytest
import signing_forms  # noqa: F401
from botocore.exceptions import ClientError
from server import Mekong

MODELS = pathlib.Path(__file__).resolve().parents[2] / 'models'
DENIED = {'AccessDenied', 'AccessDeniedException', '403'}  # 403: of a HEAD, whose reply has no body
NO_CALLER = {'MissingAuthenticationToken', 'MissingAuthenticationTokenException', 'AccessDenied', '403'}
WRONG_SIGNATURE = {'SignatureDoesNotMatch', 'InvalidSignatureException', '403'}
UNKNOWN_KEY = {'InvalidClientTokenId', 'UnrecognizedClientException', 'InvalidAccessKeyId', '403'}
# AWS answers these before it looks at any policy.
BEFORE_POLICIES = {('sts', 'GetCallerIdentity'), ('sts', 'GetSessionToken')}
# Refused key by key, inside of a reply that is a success; where the bucket is not there, that is what AWS says first.
BY_TOKEN = {('sts', 'AssumeRoleWithWebIdentity')}
# What an operation needs besides its own action.
BESIDES = {('s3', 'GetObjectAttributes'): ['s3:GetObject']}
KEY_BY_KEY = {('s3', 'DeleteObjects')}
ANYONE = json.dumps({'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': 'sts:AssumeRole'}]})


def allow(action='*', resource='*', **more):
    return {'Effect': 'Allow', 'Action': action, 'Resource': resource, **more}


# The principals that may not, by what their policy lacks.
WITHOUT = {
    'no policy': None,
    'wrong resource': [allow(resource='arn:aws:nothing:::here')],
    'wrong condition': [allow(Condition={'IpAddress': {'aws:SourceIp': '192.0.2.0/24'}})],
    'explicit deny': [allow(), {'Effect': 'Deny', 'Action': '*', 'Resource': '*'}],
}


def operations():
    """(botocore's service, operation, IAM actions) of every line in models/."""
    for path in sorted(MODELS.glob('*.txt')):
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith('#')]
        if not lines[0].startswith('service '):
            continue
        for line in lines[1:]:
            words = line.split()
            actions = [w.split('=', 1)[1] for w in words if w.startswith('action=')]
            if any(w.startswith('passrole=') for w in words):
                actions.append('iam:PassRole')
            yield lines[0].split()[1], words[0], actions


SESSION = botocore.session.get_session()
LOADED = {}


def model_of(service):
    if service not in LOADED:
        LOADED[service] = SESSION.get_service_model(service)
    return LOADED[service]


RESOURCES = {  # what each service tags
    'emr-serverless': 'arn:aws:emr-serverless:us-east-2:{account}:/applications/0000000000000000',
    'glue': 'arn:aws:glue:us-east-2:{account}:database/nothing',
    'kafka': 'arn:aws:kafka:us-east-2:{account}:cluster/nothing/00000000-0000-0000-0000-000000000000-1',
    'athena': 'arn:aws:athena:us-east-2:{account}:workgroup/nothing',
}
TEXTS = {  # by the end of the member's name, longest first
    'samlmetadatadocument': '<EntityDescriptor>' + ' ' * 1000 + '</EntityDescriptor>',
    'assumerolepolicydocument': ANYONE, 'webidentitytoken': 'token', 'url': 'https://issuer.example.com',
    'policydocument': json.dumps({'Version': '2012-10-17', 'Statement': allow()}),
    'policyinputlist': json.dumps({'Version': '2012-10-17', 'Statement': allow()}),
    'policyarn': 'arn:aws:iam::{account}:policy/nothing', 'permissionsboundary': 'arn:aws:iam::{account}:policy/nothing',
    'policysourcearn': 'arn:aws:iam::{account}:user/nothing', 'rolearn': 'arn:aws:iam::{account}:role/nothing',
    'samlproviderarn': 'arn:aws:iam::{account}:saml-provider/nothing',
    'openidconnectproviderarn': 'arn:aws:iam::{account}:oidc-provider/nothing.example.com',
    'clusterarn': 'arn:aws:kafka:us-east-2:{account}:cluster/nothing/00000000-0000-0000-0000-000000000000-1',
    'actionnames': 's3:GetObject', 'thumbprintlist': '0' * 40, 'accesskeyid': 'AKIAIOSFODNN7EXAMPLE',
    'copysource': 'nothing-here/k', 'applicationid': '0' * 16, 'jobrunid': '0' * 16, 'status': 'Active',
    'awsservicename': 'kafka.amazonaws.com', 'deletiontaskid': 'task/aws-service-role/kafka.amazonaws.com/nothing',
    'encodedmessage': 'message', 'releaselabel': 'emr-7.0.0', 'maxitems': '1', 'subnetids': 'subnet-0',
    'accountid': '{account}', 'querystring': 'select 1', 'bucket': 'nothing-here', 'versionid': 'v1', 'uploadid': 'nothing',
}


def value_of(shape, name, account, seen=()):
    if shape.type_name == 'structure':
        if shape.name in seen:
            return {}
        return {m: value_of(shape.members[m], m, account, (*seen, shape.name)) for m in shape.required_members}
    if shape.type_name == 'list':
        return [value_of(shape.member, name, account, seen)]
    if shape.type_name == 'map':
        return {'k': value_of(shape.value, name, account, seen)}
    if shape.type_name == 'string':
        if shape.enum:
            return shape.enum[0]
        for end in sorted(TEXTS, key=len, reverse=True):
            if name.lower().endswith(end):
                return TEXTS[end].format(account=account) if '{account}' in TEXTS[end] else TEXTS[end]
        return 'nothing'.ljust(int(shape.metadata.get('min', 0)), '0')
    return {'integer': max(1, int(shape.metadata.get('min', 1))), 'long': 1, 'boolean': False, 'blob': b'x',
            'timestamp': '2026-01-01T00:00:00Z', 'double': 1.0, 'float': 1.0}[shape.type_name]


# Members that the service needs without the model saying so.
MORE = {
    ('kafka', 'CreateClusterV2'): {'ClusterName': 'nothing', 'Serverless': {
        'VpcConfigs': [{'SubnetIds': ['subnet-0']}], 'ClientAuthentication': {'Sasl': {'Iam': {'Enabled': True}}}}},
    ('emr-serverless', 'StartJobRun'): {'jobDriver': {'sparkSubmit': {'entryPoint': 's3://nothing-here/x.py'}}},
}


def call(client, service, operation, account):
    """The error's code; "" for success."""
    model = model_of(service).operation_model(operation)
    arguments = value_of(model.input_shape, '', account) if model.input_shape else {}
    arguments.update(MORE.get((service, operation), {}))
    for name in arguments:
        if name.lower() == 'resourcearn':
            arguments[name] = RESOURCES[service].format(account=account)
    try:
        getattr(client, botocore.xform_name(operation))(**arguments)
        return ''
    except ClientError as refused:
        return refused.response['Error']['Code']


TABLE = sorted(operations())
PLAIN = botocore.config.Config(retries={'max_attempts': 0}, parameter_validation=False)


def clients_for(mekong, credentials, config=PLAIN):
    session = mekong.session(**credentials)
    made = {}
    for service in sorted({service for service, *_ in TABLE}):
        made[service] = session.client(service, endpoint_url=mekong.url(service), config=config)
    return made


@pytest.fixture(scope='module')
def roles(own_server):
    """Assumes a new role with these statements."""
    mekong = own_server

    def make(statements):
        iam, role = mekong.client('iam'), 'role-' + uuid.uuid4().hex[:8]
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=ANYONE)['Role']['Arn']
        if statements:
            iam.put_role_policy(RoleName=role, PolicyName='p', PolicyDocument=json.dumps(
                {'Version': '2012-10-17', 'Statement': statements}))
        return arn
    return make


@pytest.fixture(scope='module')
def own_server(tmp_path_factory):
    server = Mekong(str(tmp_path_factory.mktemp('enforced') / 'data')).start()
    yield server
    server.stop()


@pytest.fixture(scope='module')
def account(own_server):
    return own_server.client('sts').get_caller_identity()['Account']


def what_is_there(mekong):
    details = mekong.client('iam').get_account_authorization_details(MaxItems=1000)
    return json.dumps([
        [sorted(u['UserName'] for u in details['UserDetailList']), sorted(r['RoleName'] for r in details['RoleDetailList']),
         sorted(g['GroupName'] for g in details['GroupDetailList']), sorted(p['Arn'] for p in details['Policies'])],
        [p['Arn'] for p in mekong.client('iam').list_open_id_connect_providers()['OpenIDConnectProviderList']],
        mekong.client('iam').list_account_aliases()['AccountAliases'],
        [b['Name'] for b in mekong.client('s3').list_buckets()['Buckets']],
        [d['Name'] for d in mekong.client('glue').get_databases()['DatabaseList']],
        [c['ClusterName'] for c in mekong.client('kafka').list_clusters_v2()['ClusterInfoList']],
        [a['name'] for a in mekong.client('emr-serverless').list_applications()['applications']],
    ])


def what_is_stored(mekong):
    """Every file of the data folder with its size and its last change, and how much the journal of the metadata has."""
    files = {str(path.relative_to(mekong.data)): path.stat() for path in pathlib.Path(mekong.data).rglob('*') if path.is_file()}
    journal = sum(stat.st_size for name, stat in files.items() if name.startswith('meta/') and name.endswith('.log'))
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in files.items() if not name.startswith('meta/')}, journal


@pytest.mark.parametrize('lacking', WITHOUT)
def test_every_operation_is_refused_without_permission(own_server, roles, account, lacking):
    arn = roles(WITHOUT[lacking])
    clients = clients_for(own_server, own_server.client('sts').assume_role(RoleArn=arn, RoleSessionName='test')['Credentials'])
    before, (files, journal) = what_is_there(own_server), what_is_stored(own_server)
    wrong = []
    for service, operation, _ in TABLE:
        if (service, operation) in BEFORE_POLICIES | KEY_BY_KEY | BY_TOKEN:
            continue
        code = call(clients[service], service, operation, account)
        if code not in DENIED:
            wrong.append(f'{service}:{operation} -> {code or "done"}')
    assert not wrong
    assert what_is_there(own_server) == before  # and nothing was touched
    files_after, journal_after = what_is_stored(own_server)
    assert files_after == files
    assert journal_after - journal < 1000  # when the role was last used, once a minute


def test_every_operation_is_let_through_by_its_own_action(own_server, roles, account):
    """Allowed: whatever else is said then (nothing of that name is there), it is not that permission is missing."""
    arn, sts, wrong = roles([allow()]), own_server.client('sts'), []
    session = own_server.session()
    used = session.get_credentials()  # which the clients hold: given others for each operation
    clients = {service: session.client(service, endpoint_url=own_server.url(service), config=PLAIN)
               for service in sorted({service for service, *_ in TABLE})}
    for service, operation, actions in TABLE:
        if (service, operation) in BEFORE_POLICIES | BY_TOKEN:
            continue
        got = sts.assume_role(RoleArn=arn, RoleSessionName='test', Policy=json.dumps(
            {'Version': '2012-10-17', 'Statement': [allow(
                [*actions, *BESIDES.get((service, operation), []), 's3:ListBucket', 'iam:PassRole'])]}))['Credentials']
        used.access_key, used.secret_key, used.token = got['AccessKeyId'], got['SecretAccessKey'], got['SessionToken']
        code = call(clients[service], service, operation, account)
        # What AWS says in these words of other reasons: a trust policy that is not there, keys of nobody.
        if code in DENIED and (service, operation) not in {('sts', 'AssumeRole'), ('sts', 'GetFederationToken'),
                                                           ('iam', 'GetAccessKeyLastUsed')}:
            wrong.append(f'{service}:{operation} -> {code}')
    assert not wrong


@pytest.mark.parametrize('form', ['unsigned', 'wrong secret', 'unknown key'])
def test_every_operation_wants_a_signature(own_server, account, form):
    config = PLAIN.merge(botocore.config.Config(signature_version=botocore.UNSIGNED)) if form == 'unsigned' else PLAIN
    secret = {'SecretAccessKey': 'wrong'} if form == 'wrong secret' else {}
    key = {'AccessKeyId': 'AKIAIOSFODNN7EXAMPLE', 'SecretAccessKey': 'wrong'} if form == 'unknown key' else {}
    expected = {'unsigned': NO_CALLER, 'wrong secret': WRONG_SIGNATURE, 'unknown key': UNKNOWN_KEY}[form]
    clients = clients_for(own_server, {**secret, **key}, config)
    wrong = []
    for service, operation, _ in TABLE:
        if (service, operation) in BY_TOKEN:
            continue
        code = call(clients[service], service, operation, account)
        if (service, operation) in KEY_BY_KEY and form == 'unsigned' and code == 'NoSuchBucket':
            continue
        if code not in expected:
            wrong.append(f'{service}:{operation} -> {code or "done"}')
    assert not wrong


# How a request may be signed beside the header over its whole body, by the services that take it so.
FORMS = {'presigned': ['s3'], 'v4-query': ['iam', 'sts'], 'chunks': ['s3'], 'trailer': ['s3']}


@pytest.mark.parametrize('form', FORMS)
def test_every_form_of_authentication_is_a_face_of_the_same_decision(own_server, roles, account, form):
    """Without permission refused; with a wrong signature (a wrong checksum, of the unsigned trailer) refused, whoever it
    is; and with both let through."""
    sts = own_server.client('sts')
    def session_of(statements):
        return sts.assume_role(RoleArn=roles(statements), RoleSessionName='test')['Credentials']
    poor, rich = session_of([]), session_of([allow()])
    config = PLAIN.merge(botocore.config.Config(signature_version=form))
    faulty = PLAIN.merge(botocore.config.Config(signature_version=form + '-wrong'))
    denied, wrong, allowed = (clients_for(own_server, who, how) for who, how in (
        (poor, config), (rich, faulty), (rich, config)))
    before, faults = what_is_there(own_server), []
    for service, operation, _ in TABLE:
        if service not in FORMS[form] or (service, operation) in BEFORE_POLICIES | KEY_BY_KEY | BY_TOKEN:
            continue
        refused = call(denied[service], service, operation, account)
        if refused not in DENIED:
            faults.append(f'{service}:{operation} -> {refused or "done"}')
        refused = call(wrong[service], service, operation, account)
        # Bodies that stream are read after the bucket was looked for.
        if refused not in WRONG_SIGNATURE | ({'BadDigest', 'NoSuchBucket', '400'} if form in ('chunks', 'trailer') else set()):
            faults.append(f'{service}:{operation}, wrong -> {refused or "done"}')
    assert not faults
    assert what_is_there(own_server) == before
    for service, operation in (('s3', 'ListBuckets'), ('s3', 'PutBucketTagging'), ('s3', 'PutObject'), ('iam', 'ListUsers')):
        if service in FORMS[form]:
            assert call(allowed[service], service, operation, account) in {'', 'NoSuchBucket'}


def test_an_unknown_form_is_refused(own_server, account):
    client = clients_for(own_server, {}, PLAIN.merge(botocore.config.Config(signature_version='unknown-form')))['s3']
    for service, operation, _ in TABLE:
        if service == 's3':
            assert call(client, service, operation, account) in {'InvalidRequest', '400'}, operation


def test_the_table_is_whole():
    assert len(TABLE) > 150
    for service, operation, actions in TABLE:
        assert re.fullmatch(r'none|[a-z0-9-]+:[A-Za-z0-9]+', actions[0]), (service, operation)


def test_no_secret_is_in_the_log(own_server, roles):
    session = own_server.client('sts').assume_role(RoleArn=roles([]), RoleSessionName='test')['Credentials']
    assert call(own_server.client('s3', **session), 's3', 'ListBuckets', '') == 'AccessDenied'
    said = pathlib.Path(own_server.data + '.log').read_text()
    assert said
    env = own_server.env()
    for secret in (env['AWS_SECRET_ACCESS_KEY'], session['SecretAccessKey'], session['SessionToken']):
        assert secret not in said
