"""Requests to S3 that clients do not send, each in its own words: the classes of faults that other object stores had.

Each is signed by botocore and then sent as it is, byte by byte.
"""
import http.client
import urllib.parse
import uuid

import pytest
import signing_forms
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from server import REGION


class Raw:
    def __init__(self, mekong):
        env = mekong.env()
        self.credentials = Credentials(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'])
        self.host = f'127.0.0.1:{mekong.port}'

    def sign(self, method, target, body=b'', auth=S3SigV4Auth, sign_target=None, **headers):
        """The request whose signature is over `sign_target`, or over what is sent."""
        headers = {name.replace('_', '-'): value for name, value in headers.items()}
        request = AWSRequest(method, f'http://{self.host}{sign_target or target}', data=body, headers=headers)
        auth(self.credentials, 's3', REGION).add_auth(request)
        return request

    def send(self, method, target, body=b'', headers=()):
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in [('Host', self.host), *headers]:
            connection.putheader(name, value)
        if not any(name.lower() == 'content-length' for name, _ in headers):
            connection.putheader('Content-Length', str(len(body)))
        connection.endheaders(body)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply, text

    def __call__(self, method, target, body=b'', **options):
        signed = self.sign(method, target, body, **options)
        return self.send(method, target, signed.data or b'', list(signed.headers.items()))

    def status(self, *words, **options):
        reply, text = self(*words, **options)
        code = text.partition(b'<Code>')[2].partition(b'</Code>')[0].decode()
        return (reply.status, code) if code else reply.status


@pytest.fixture
def raw(mekong):
    return Raw(mekong)


@pytest.fixture
def bucket(aws):
    name = 'hostile-' + uuid.uuid4().hex[:12]
    aws('s3').create_bucket(Bucket=name, CreateBucketConfiguration={'LocationConstraint': REGION})
    return name


def keys(aws, bucket):
    return [one['Key'] for one in aws('s3').list_objects_v2(Bucket=bucket).get('Contents', [])]


def test_credential_and_signature_same_place(raw, bucket):
    """Two places that could say who is asking, each right in itself: neither is believed."""
    presigned = urllib.parse.urlsplit(raw.sign('GET', f'/{bucket}', auth=S3SigV4QueryAuth).url)
    target = f'{presigned.path}?{presigned.query}'
    assert raw.send('GET', target)[0].status == 200
    reply, text = raw('GET', target)
    assert reply.status == 400 and b'<Code>InvalidArgument</Code>' in text, text
    assert raw.send('GET', target, headers=[('Authorization', 'AWS4-HMAC-SHA256 ')])[0].status == 400


def test_canonical_uri_once(raw, aws, bucket):
    """A path is decoded once, for its signature and for its key alike."""
    for sent, canonical, key in [('a%2525b', 'a%2525b', 'a%25b'), ('a%252Fb', 'a%252Fb', 'a%2Fb'),
                                 ('a%2Fb', 'a/b', 'a/b'),
                                 ('a%20b', 'a%20b', 'a b'), ('a%2Bb', 'a%2Bb', 'a+b'), ('%c3%bc', '%C3%BC', 'ü'),
                                 ('a//b', 'a//b', 'a//b'), ('%41', 'A', 'A')]:
        if sent != canonical:  # signed as it came, where S3 wants it encoded anew
            assert raw.status('PUT', f'/{bucket}/{sent}', b'x') == (403, 'SignatureDoesNotMatch'), sent
        assert raw.status('PUT', f'/{bucket}/{sent}', b'x', sign_target=f'/{bucket}/{canonical}') == 200, sent
        assert keys(aws, bucket) == [key]
        aws('s3').delete_object(Bucket=bucket, Key=key)


def test_plus_vs_space(raw, aws, bucket):
    """In a path a plus is a plus; in a query it is a space."""
    assert raw.status('PUT', f'/{bucket}/a+b', b'x', sign_target=f'/{bucket}/a%2Bb') == 200
    assert keys(aws, bucket) == ['a+b']
    reply, text = raw('GET', f'/{bucket}?list-type=2&prefix=a%2Bb')
    assert reply.status == 200 and b'<KeyCount>1</KeyCount>' in text, text


def test_dot_segments(raw, aws, bucket):
    """They are parts of a key like any other, and lead out of no bucket."""
    other = bucket + '-other'
    aws('s3').create_bucket(Bucket=other, CreateBucketConfiguration={'LocationConstraint': REGION})
    for sent in ['../' + other + '/x', './x', 'a/../../x', '%2e%2e/x', '..']:
        status = raw.status('PUT', f'/{bucket}/{sent}', b'x', sign_target=f'/{bucket}/{sent.replace("%2e", ".")}')
        assert status in (200, (400, 'InvalidURI')), sent
    assert keys(aws, other) == []
    for key in keys(aws, bucket):
        aws('s3').delete_object(Bucket=bucket, Key=key)
    assert keys(aws, bucket) == []


def test_null_url(raw, aws, bucket):
    assert raw.status('PUT', f'/{bucket}/a%00b', b'x') in (200, (400, 'InvalidURI'))
    for sent in ['%', '%4', '%zz', '%ff', '%c3%28', '%ed%a0%80']:
        status = raw.status('PUT', f'/{bucket}/{sent}', b'x', sign_target=f'/{bucket}/x')
        assert status[0] in (400, 403), (sent, status)
    assert all('\x00' in key for key in keys(aws, bucket))


@pytest.mark.parametrize('source', ['', '/', '//', 'x', '/x', '%', '/%zz/x', '%2F', '?versionId=1', '/x/', 'x/%00'])
def test_empty_copy_source(raw, bucket, source):
    for target in ('/y', '/y?partNumber=1&uploadId=none'):
        status = raw.status('PUT', f'/{bucket}{target}', x_amz_copy_source=source)
        assert status[0] in (400, 404) or status == (501, 'NotImplemented'), (source, status)
    assert raw.status('GET', f'/{bucket}/y') == (404, 'NoSuchKey')


def test_key_1025_bytes(raw, aws, bucket):
    for key, status in [('k' * 1024, 200), ('k' * 1025, (400, 'KeyTooLongError')), ('%C3%BC' * 512, 200),
                        ('%C3%BC' * 512 + 'k', (400, 'KeyTooLongError'))]:
        assert raw.status('PUT', f'/{bucket}/{key}', b'x') == status
    assert len(keys(aws, bucket)) == 2


@pytest.mark.parametrize('said', [-1, 0, 4, 6, 2**63, 'x'])
@pytest.mark.parametrize('form', ['chunks', 'trailer'])
def test_decoded_length_mismatch(raw, aws, bucket, form, said):
    """What is stored is as long as what was signed, or nothing is."""
    class Lying(signing_forms.AUTH_TYPE_MAPS[form]):
        def prepare(self, request):
            super().prepare(request)
            request.headers.replace_header('X-Amz-Decoded-Content-Length', str(said))
    status = raw.status('PUT', f'/{bucket}/k', b'12345', auth=Lying)
    assert status[0] in (400, 411), status
    assert keys(aws, bucket) == []


def test_chunk_sig_chain(raw, aws, bucket):
    """Each chunk's signature goes on from the one before: none is left out, doubled, or moved."""
    class TwoChunks(signing_forms.Chunks):
        order = (0, 1, 2)

        def prepare(self, request):
            request.headers['X-Amz-Decoded-Content-Length'] = str(6)

        def framed(self, request, previous):
            pieces, links = [b'aaa', b'bbb', b''], []
            for piece in pieces:
                self.body = piece
                one = super().framed(request, previous)
                one = one[:one.index(b'\r\n', one.index(b'\r\n') + 2 + len(piece)) + 2]
                previous = one.split(b'=', 1)[1][:64].decode()
                links.append(one)
            return b''.join(links[at] for at in self.order)
    for order, status in [((0, 1, 2), 200), ((1, 0, 2), 403), ((0, 0, 2), 403), ((0, 1), 400), ((0, 2), 403),
                          ((0, 1, 2, 2), 400)]:
        auth = type('Ordered', (TwoChunks,), {'order': order})
        got = raw.status('PUT', f'/{bucket}/{"".join(map(str, order))}', b'aaabbb', auth=auth)
        assert (got if isinstance(got, int) else got[0]) == status, (order, got)
    assert keys(aws, bucket) == ['012']


def test_copy_source_condition(aws, bucket):
    s3 = aws('s3')
    etag = s3.put_object(Bucket=bucket, Key='a', Body=b'a')['ETag']
    upload = s3.create_multipart_upload(Bucket=bucket, Key='c')['UploadId']
    ways = [lambda **conditions: s3.copy_object(Bucket=bucket, Key='b', CopySource=f'{bucket}/a', **conditions),
            lambda **conditions: s3.upload_part_copy(Bucket=bucket, Key='c', CopySource=f'{bucket}/a', UploadId=upload,
                                                     PartNumber=1, **conditions)]
    for copy in ways:
        copy(CopySourceIfMatch=etag)
        for conditions in [{'CopySourceIfMatch': '"x"'}, {'CopySourceIfNoneMatch': etag}]:
            with pytest.raises(s3.exceptions.ClientError) as refused:
                copy(**conditions)
            assert refused.value.response['Error']['Code'] == 'PreconditionFailed'


def test_internal_header_injection(raw, aws, bucket):
    """What a client sends becomes metadata under x-amz-meta- or a known header, or nothing at all."""
    headers = {'x_mekong_owner': 'me', 'x_mekong_role': 'root', 'x_minio_internal_x': '1', 'x_amz_meta_x': 'y',
               'x_request_id': 'mine'}
    assert raw.status('PUT', f'/{bucket}/k', b'x', **headers) == 200
    reply, _ = raw('GET', f'/{bucket}/k')
    sent = {name.replace('_', '-') for name in headers} - {'x-amz-meta-x'}
    assert not sent & {name.lower() for name, _ in reply.getheaders()}
    assert aws('s3').head_object(Bucket=bucket, Key='k')['Metadata'] == {'x': 'y'}


def test_mpu_complete_twice(aws, bucket):
    """The second answers as the first did; a third one with other parts is refused."""
    s3 = aws('s3')
    upload = s3.create_multipart_upload(Bucket=bucket, Key='k')['UploadId']
    part = s3.upload_part(Bucket=bucket, Key='k', UploadId=upload, PartNumber=1, Body=b'x')['ETag']
    parts = {'Parts': [{'PartNumber': 1, 'ETag': part}]}
    first = s3.complete_multipart_upload(Bucket=bucket, Key='k', UploadId=upload, MultipartUpload=parts)
    second = s3.complete_multipart_upload(Bucket=bucket, Key='k', UploadId=upload, MultipartUpload=parts)
    assert first['ETag'] == second['ETag']
    with pytest.raises(s3.exceptions.NoSuchUpload):
        s3.upload_part(Bucket=bucket, Key='k', UploadId=upload, PartNumber=2, Body=b'x')


def test_what_would_be_encrypted_or_held_is_refused(aws, bucket):
    """sse_bytes_on_disk, bypass_governance_deny: nothing claims to be encrypted or retained that is not."""
    s3 = aws('s3')
    for more in [{'ServerSideEncryption': 'AES256'}, {'ServerSideEncryption': 'aws:kms'},
                 {'SSECustomerAlgorithm': 'AES256', 'SSECustomerKey': 'k' * 32},
                 {'ObjectLockMode': 'GOVERNANCE', 'ObjectLockRetainUntilDate': '2030-01-01'},
                 {'ObjectLockLegalHoldStatus': 'ON'}]:
        with pytest.raises(s3.exceptions.ClientError) as refused:
            s3.put_object(Bucket=bucket, Key='k', Body=b'x', **more)
        assert refused.value.response['Error']['Code'] == 'NotImplemented', more
    assert keys(aws, bucket) == []


def test_foreign_origin_gets_no_leave(raw, bucket):
    """No origin is reflected, with credentials or without, and none may break out of its header."""
    reply, _ = raw('GET', f'/{bucket}', Origin='http://evil.example')
    assert not [name for name, _ in reply.getheaders() if name.lower().startswith('access-control-')]
    with_break = raw.sign('GET', f'/{bucket}')
    connection = http.client.HTTPConnection(raw.host, timeout=30)
    lines = ''.join(f'{name}: {value}\r\n' for name, value in with_break.headers.items())
    connection.connect()
    connection.sock.sendall(f'GET /{bucket} HTTP/1.1\r\nHost: {raw.host}\r\nOrigin: a\rSet-Cookie: b\r\n{lines}\r\n'.encode())
    assert connection.sock.recv(100).startswith(b'HTTP/1.1 400 ')
    connection.close()


def test_numbers_that_are_none(raw, bucket):
    for query in ['max-keys=-1', 'max-keys=99999999999999999999', 'max-keys=x', 'max-keys=0x1',
                  'uploads&max-uploads=-1']:
        assert raw.status('GET', f'/{bucket}?{query}') == (400, 'InvalidArgument'), query
    assert raw.status('GET', f'/{bucket}?max-keys=0') == 200
