"""Five services by each SDK that a registry has, unmodified: AWS_ENDPOINT_URL, a region and keys are all they are told.

Long (toolchains, downloads, compilers), so only in ./dev test full. What is downloaded is held by lock files (npm, Go,
Cargo) or by sums (jars) and kept in $MEKONG_DEPS/sdks.
"""
import json
import os
import pathlib
import shutil
import subprocess
import uuid

import pytest

HERE = pathlib.Path(__file__).resolve().parent
HELD = HERE.parents[1] / 'deps' / 'held.sh'
CACHE = pathlib.Path(os.environ.get('MEKONG_DEPS', HERE)) / 'sdks'

pytestmark = pytest.mark.skipif(os.environ.get('MEKONG_TIER') != 'full', reason='only in ./dev test full')


def run(*words, cwd, env=None, timeout=3000):
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f'{words}: {done.stdout}\n{done.stderr}'
    return done.stdout


def tool(name):
    assert shutil.which(name), f'{name} is missing: ./dev test full installs it'


def copied(name):
    """The SDK's folder outside of the checkout, with what earlier runs downloaded and compiled."""
    CACHE.mkdir(parents=True, exist_ok=True)
    shutil.copytree(HERE / name, CACHE / name, dirs_exist_ok=True)
    return CACHE / name


def javascript():
    tool('npm')
    folder = copied('javascript')
    run('npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', cwd=folder)
    return folder, ['node', 'smoke.mjs']


def go():
    tool('go')
    folder = copied('go')
    run('go', 'build', '-mod=readonly', '-o', 'smoke', '.', cwd=folder)
    return folder, ['./smoke']


def rust():
    tool('cargo')
    folder = copied('rust')
    run('cargo', 'build', '--locked', cwd=folder)
    return folder, ['target/debug/smoke']


def jvm(name):
    tool('javac')
    tool('mvn')
    folder = copied(name)
    if not (folder / 'jars').exists():
        run('mvn', '-q', '-B', '--strict-checksums', 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies',
            f'-DoutputDirectory={folder}/jars', cwd=folder)
    run(HELD, folder / 'jars.sha256', 'jars', cwd=folder)
    run('javac', '-encoding', 'UTF-8', '-cp', 'jars/*', '-d', 'classes', 'Smoke.java', cwd=folder)
    return folder, ['java', '-Dfile.encoding=UTF-8', '-cp', 'classes:jars/*', 'Smoke']


def java():
    return jvm('java')


def java1():
    """Not AWS_ENDPOINT_URL, which it does not know, but its own endpoint setting."""
    return jvm('java1')


# A code as each SDK shows it.
CODES = {'iam': 'NoSuchEntity', 's3': 'NoSuchKey', 'glue': 'EntityNotFoundException', 'kafka': 'NotFoundException'}


@pytest.mark.parametrize('scheme', ['http', 'https'])
@pytest.mark.parametrize('make', [javascript, go, java, java1, rust], ids=lambda make: make.__name__)
def test_five_services(mekong, make, scheme):
    """By https the SDK for Go speaks HTTP/2."""
    folder, words = make()
    env = {**os.environ, **mekong.env('--java'), 'LC_ALL': 'C.UTF-8', 'HOME': '/nonexistent'}
    if scheme == 'https':
        env['AWS_ENDPOINT_URL'] = env['AWS_ENDPOINT_URL'].replace('http:', 'https:', 1)
        env['NODE_EXTRA_CA_CERTS'] = env['SSL_CERT_FILE'] = env['AWS_CA_BUNDLE']
    elif make in (java, java1):
        env.pop('JAVA_TOOL_OPTIONS', None)
    lines = dict(line.split(' ', 1) for line in run(*words, 'smoke-' + uuid.uuid4().hex[:12], cwd=folder, env=env).splitlines())
    assert lines['sts'].startswith('arn:aws:iam::')
    codes = {**CODES, 'iam': 'NoSuchEntityException'} if make is javascript else CODES
    assert lines['iam'] == 'true ' + codes['iam']
    assert lines['s3'] == 'hello a b/ü ' + codes['s3']
    assert lines['glue'] == 'b true ' + codes['glue']
    assert lines['kafka'].split()[1] == codes['kafka']


TRUST = {'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': 'sts:AssumeRole'}]}


@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_s3_as_a_role_by_the_sdk_for_cpp(mekong, scheme):
    """Two services: no registry has this SDK but inside of pyarrow, which speaks S3 and STS."""
    name = 'smoke-' + uuid.uuid4().hex[:12]
    iam = mekong.client('iam')
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))['Role']['Arn']
    allowed = {'Effect': 'Allow', 'Action': ['s3:PutObject', 's3:GetObject', 's3:ListBucket'],
               'Resource': [f'arn:aws:s3:::{name}', f'arn:aws:s3:::{name}/*']}
    policy = json.dumps({'Version': '2012-10-17', 'Statement': [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName='it', PolicyDocument=policy)
    env = mekong.env()
    env['AWS_ENDPOINT_URL'] = env['AWS_ENDPOINT_URL'].replace('http:', f'{scheme}:', 1)
    python = pathlib.Path(os.environ['MEKONG_DEPS']) / 'sdks-venv' / 'bin' / 'python'
    printed = run(python, 'smoke.py', name, role, cwd=HERE / 'cpp', env=env)
    assert printed.splitlines() == ['s3 True True FileNotFoundError', 'sts s3:DeleteObject']
