"""Browser forms with a POST policy (PostObject): boto3's generate_presigned_post fills them, urllib sends them."""
import base64
import json
import re
import urllib.error
import urllib.request
import uuid

import pytest
from callers import allow, role_session


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def send(url, fields, file=b'held', filename='f.txt', more=()):
    """Status, headers and body of a form's reply."""
    body = b''
    for name, value in [*fields.items(), *more]:
        body += f'--b0undary\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    if file is not None:
        body += (f'--b0undary\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
                 'Content-Type: text/plain\r\n\r\n').encode() + file + b'\r\n'
    request = urllib.request.Request(url, body + b'--b0undary--\r\n',
                                     {'Content-Type': 'multipart/form-data; boundary=b0undary'})
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=60) as reply:
            return reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read()


def said(reply):
    """The error's code and message, both empty on success."""
    code, message = (re.search(f'<{tag}>(.*?)</{tag}>', reply[2].decode()) for tag in ('Code', 'Message'))
    return (code and code[1] or '', message and message[1] or '')


@pytest.fixture(scope='module')
def s3(mekong):
    return mekong.client('s3')


@pytest.fixture(scope='module')
def bucket(s3):
    name = 'forms-' + uuid.uuid4().hex[:8]
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={'LocationConstraint': s3.meta.region_name})
    return name


@pytest.fixture
def key():
    return 'user/' + uuid.uuid4().hex


def form(s3, bucket, key, fields=None, conditions=None, expires_s=60):
    """The URL and the fields of a form; extra fields come with the condition that they are so."""
    conditions = [{name: value} for name, value in (fields or {}).items()] if conditions is None else conditions
    made = s3.generate_presigned_post(bucket, key, Fields=dict(fields or {}), Conditions=conditions, ExpiresIn=expires_s)
    return made['url'], made['fields']


def gone(s3, bucket, key):
    return not s3.list_objects_v2(Bucket=bucket, Prefix=key).get('Contents')


def test_a_form_uploads_a_file_as_its_fields_say(s3, bucket, key):
    url, fields = form(s3, bucket, key, {'Content-Type': 'text/css', 'x-amz-meta-who': 'me', 'Cache-Control': 'no-store',
                                         'acl': 'private'})
    status, headers, body = send(url, fields)
    assert (status, body) == (204, b'') and headers['Location'].endswith('/' + key)
    got = s3.get_object(Bucket=bucket, Key=key)
    assert got['Body'].read() == b'held' and got['ETag'] == headers['ETag']
    assert (got['ContentType'], got['Metadata'], got['CacheControl']) == ('text/css', {'who': 'me'}, 'no-store')


def test_what_is_answered_is_chosen_by_the_form(s3, bucket, key):
    url, fields = form(s3, bucket, key, {'success_action_status': '201'})
    status, headers, body = send(url, fields)
    assert status == 201 and f'<Bucket>{bucket}</Bucket><Key>{key}</Key>'.encode() in body
    assert send(*form(s3, bucket, key, {'success_action_status': '200'}))[0] == 200
    assert send(*form(s3, bucket, key, {'success_action_status': '500'}))[0] == 204
    url, fields = form(s3, bucket, key, {'success_action_redirect': 'https://example.com/done?a=b'})
    status, headers, _ = send(url, fields)
    assert status == 303
    assert headers['Location'].startswith(f'https://example.com/done?a=b&bucket={bucket}&key=user%2F')
    injected = 'https://example.com/\r\nSet-Cookie: a=b'
    status, headers, _ = send(*form(s3, bucket, key, {'success_action_redirect': injected}))
    assert status == 204 and 'Set-Cookie' not in headers


def test_the_files_name_becomes_part_of_the_key(s3, bucket, key):
    url, fields = form(s3, bucket, key + '/${filename}')
    assert send(url, fields, filename='C:\\\\pictures\\\\cat.png')[0] == 204
    assert s3.head_object(Bucket=bucket, Key=key + '/cat.png')['ContentLength'] == 4


def test_post_policy_every_condition(s3, bucket, key):
    refused = [
        ({'x-amz-meta-a': 'b'}, [{'x-amz-meta-a': 'c'}], 'Policy Condition failed: ["eq", "$x-amz-meta-a", "c"]'),
        ({'x-amz-meta-a': 'b'}, [], 'Extra input fields: x-amz-meta-a'),
        ({'x-amz-meta-a': 'b'}, [['starts-with', '$x-amz-meta-a', 'c']],
         'Policy Condition failed: ["starts-with", "$x-amz-meta-a", "c"]'),
        ({'Content-Type': 'image/png,text/html'}, [['starts-with', '$Content-Type', 'image/']],
         'Policy Condition failed: ["starts-with", "$content-type", "image/"]'),
        ({}, [['eq', '$x-amz-meta-a', 'b']], 'Policy Condition failed: ["eq", "$x-amz-meta-a", "b"]'),
    ]
    for fields, conditions, message in refused:
        assert said(send(*form(s3, bucket, key, fields, conditions))) == (
            'AccessDenied', 'Invalid according to Policy: ' + message), conditions
    assert said(send(*form(s3, bucket, key, expires_s=-1))) == ('AccessDenied', 'Invalid according to Policy: Policy expired.')
    assert gone(s3, bucket, key)
    for size, code in ((1, 'EntityTooSmall'), (2, ''), (5, ''), (6, 'EntityTooLarge'), (3 << 20, 'EntityTooLarge')):
        own = f'{key}-{size}'
        reply = send(*form(s3, bucket, own, conditions=[['content-length-range', 2, 5]]), file=b'x' * size)
        assert said(reply)[0] == code and gone(s3, bucket, own) == bool(code), size


def test_post_policy_bucket_bound(s3, bucket, key):
    other = bucket + '-other'
    s3.create_bucket(Bucket=other, CreateBucketConfiguration={'LocationConstraint': s3.meta.region_name})
    url, fields = form(s3, bucket, key)
    reply = send(url.replace(bucket, other), fields, more=[('bucket', bucket)])
    assert said(reply)[0] == 'AccessDenied' and '$bucket' in said(reply)[1]
    assert gone(s3, other, '')


def test_nothing_of_a_form_may_be_changed(s3, bucket, key):
    url, fields = form(s3, bucket, key, {'x-amz-meta-a': 'b'})
    wider = json.loads(base64.b64decode(fields['policy']))
    wider['conditions'].append(['starts-with', '$key', ''])
    changes = {'policy': (base64.b64encode(json.dumps(wider).encode()).decode(), 'SignatureDoesNotMatch'),
               'x-amz-signature': (fields['x-amz-signature'][:-1] + ('0' if fields['x-amz-signature'][-1] != '0' else '1'),
                                   'SignatureDoesNotMatch'),
               'x-amz-date': ('20200101T000000Z', 'InvalidArgument'), 'x-amz-algorithm': ('AWS4', 'InvalidArgument'),
               'x-amz-credential': ('AKIAIOSFODNN7EXAMPLE' + fields['x-amz-credential'][20:], 'InvalidAccessKeyId'),
               'key': (key + 'x', 'AccessDenied'), 'x-amz-meta-a': ('c', 'AccessDenied')}
    for name, (value, code) in changes.items():
        assert said(send(url, {**fields, name: value}))[0] == code, name
    for name in fields:
        missing = {other: value for other, value in fields.items() if other != name}
        assert said(send(url, missing))[0] in ('AccessDenied', 'InvalidArgument'), name
    for name, value in (('x-amz-copy-source', f'{bucket}/k'), ('tagging', '<Tagging/>'), ('x-amz-tagging', 'a=b')):
        assert said(send(*form(s3, bucket, key, {name: value})))[0] == 'NotImplemented', name
    assert said(send(url, fields, more=[('Key', key + 'y')]))[0] == 'InvalidArgument'
    assert said(send(url, fields, file=None))[0] == 'IncorrectNumberOfFilesInPostRequest'
    assert said(send(url + '/' + key, fields))[0] == 'MethodNotAllowed'
    assert gone(s3, bucket, key)
    assert send(url, fields)[0] == 204


def test_multipart_form_10k_parts(s3, bucket, key):
    url, fields = form(s3, bucket, key)
    assert said(send(url, fields, more=[('x-ignore-it', 'x')] * 10_000))[0] == 'MaxPostPreDataLengthExceeded'
    assert gone(s3, bucket, key)


def test_auth_form_x_handler(mekong, s3, bucket, key):
    """The signer of a form may do what he may do otherwise, and a form is no way to other operations."""
    here = f'arn:aws:s3:::{bucket}/'
    writer = mekong.client('s3', **role_session(mekong, [allow('s3:PutObject', here + 'user/*')]))
    for policy in (None, [allow('s3:GetObject', here + '*')], [allow('s3:PutObject', here + 'other/*')],
                   [allow('s3:*'), {**allow('s3:PutObject'), 'Effect': 'Deny'}]):
        poor = mekong.client('s3', **role_session(mekong, policy))
        assert said(send(*form(poor, bucket, key)))[0] == 'AccessDenied', policy
    url, fields = form(writer, bucket, key)
    without = {name: value for name, value in fields.items() if name != 'x-amz-security-token'}
    assert said(send(url, without))[0] in ('InvalidAccessKeyId', 'InvalidToken')
    for query in ('?uploads', '?delete', '?X-Amz-Signature=1'):
        assert send(url + query, fields)[0] >= 400, query
    assert gone(s3, bucket, key)
    assert send(url, fields)[0] == 204
    nobody = {'key': key + '-unsigned'}
    assert said(send(url, nobody))[0] == 'AccessDenied'
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={'BlockPublicPolicy': False})
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Allow', 'Principal': '*', 'Action': 's3:PutObject', 'Resource': here + 'user/*'}]}))
    assert send(url, nobody)[0] == 204
    s3.delete_bucket_policy(Bucket=bucket)


def test_a_large_file_streams(s3, bucket, key):
    url, fields = form(s3, bucket, key)
    file = bytes(range(256)) * (32 << 10) + b'\r\n--b0undar'
    assert send(url, fields, file=file)[0] == 204
    assert s3.get_object(Bucket=bucket, Key=key)['Body'].read() == file
