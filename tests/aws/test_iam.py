"""IAM by boto3: every family from birth to death, its errors, its pages, and that what it says is in force."""
import csv
import io
import json
import uuid

import pytest
from botocore.exceptions import ClientError

TRUST = json.dumps({'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': 'sts:AssumeRole'}]})
AWS_READ_ONLY = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess'


def policy(effect='Allow', action='s3:*', resource='*', **more):
    return json.dumps({'Version': '2012-10-17', 'Statement': [
        {'Effect': effect, 'Action': action, 'Resource': resource, **more}]})


def code_of(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response['Error']['Code']


def name(kind='x'):
    return f'{kind}-{uuid.uuid4().hex[:8]}'


@pytest.fixture
def iam(aws):
    return aws('iam')


@pytest.fixture
def user(mekong, iam):
    """A new user: its name, and clients that are it."""
    who = name('user')
    iam.create_user(UserName=who)
    key = iam.create_access_key(UserName=who)['AccessKey']

    class User:
        user_name, key_id = who, key['AccessKeyId']

        @staticmethod
        def client(service):
            return mekong.client(service, AccessKeyId=key['AccessKeyId'], SecretAccessKey=key['SecretAccessKey'])
    return User


def test_groups_give_their_policies_to_members(iam, user):
    group = name('group')
    made = iam.create_group(GroupName=group, Path='/team/')['Group']
    assert made['Arn'].endswith(f':group/team/{group}') and made['GroupId'].startswith('AGPA')
    assert code_of(iam.create_group, GroupName=group.upper()) == 'EntityAlreadyExists'
    assert code_of(user.client('iam').list_roles) == 'AccessDenied'
    iam.put_group_policy(GroupName=group, PolicyName='p', PolicyDocument=policy(action='iam:List*'))
    iam.add_user_to_group(GroupName=group, UserName=user.user_name)
    user.client('iam').list_roles()  # in force for the next request
    assert [u['UserName'] for u in iam.get_group(GroupName=group)['Users']] == [user.user_name]
    assert [g['GroupName'] for g in iam.list_groups_for_user(UserName=user.user_name)['Groups']] == [group]
    assert code_of(iam.delete_group, GroupName=group) == 'DeleteConflict'
    assert code_of(iam.delete_user, UserName=user.user_name) == 'DeleteConflict'
    renamed = name('group')
    iam.update_group(GroupName=group, NewGroupName=renamed)
    user.client('iam').list_roles()
    iam.attach_group_policy(GroupName=renamed, PolicyArn=AWS_READ_ONLY)
    assert iam.list_attached_group_policies(GroupName=renamed)['AttachedPolicies'][0]['PolicyArn'] == AWS_READ_ONLY
    iam.detach_group_policy(GroupName=renamed, PolicyArn=AWS_READ_ONLY)
    assert iam.list_group_policies(GroupName=renamed)['PolicyNames'] == ['p']
    iam.delete_group_policy(GroupName=renamed, PolicyName='p')
    assert code_of(iam.get_group_policy, GroupName=renamed, PolicyName='p') == 'NoSuchEntity'
    assert code_of(user.client('iam').list_roles) == 'AccessDenied'
    iam.remove_user_from_group(GroupName=renamed, UserName=user.user_name)
    iam.delete_group(GroupName=renamed)
    assert code_of(iam.get_group, GroupName=renamed) == 'NoSuchEntity'


def test_keys_turn_off_and_tell_their_last_use(iam, user):
    assert 'LastUsedDate' not in iam.get_access_key_last_used(AccessKeyId=user.key_id)['AccessKeyLastUsed']
    user.client('sts').get_caller_identity()
    last = iam.get_access_key_last_used(AccessKeyId=user.key_id)
    assert last['UserName'] == user.user_name and last['AccessKeyLastUsed']['ServiceName'] == 'sts'
    second = iam.create_access_key(UserName=user.user_name)['AccessKey']
    assert code_of(iam.create_access_key, UserName=user.user_name) == 'LimitExceeded'
    iam.update_access_key(UserName=user.user_name, AccessKeyId=user.key_id, Status='Inactive')
    assert code_of(user.client('sts').get_caller_identity) == 'InvalidClientTokenId'
    states = {k['AccessKeyId']: k['Status'] for k in iam.list_access_keys(UserName=user.user_name)['AccessKeyMetadata']}
    assert states == {user.key_id: 'Inactive', second['AccessKeyId']: 'Active'}
    iam.update_access_key(UserName=user.user_name, AccessKeyId=user.key_id, Status='Active')
    user.client('sts').get_caller_identity()
    assert code_of(iam.delete_access_key, UserName=user.user_name, AccessKeyId='AKIAIOSFODNN7NOTHERE') == 'NoSuchEntity'


def test_users_are_renamed_with_their_keys(iam, user):
    renamed = name('user')
    iam.update_user(UserName=user.user_name, NewUserName=renamed, NewPath='/moved/')
    assert user.client('sts').get_caller_identity()['Arn'].endswith(f':user/moved/{renamed}')
    assert code_of(iam.get_user, UserName=user.user_name) == 'NoSuchEntity'


def test_managed_policies_have_versions(iam, user):
    made = iam.create_policy(PolicyName=name('p'), PolicyDocument=policy(action='iam:ListRoles'),
                             Tags=[{'Key': 'team', 'Value': 'a'}])['Policy']
    arn = made['Arn']
    iam.attach_user_policy(UserName=user.user_name, PolicyArn=arn)
    user.client('iam').list_roles()
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(action='iam:ListUsers'), SetAsDefault=True)
    assert code_of(user.client('iam').list_roles) == 'AccessDenied'
    user.client('iam').list_users()
    iam.set_default_policy_version(PolicyArn=arn, VersionId='v1')
    user.client('iam').list_roles()
    for _ in range(3):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy())
    assert code_of(iam.create_policy_version, PolicyArn=arn, PolicyDocument=policy()) == 'LimitExceeded'
    assert code_of(iam.delete_policy_version, PolicyArn=arn, VersionId='v1') == 'DeleteConflict'
    iam.delete_policy_version(PolicyArn=arn, VersionId='v3')
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy())['PolicyVersion']['VersionId'] == 'v6'
    versions = iam.list_policy_versions(PolicyArn=arn)['Versions']
    assert sorted(v['VersionId'] for v in versions) == ['v1', 'v2', 'v4', 'v5', 'v6']
    assert iam.get_policy_version(PolicyArn=arn, VersionId='v1')['PolicyVersion']['Document']['Statement'][0][
        'Action'] == 'iam:ListRoles'
    assert iam.list_entities_for_policy(PolicyArn=arn)['PolicyUsers'][0]['UserName'] == user.user_name
    assert iam.list_policy_tags(PolicyArn=arn)['Tags'] == [{'Key': 'team', 'Value': 'a'}]
    assert code_of(iam.delete_policy, PolicyArn=arn) == 'DeleteConflict'
    iam.detach_user_policy(UserName=user.user_name, PolicyArn=arn)
    assert code_of(iam.delete_policy, PolicyArn=arn) == 'DeleteConflict'  # its versions
    for version in ('v2', 'v4', 'v5', 'v6'):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    iam.delete_policy(PolicyArn=arn)
    assert code_of(iam.get_policy, PolicyArn=arn) == 'NoSuchEntity'


def test_boundaries_narrow(iam, user):
    iam.put_user_policy(UserName=user.user_name, PolicyName='all', PolicyDocument=policy(action='*'))
    iam.put_user_permissions_boundary(UserName=user.user_name, PermissionsBoundary=AWS_READ_ONLY)
    assert code_of(user.client('iam').list_roles) == 'AccessDenied'
    user.client('s3').list_buckets()
    assert iam.get_user(UserName=user.user_name)['User']['PermissionsBoundary'] == {
        'PermissionsBoundaryType': 'Policy', 'PermissionsBoundaryArn': AWS_READ_ONLY}
    assert user.user_name in [u['UserName'] for u in iam.list_entities_for_policy(
        PolicyArn=AWS_READ_ONLY, PolicyUsageFilter='PermissionsBoundary')['PolicyUsers']]
    iam.delete_user_permissions_boundary(UserName=user.user_name)
    user.client('iam').list_roles()
    assert code_of(iam.put_user_permissions_boundary, UserName=user.user_name,
                   PermissionsBoundary=AWS_READ_ONLY + 'x') == 'NoSuchEntity'


def test_tags_decide(iam, user):
    mine, other = name('role'), name('role')
    iam.create_role(RoleName=mine, AssumeRolePolicyDocument=TRUST, Tags=[{'Key': 'owner', 'Value': user.user_name}])
    iam.create_role(RoleName=other, AssumeRolePolicyDocument=TRUST)
    iam.put_user_policy(UserName=user.user_name, PolicyName='p', PolicyDocument=policy(
        action='iam:*', Condition={'StringEquals': {'aws:ResourceTag/owner': '${aws:username}'}}))
    user.client('iam').get_role(RoleName=mine)
    assert code_of(user.client('iam').get_role, RoleName=other) == 'AccessDenied'
    iam.tag_role(RoleName=mine, Tags=[{'Key': 'OWNER', 'Value': 'another'}])  # keys are equal without case
    assert iam.list_role_tags(RoleName=mine)['Tags'] == [{'Key': 'OWNER', 'Value': 'another'}]
    assert code_of(user.client('iam').get_role, RoleName=mine) == 'AccessDenied'
    iam.untag_role(RoleName=mine, TagKeys=['owner'])
    assert iam.list_role_tags(RoleName=mine)['Tags'] == []
    assert code_of(iam.tag_role, RoleName=mine, Tags=[{'Key': 'a', 'Value': ''}, {'Key': 'A', 'Value': ''}]) == 'InvalidInput'


def test_instance_profiles_take_one_role(iam):
    profile, role = name('profile'), name('role')
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName=profile, Path='/p/')
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    assert code_of(iam.add_role_to_instance_profile, InstanceProfileName=profile, RoleName=role) == 'LimitExceeded'
    got = iam.get_instance_profile(InstanceProfileName=profile)['InstanceProfile']
    assert [r['RoleName'] for r in got['Roles']] == [role] and got['InstanceProfileId'].startswith('AIPA')
    assert iam.list_instance_profiles_for_role(RoleName=role)['InstanceProfiles'][0]['Arn'] == got['Arn']
    assert code_of(iam.delete_role, RoleName=role) == 'DeleteConflict'
    assert code_of(iam.delete_instance_profile, InstanceProfileName=profile) == 'DeleteConflict'
    iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role)
    iam.delete_instance_profile(InstanceProfileName=profile)
    iam.delete_role(RoleName=role)


def test_providers(iam):
    host = name('issuer') + '.example.com'
    arn = iam.create_open_id_connect_provider(Url='https://' + host, ClientIDList=['app'],
                                              ThumbprintList=['0' * 40])['OpenIDConnectProviderArn']
    assert arn.endswith(':oidc-provider/' + host)
    assert code_of(iam.create_open_id_connect_provider, Url='https://' + host) == 'EntityAlreadyExists'
    assert code_of(iam.create_open_id_connect_provider, Url='http://' + host) == 'InvalidInput'
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID='second')
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID='app')
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=['a' * 40])
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{'Key': 'k', 'Value': 'v'}])
    got = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (got['Url'], got['ClientIDList'], got['ThumbprintList']) == (host, ['second'], ['a' * 40])
    assert arn in [p['Arn'] for p in iam.list_open_id_connect_providers()['OpenIDConnectProviderList']]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert code_of(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn) == 'NoSuchEntity'

    metadata = ('<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="e">'
                + ' ' * 1000 + '</EntityDescriptor>')
    saml = iam.create_saml_provider(Name=name('idp'), SAMLMetadataDocument=metadata)['SAMLProviderArn']
    assert iam.get_saml_provider(SAMLProviderArn=saml)['SAMLMetadataDocument'] == metadata
    assert code_of(iam.update_saml_provider, SAMLProviderArn=saml, SAMLMetadataDocument='<a>' + ' ' * 1000) == 'InvalidInput'
    assert saml in [p['Arn'] for p in iam.list_saml_providers()['SAMLProviderList']]
    iam.delete_saml_provider(SAMLProviderArn=saml)


def test_service_linked_roles_belong_to_their_service(iam):
    role = iam.create_service_linked_role(AWSServiceName='kafka.amazonaws.com')['Role']
    assert role['Path'] == '/aws-service-role/kafka.amazonaws.com/'
    assert code_of(iam.create_service_linked_role, AWSServiceName='kafka.amazonaws.com') == 'InvalidInput'
    assert code_of(iam.put_role_policy, RoleName=role['RoleName'], PolicyName='p',
                   PolicyDocument=policy()) == 'UnmodifiableEntity'
    assert code_of(iam.delete_role, RoleName=role['RoleName']) == 'UnmodifiableEntity'
    task = iam.delete_service_linked_role(RoleName=role['RoleName'])['DeletionTaskId']
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)['Status'] == 'SUCCEEDED'
    assert code_of(iam.get_role, RoleName=role['RoleName']) == 'NoSuchEntity'
    assert code_of(iam.create_service_linked_role, AWSServiceName='nothing.amazonaws.com') == 'InvalidInput'


def test_the_account_tells_of_itself(iam, user):
    alias = name('alias')
    iam.create_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()['AccountAliases'] == [alias]
    iam.delete_account_alias(AccountAlias=alias)
    assert code_of(iam.delete_account_alias, AccountAlias=alias) == 'NoSuchEntity'
    for wrong in ('Alias', 'al--ias', '-alias', 'alias-', 'al_ias'):
        assert code_of(iam.create_account_alias, AccountAlias=wrong) == 'ValidationError', wrong
    assert code_of(iam.list_users, Marker='never handed out') == 'ValidationError'
    summary = iam.get_account_summary()['SummaryMap']
    assert summary['Users'] >= 1 and summary['AttachedPoliciesPerUserQuota'] == 10

    iam.put_user_policy(UserName=user.user_name, PolicyName='p', PolicyDocument=policy())
    iam.attach_user_policy(UserName=user.user_name, PolicyArn=AWS_READ_ONLY)
    users, policies = [], []
    for page in iam.get_paginator('get_account_authorization_details').paginate(PaginationConfig={'PageSize': 2}):
        users += page['UserDetailList']
        policies += page['Policies']
    mine = next(u for u in users if u['UserName'] == user.user_name)
    assert mine['UserPolicyList'][0]['PolicyDocument']['Statement'][0]['Action'] == 's3:*'
    assert AWS_READ_ONLY in [p['Arn'] for p in policies]
    only = iam.get_account_authorization_details(Filter=['Group'])
    assert not only['UserDetailList'] and not only['Policies']

    assert iam.generate_credential_report()['State'] in ('STARTED', 'COMPLETE')
    assert iam.generate_credential_report()['State'] == 'COMPLETE'
    rows = list(csv.DictReader(io.StringIO(iam.get_credential_report()['Content'].decode())))
    assert rows[0]['user'] == '<root_account>' and len(rows[0]) == 22 and None not in rows[0].values()


def test_pages(iam):
    prefix = f'/{name("page")}/'
    names = [name('role') for _ in range(5)]
    for each in names:
        iam.create_role(RoleName=each, AssumeRolePolicyDocument=TRUST, Path=prefix)
    pages = list(iam.get_paginator('list_roles').paginate(PathPrefix=prefix, PaginationConfig={'PageSize': 2}))
    assert [len(p['Roles']) for p in pages] == [2, 2, 1]
    assert [r['RoleName'] for p in pages for r in p['Roles']] == sorted(names)
    aws_owned = sum(len(p['Policies']) for p in iam.get_paginator('list_policies').paginate(Scope='AWS'))
    assert aws_owned > 1000


def test_documents_are_checked_when_written(iam, user):
    with pytest.raises(ClientError) as refused:
        iam.create_policy(PolicyName=name(), PolicyDocument='{"Version": "2012-10-17",\n "Statement": [}')
    assert refused.value.response['Error']['Code'] == 'MalformedPolicyDocument'
    assert '(2, 16)' in str(refused.value)
    for bad in (policy(effect='Maybe'), policy(action='nothing'), policy(resource='bucket'),
                policy(Condition={'StringAlmost': {'aws:username': 'x'}}), policy(Principal='*')):
        assert code_of(iam.put_user_policy, UserName=user.user_name, PolicyName='p',
                       PolicyDocument=bad) == 'MalformedPolicyDocument'
    long = policy(resource=[f'arn:aws:s3:::bucket-number-{i}/*' for i in range(100)])
    assert code_of(iam.put_user_policy, UserName=user.user_name, PolicyName='p', PolicyDocument=long) == 'LimitExceeded'
    assert code_of(iam.create_user, UserName='no spaces') == 'ValidationError'


def test_the_simulator_decides_as_the_server(iam, user):
    iam.put_user_policy(UserName=user.user_name, PolicyName='p', PolicyDocument=policy(
        action='s3:GetObject', Condition={'StringEquals': {'aws:RequestedRegion': 'us-east-2'}}))
    iam.put_user_policy(UserName=user.user_name, PolicyName='no', PolicyDocument=policy(
        effect='Deny', resource='arn:aws:s3:::b/secret'))
    arn = iam.get_user(UserName=user.user_name)['User']['Arn']

    def ask(action, resource, **more):
        result, = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource],
                                                **more)['EvaluationResults']
        return result
    region = [{'ContextKeyName': 'aws:RequestedRegion', 'ContextKeyValues': ['us-east-2'], 'ContextKeyType': 'string'}]
    assert ask('s3:GetObject', 'arn:aws:s3:::b/k', ContextEntries=region)['EvalDecision'] == 'allowed'
    missing = ask('s3:GetObject', 'arn:aws:s3:::b/k')
    assert missing['EvalDecision'] == 'implicitDeny' and missing['MissingContextValues'] == ['aws:RequestedRegion']
    denied = ask('s3:GetObject', 'arn:aws:s3:::b/secret', ContextEntries=region)
    assert denied['EvalDecision'] == 'explicitDeny'
    assert denied['MatchedStatements'][0]['SourcePolicyId'] == 'no'
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)['ContextKeyNames'] == ['aws:RequestedRegion']
    # The example of the CLI's reference, with its positions.
    document = ('{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*",'
                '"Condition":{"DateGreaterThan":{"aws:CurrentTime":"2015-08-16T12:00:00Z"}}}}')
    result, = iam.simulate_custom_policy(
        PolicyInputList=[document], ActionNames=['dynamodb:CreateBackup'],
        ContextEntries=[{'ContextKeyName': 'aws:CurrentTime', 'ContextKeyValues': ['2019-04-25T11:00:00Z'],
                         'ContextKeyType': 'date'}])['EvaluationResults']
    assert result['EvalDecision'] == 'allowed' and result['MatchedStatements'] == [{
        'SourcePolicyId': 'PolicyInputList.1', 'SourcePolicyType': 'IAM Policy',
        'StartPosition': {'Line': 1, 'Column': 38}, 'EndPosition': {'Line': 1, 'Column': 167}}]
    bounded, = iam.simulate_custom_policy(
        PolicyInputList=[policy(action='*')], PermissionsBoundaryPolicyInputList=[policy(action='s3:*')],
        ActionNames=['sqs:SendMessage'])['EvaluationResults']
    assert bounded['EvalDecision'] == 'implicitDeny'
    assert bounded['PermissionsBoundaryDecisionDetail'] == {'AllowedByPermissionsBoundary': False}


def test_a_user_is_deleted_whole(mekong, iam, user):
    """What Terraform's force_destroy asks for before DeleteUser."""
    at, own = {'UserName': user.user_name}, user.client('iam')
    for call in (own.list_mfa_devices, own.list_ssh_public_keys, own.delete_login_profile):
        assert code_of(call, **at) == 'AccessDenied'
    assert code_of(own.list_virtual_mfa_devices) == 'AccessDenied'
    assert code_of(own.list_service_specific_credentials, AllUsers=True) == 'AccessDenied'
    iam.put_user_policy(UserName=user.user_name, PolicyName='p', PolicyDocument=policy(
        action='iam:List*', resource='arn:aws:iam::*:user/${aws:username}'))
    assert own.list_mfa_devices()['MFADevices'] == []  # of the caller
    assert code_of(own.list_mfa_devices, UserName='no-such-user') == 'AccessDenied'
    assert code_of(iam.list_mfa_devices, UserName='no-such-user') == 'NoSuchEntity'
    iam.delete_user_policy(UserName=user.user_name, PolicyName='p')

    iam.delete_access_key(UserName=user.user_name, AccessKeyId=user.key_id)
    assert iam.list_mfa_devices(**at)['MFADevices'] == []
    assert iam.list_virtual_mfa_devices(AssignmentStatus='Any')['VirtualMFADevices'] == []
    assert iam.list_ssh_public_keys(**at)['SSHPublicKeys'] == []
    assert iam.list_signing_certificates(**at)['Certificates'] == []
    assert iam.list_service_specific_credentials(**at)['ServiceSpecificCredentials'] == []
    assert code_of(iam.delete_login_profile, **at) == code_of(iam.get_login_profile, **at) == 'NoSuchEntity'
    iam.delete_user(**at)


def test_the_account_has_a_password_policy(iam, user):
    iam.update_account_password_policy(MinimumPasswordLength=14, RequireSymbols=True, MaxPasswordAge=90, HardExpiry=False)
    usual = dict.fromkeys(['RequireNumbers', 'RequireUppercaseCharacters', 'RequireLowercaseCharacters',
                           'AllowUsersToChangePassword', 'RequireSymbols', 'ExpirePasswords'], False)
    assert iam.get_account_password_policy()['PasswordPolicy'] == {
        **usual, 'MinimumPasswordLength': 14, 'RequireSymbols': True, 'MaxPasswordAge': 90, 'ExpirePasswords': True,
        'HardExpiry': False}
    for wrong in ({'MinimumPasswordLength': 129}, {'MaxPasswordAge': 1096}, {'PasswordReusePrevention': 25}):
        assert code_of(iam.update_account_password_policy, **wrong) == 'ValidationError', wrong
    iam.update_account_password_policy(PasswordReusePrevention=24)  # the rest falls back
    assert iam.get_account_password_policy()['PasswordPolicy'] == {
        **usual, 'MinimumPasswordLength': 6, 'PasswordReusePrevention': 24}
    theirs = user.client('iam')
    for call in (theirs.update_account_password_policy, theirs.get_account_password_policy,
                 theirs.delete_account_password_policy):
        assert code_of(call) == 'AccessDenied'
    iam.delete_account_password_policy()
    assert code_of(iam.get_account_password_policy) == code_of(iam.delete_account_password_policy) == 'NoSuchEntity'


def test_everything_survives_a_restart(own_mekong):
    iam = own_mekong.client('iam')
    iam.create_group(GroupName='g')
    iam.create_user(UserName='u')
    iam.add_user_to_group(GroupName='g', UserName='u')
    iam.create_role(RoleName='r', AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName='p')
    iam.add_role_to_instance_profile(InstanceProfileName='p', RoleName='r')
    iam.create_account_alias(AccountAlias='an-alias')
    iam.update_account_password_policy(MinimumPasswordLength=20)
    arn = iam.create_open_id_connect_provider(Url='https://issuer.example.com')['OpenIDConnectProviderArn']
    own_mekong.kill()
    own_mekong.start()
    iam = own_mekong.client('iam')
    assert iam.get_group(GroupName='g')['Users'][0]['UserName'] == 'u'
    assert iam.get_instance_profile(InstanceProfileName='p')['InstanceProfile']['Roles'][0]['RoleName'] == 'r'
    assert iam.list_account_aliases()['AccountAliases'] == ['an-alias']
    assert iam.get_account_password_policy()['PasswordPolicy']['MinimumPasswordLength'] == 20
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)['Url'] == 'issuer.example.com'
