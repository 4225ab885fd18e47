"""The HTTP face on the wire: one port for http, https and HTTP/2, many clients that do little, an orderly end."""
import concurrent.futures
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time

import pytest


def curl(mekong, *words, url=None):
    """What curl prints: the body, then a line with status and HTTP version."""
    env = mekong.env()
    done = subprocess.run(
        ['curl', '-sS', '--max-time', '60', '--aws-sigv4', 'aws:amz:us-east-2:s3', '--user',
         f"{env['AWS_ACCESS_KEY_ID']}:{env['AWS_SECRET_ACCESS_KEY']}", '--cacert', env['AWS_CA_BUNDLE'], '-w',
         '\n%{http_code} %{http_version}', *words, url], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def bucket(mekong):
    mekong.client('s3').create_bucket(Bucket='front',
                                      CreateBucketConfiguration={'LocationConstraint': 'us-east-2'})
    return 'front'


@pytest.mark.parametrize('scheme, option, version', [
    ('http', '--http1.1', '1.1'), ('http', '--http2-prior-knowledge', '2'), ('https', '--http1.1', '1.1'),
    ('https', '--http2', '2')])
def test_curl_speaks_both_versions_on_one_port(mekong, bucket, tmp_path, scheme, option, version):
    sent = tmp_path / 'sent'
    sent.write_bytes(bytes(range(256)) * 20_000)  # 5 MB: more than every window
    url = f'{scheme}://localhost:{mekong.port}/{bucket}/{scheme}{version}'
    unsigned = ('-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD')
    put = curl(mekong, option, *unsigned, '-T', str(sent), url=url)
    assert put == f'\n200 {version}'.encode(), put
    got, _, end = curl(mekong, option, *unsigned, url=url).rpartition(b'\n')
    assert end == f'200 {version}'.encode() and got == sent.read_bytes()
    head = curl(mekong, option, *unsigned, '-I', url=url).decode().lower()
    assert f'content-length: {sent.stat().st_size}\r\n' in head


def test_boto3_takes_the_https_endpoint_and_our_authority_from_its_environment(mekong):
    env = {**mekong.env(), 'AWS_ENDPOINT_URL': f'https://localhost:{mekong.port}'}
    program = 'import boto3; print(boto3.client("sts").get_caller_identity()["Arn"])'
    done = subprocess.run([sys.executable, '-c', program], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.startswith('arn:aws:iam::'), done.stderr
    del env['AWS_CA_BUNDLE'], env['SSL_CERT_FILE']
    done = subprocess.run([sys.executable, '-c', program], env=env, capture_output=True, text=True, check=False)
    assert 'CERTIFICATE_VERIFY_FAILED' in done.stderr


def test_hangup_renews_the_certificate_and_open_connections_stay(own_mekong):
    context = ssl.create_default_context(cafile=own_mekong.env()['AWS_CA_BUNDLE'])

    def connect():
        return context.wrap_socket(socket.create_connection(('127.0.0.1', own_mekong.port)),
                                   server_hostname='localhost')

    with connect() as before:
        first = before.getpeercert()['serialNumber']
        own_mekong.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 20
        while True:
            with connect() as after:
                if after.getpeercert()['serialNumber'] != first:
                    break
            assert time.monotonic() < end, 'the certificate stays'
        before.sendall(b'GET /_mekong/health HTTP/1.1\r\nHost: h\r\n\r\n')
        assert before.recv(100).startswith(b'HTTP/1.1 200')


def resident_kib(process):
    with open(f'/proc/{process.pid}/status', encoding='ascii') as status:
        return int(re.search(r'VmRSS:\s+(\d+)', status.read())[1])


@pytest.mark.parametrize('encrypted', [False, True])
def test_idle_conn_1000_cost_little_and_delay_nobody(own_mekong, encrypted):
    """1,000 connections, of which half have sent a part of a request, cost at most 20 MB."""
    context = ssl.create_default_context(cafile=own_mekong.env()['AWS_CA_BUNDLE'])

    def connect(number):
        opened = socket.create_connection(('127.0.0.1', own_mekong.port))
        if encrypted:
            opened = context.wrap_socket(opened, server_hostname='localhost')
        if number % 2:
            opened.sendall(b'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Le')
        return opened

    sts = own_mekong.client('sts')
    for _ in range(50):
        sts.get_caller_identity()
    before = resident_kib(own_mekong.process)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        many = list(pool.map(connect, range(1000)))
    begun = time.monotonic()
    sts.get_caller_identity()
    took = time.monotonic() - begun
    cost = resident_kib(own_mekong.process) - before
    for opened in many:
        opened.close()
    print(f'{cost} KiB for 1,000 connections, {took * 1000:.1f} ms for a call beside them')
    assert took < 1
    if os.environ.get('MEKONG_PRESET') not in ('asan', 'tsan'):  # whose memory is not the server's
        assert cost <= 20_000


def half_sent(port):
    """A request that the server has begun, as its wish for the body shows."""
    running = socket.create_connection(('127.0.0.1', port))
    running.settimeout(20)
    running.sendall(b'POST /_mekong/health HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n')
    assert running.recv(1000) == b'HTTP/1.1 100 Continue\r\n\r\n'
    running.sendall(b'he')
    return running


def between_requests(port):
    """A connection that the server has answered on, and that asks nothing more."""
    idle = socket.create_connection(('127.0.0.1', port))
    idle.settimeout(20)
    idle.sendall(b'GET /_mekong/health HTTP/1.1\r\nHost: h\r\n\r\n')
    assert idle.recv(1000).startswith(b'HTTP/1.1 200')
    return idle


def test_a_request_that_runs_is_answered_before_the_end(own_mekong):
    running = half_sent(own_mekong.port)
    idle = between_requests(own_mekong.port)
    own_mekong.process.terminate()
    while idle.recv(1000):
        pass  # the idle one ends at once, the other is waited for
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(('127.0.0.1', own_mekong.port))
    running.sendall(b'llo')
    reply = b''.join(iter(lambda: running.recv(1000), b''))
    assert reply.startswith(b'HTTP/1.1 200') and b'Connection: close' in reply
    assert own_mekong.process.wait(timeout=30) == 0


def test_a_second_signal_ends_at_once(own_mekong):
    running = half_sent(own_mekong.port)
    idle = between_requests(own_mekong.port)
    own_mekong.process.terminate()
    assert idle.recv(1) == b''  # it drains
    begun = time.monotonic()
    own_mekong.process.terminate()
    assert own_mekong.process.wait(timeout=30) == 1 and time.monotonic() - begun < 5
