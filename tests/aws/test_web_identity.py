"""AssumeRoleWithWebIdentity against an issuer of our own: its certificate known by its thumbprint, its keys fetched."""
import base64
import hashlib
import http.server
import json
import ssl
import subprocess
import threading
import time
import uuid

import pytest
from botocore.exceptions import ClientError


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def openssl(*words, data=None):
    return subprocess.run(['openssl', *words], input=data, capture_output=True, check=True).stdout


class Issuer:
    """https://localhost:PORT with one RSA key, which signs what it is asked to."""

    def __init__(self, folder):
        self.key, certificate = str(folder / 'key.pem'), str(folder / 'certificate.pem')
        openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', self.key, '-out', certificate, '-days', '2',
                '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost')
        self.thumbprint = hashlib.sha1(openssl('x509', '-in', certificate, '-outform', 'DER')).hexdigest()
        modulus = openssl('rsa', '-in', self.key, '-noout', '-modulus').decode().strip().split('=')[1]
        self.jwks = {'keys': [{'kty': 'RSA', 'kid': 'one', 'alg': 'RS256', 'use': 'sig', 'e': 'AQAB',
                               'n': base64url(bytes.fromhex(modulus))}]}
        issuer, self.asked = self, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                body = json.dumps(issuer.jwks if self.path == '/keys' else
                                  {'issuer': issuer.url, 'jwks_uri': issuer.url + '/keys'}).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, self.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.host = f'localhost:{self.server.server_port}'
        self.url = 'https://' + self.host
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, header=None, **claims):
        now = int(time.time())
        claims = {'iss': self.url, 'aud': 'app', 'sub': 'repo:org/name', 'iat': now, 'exp': now + 300, **claims}
        head = {'alg': 'RS256', 'kid': 'one', **(header or {})}
        text = base64url(json.dumps(head).encode()) + '.' + base64url(json.dumps(claims).encode())
        return text + '.' + base64url(openssl('dgst', '-sha256', '-sign', self.key, data=text.encode()))


@pytest.fixture(scope='module')
def issuer(tmp_path_factory):
    made = Issuer(tmp_path_factory.mktemp('issuer'))
    yield made
    made.server.shutdown()


@pytest.fixture(scope='module')
def provider(mekong, issuer):
    return mekong.client('iam').create_open_id_connect_provider(
        Url=issuer.url, ClientIDList=['app'], ThumbprintList=[issuer.thumbprint])['OpenIDConnectProviderArn']


@pytest.fixture
def assume(mekong, issuer, provider):
    def of(token, session='test', **condition):
        iam, name = mekong.client('iam'), 'role-' + uuid.uuid4().hex[:8]
        trust = {'Effect': 'Allow', 'Principal': {'Federated': provider},
                 'Action': ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession'], **condition}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(
            {'Version': '2012-10-17', 'Statement': trust}))['Role']['Arn']
        return mekong.client('sts').assume_role_with_web_identity(
            RoleArn=arn, RoleSessionName=session, WebIdentityToken=token)
    return of


def refused(call, *arguments, **more):
    with pytest.raises(ClientError) as error:
        call(*arguments, **more)
    return error.value.response['Error']['Code']


def test_a_token_becomes_a_session(mekong, issuer, provider, assume):
    made = assume(issuer.token(), Condition={'StringLike': {issuer.host + ':sub': 'repo:org/*'},
                                             'StringEquals': {issuer.host + ':aud': 'app'}})
    assert (made['SubjectFromWebIdentityToken'], made['Audience'], made['Provider']) == ('repo:org/name', 'app', provider)
    assert mekong.client('sts', **made['Credentials']).get_caller_identity()['Arn'].endswith('/test')
    asked = len(issuer.asked)
    assume(issuer.token())
    assert len(issuer.asked) == asked  # the keys are kept


def test_claims_decide(issuer, assume):
    other = {'StringEquals': {issuer.host + ':sub': 'repo:org/other'}}
    assert refused(assume, issuer.token(), Condition=other) == 'AccessDenied'
    tagged = issuer.token(**{'https://aws.amazon.com/tags': {'principal_tags': {'team': ['red']}}})
    assume(tagged, Condition={'StringEquals': {'aws:RequestTag/team': 'red'}})
    assert refused(assume, tagged, Condition={'StringEquals': {'aws:RequestTag/team': 'blue'}}) == 'AccessDenied'


def test_bad_tokens_are_refused(issuer, assume):
    good = issuer.token()
    head, body, signature = good.split('.')
    forged = base64url(json.dumps({**json.loads(base64.urlsafe_b64decode(body + '==')), 'sub': 'root'}).encode())
    unsigned = base64url(json.dumps({'alg': 'none', 'kid': 'one'}).encode())
    for token in (f'{head}.{forged}.{signature}', f'{unsigned}.{body}.', f'{head}.{body}.{base64url(b"x" * 256)}',
                  'no.token', 'x' * 40, issuer.token(aud='another'), issuer.token(iss='https://issuer.example.com'),
                  issuer.token(header={'kid': 'two'}), issuer.token(header={'alg': 'HS256'}),
                  issuer.token(nbf=int(time.time()) + 3600)):
        assert refused(assume, token) == 'InvalidIdentityToken'
    assert refused(assume, issuer.token(exp=int(time.time()) - 1)) == 'ExpiredTokenException'


def test_an_issuer_with_another_certificate_is_not_believed(mekong, tmp_path):
    stranger = Issuer(tmp_path)
    iam = mekong.client('iam')
    arn = iam.create_open_id_connect_provider(Url=stranger.url, ClientIDList=['app'],
                                              ThumbprintList=['0' * 40])['OpenIDConnectProviderArn']
    role = iam.create_role(RoleName='role-' + uuid.uuid4().hex[:8], AssumeRolePolicyDocument=json.dumps({
        'Version': '2012-10-17', 'Statement': {'Effect': 'Allow', 'Principal': {'Federated': arn},
                                               'Action': 'sts:AssumeRoleWithWebIdentity'}}))['Role']['Arn']
    call = mekong.client('sts').assume_role_with_web_identity
    assert refused(call, RoleArn=role, RoleSessionName='test', WebIdentityToken=stranger.token()) == 'IDPCommunicationError'
    assert stranger.asked == []
    stranger.server.shutdown()
