"""Who calls, and what a refused call said: for every service's tests."""
import json
import uuid

import pytest
from botocore.exceptions import ClientError

TRUST_ANYONE_HERE = json.dumps({'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': 'sts:AssumeRole'}]})


def code_of(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response['Error']['Code']


def allow(actions, resources='*', **conditions):
    """A policy statement; conditions are operators: StringEquals={'aws:RequestTag/team': 'a'}."""
    statement = {'Effect': 'Allow', 'Action': actions, 'Resource': resources}
    return {**statement, 'Condition': conditions} if conditions else statement


def role_session(mekong, policy=None):
    """Credentials of a new role with this policy, a list of statements: mekong.client(service, **credentials)."""
    name = 'role-' + uuid.uuid4().hex[:8]
    iam = mekong.client('iam')
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_ANYONE_HERE)['Role']['Arn']
    if policy:
        iam.put_role_policy(RoleName=name, PolicyName='p', PolicyDocument=json.dumps(
            {'Version': '2012-10-17', 'Statement': policy}))
    return mekong.client('sts').assume_role(RoleArn=arn, RoleSessionName='test')['Credentials']
