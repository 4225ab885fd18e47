"""The command line as scripts use it: exit codes, one clear line, what env exports."""
import json
import os
import stat
import subprocess

import urllib.request

from server import MEKONG, Mekong


def run(*words):
    return subprocess.run([MEKONG, *words], capture_output=True, text=True, check=False)


def test_wrong_use_is_one_line_and_code_2(mekong, tmp_path):
    fresh = str(tmp_path / 'data')
    for words in (['serve', '--nonsense'], ['serve', '--data', mekong.data, '--listen', '127.0.0.1:0'],
                  ['serve', '--data', fresh, '--listen', f'127.0.0.1:{mekong.port}', '--metastore-port', '0'],
                  ['serve', '--data', fresh, '--listen', 'example.com:1'],
                  ['serve', '--data', fresh, '--dev', '--listen', '0.0.0.0:1'], ['fly']):
        done = run(*words)
        assert done.returncode == 2, (words, done)
        assert done.stdout == '' and done.stderr.startswith('mekong: ') and done.stderr.count('\n') == 1, done.stderr


def test_commands_without_a_server_say_so(tmp_path):
    for words in (['status'], ['env'], ['account', 'list']):
        assert run(*words, '--data', str(tmp_path / 'none')).returncode == 3


def test_env_exports_what_clients_need(mekong):
    env = mekong.env('--java')
    assert env['AWS_REGION'] == env['AWS_DEFAULT_REGION'] == 'us-east-2'
    assert 'BEGIN CERTIFICATE' in open(env['AWS_CA_BUNDLE'], encoding='ascii').read()
    assert env['SSL_CERT_FILE'] == env['AWS_CA_BUNDLE']
    store = env['JAVA_TOOL_OPTIONS'].split('trustStore=')[1].split()[0]
    listed = subprocess.run(['keytool', '-list', '-keystore', store, '-storepass', 'changeit'], capture_output=True,
                            text=True, check=True).stdout
    assert 'trustedCertEntry' in listed
    prefixed = mekong.command('env', '--env-prefix', 'P_').stdout
    assert 'export P_AWS_ENDPOINT_URL=' in prefixed and 'unset' not in prefixed


def test_accounts_while_the_server_runs_and_after(own_mekong):
    made = json.loads(own_mekong.command('account', 'create', 'second', '--json').stdout)
    own_mekong.stop()
    listed = json.loads(own_mekong.command('account', 'list', '--json').stdout)['Accounts']
    assert {'second', 'default'} == {account['Name'] for account in listed}
    assert made['AccountId'] in {account['AccountId'] for account in listed}
    assert own_mekong.command('account', 'create', 'second').returncode == 1


def test_env_is_the_same_when_the_server_is_stopped(own_mekong):
    env = own_mekong.env()
    own_mekong.command('account', 'create', 'second')
    second = own_mekong.env('--account', 'second')
    own_mekong.stop()
    assert own_mekong.env() == env and own_mekong.env('--account', 'second') == second
    own_mekong.command('account', 'create', 'third')
    third = own_mekong.env('--account', 'third')
    keys = os.path.join(own_mekong.data, 'root-credentials.json')
    assert stat.S_IMODE(os.stat(keys).st_mode) == 0o600
    with open(keys, encoding='ascii') as file:
        assert {a['AccessKeyId'] for a in json.load(file)['Accounts']} == {
            e['AWS_ACCESS_KEY_ID'] for e in (env, second, third)}
    own_mekong.start()
    assert own_mekong.env('--account', 'third') == third


def test_health_speaks_http_and_https_on_one_port(mekong):
    import ssl
    context = ssl.create_default_context(cafile=mekong.env()['AWS_CA_BUNDLE'])
    for url, trust in ((f'http://127.0.0.1:{mekong.port}', None), (f'https://localhost:{mekong.port}', context)):
        with urllib.request.urlopen(f'{url}/_mekong/health', context=trust) as reply:
            assert '"s3": "running"' in reply.read().decode()


def test_the_accounts_path_needs_the_folders_token(mekong):
    try:
        urllib.request.urlopen(f'http://127.0.0.1:{mekong.port}/_mekong/accounts')
        raise AssertionError('answered without a token')
    except urllib.error.HTTPError as refused:
        assert refused.code == 403


def test_a_config_file_is_read_and_unknown_settings_are_refused(tmp_path):
    config = tmp_path / 'mekong.yaml'
    config.write_text('durability: perhaps\n')
    assert 'perhaps' in run('serve', '--data', str(tmp_path / 'd'), '--config', str(config)).stderr
    config.write_text('durabilty: os\n')
    done = run('serve', '--data', str(tmp_path / 'd'), '--config', str(config))
    assert done.returncode == 2 and 'durabilty' in done.stderr


def test_the_default_server_binds_to_loopback_only(mekong):
    assert isinstance(mekong, Mekong)
    listening = subprocess.run(['ss', '-Hltnp'], capture_output=True, text=True, check=True).stdout
    own = [line.split()[3] for line in listening.splitlines() if f'pid={mekong.process.pid},' in line]
    assert own and all(address.startswith('127.0.0.1:') for address in own)


def test_help_is_whole_and_a_typing_error_gets_a_suggestion():
    commands = ('serve', 'env', 'account', 'account list', 'status', 'version', 'clock', 'clock advance', 'settle')
    for words in commands:
        shown = run(*words.split(), '--help')
        assert shown.returncode == 0 and shown.stderr == '' and 'Usage: mekong ' + words in shown.stdout, words
        assert all(len(line) <= 120 for line in shown.stdout.splitlines()), words
    for words in ('serve', 'env', 'account', 'clock', 'settle', 'status'):
        assert 'Examples' in run(words, '--help').stdout
    assert 'did you mean  mekong status?' in run('statsu').stderr


def test_variables_stand_in_for_options(mekong):
    done = subprocess.run([MEKONG, 'status', '--json'], capture_output=True, text=True, check=False,
                          env={'MEKONG_DATA': mekong.data})
    assert json.loads(done.stdout)['region'] == 'us-east-2'
    done = subprocess.run([MEKONG, 'serve', '--data', '/nonexistent/x'], capture_output=True, text=True, check=False,
                          env={'MEKONG_DURABILITY': 'perhaps'})
    assert done.returncode == 2 and 'perhaps' in done.stderr


def test_commands_reach_a_server_that_listens_elsewhere(tmp_path):
    server = Mekong(str(tmp_path / 'data'), host='127.0.0.2', name='127.0.0.2').start()
    try:
        assert f'running at http://127.0.0.2:{server.port}' in server.command('status').stdout
        for host in ('127.0.0.1', '127.0.0.2'):
            assert urllib.request.urlopen(f'http://{host}:{server.port}/_mekong/health').status == 200
    finally:
        server.stop()
