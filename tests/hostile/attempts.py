"""A hostile job: runs inside of a Spark driver, tries to leave its walls, and prints one JSON line for each attempt:
its name and what came of it. 'BREACH …' is a way out.

Arguments: a JSON object with what an attacker may know: paths, numbers, the neighbour's token.
"""
import ctypes
import glob
import json
import os
import resource
import socket
import subprocess
import sys
import urllib.error
import urllib.request

KNOWN = json.loads(sys.argv[1])
LIBC = ctypes.CDLL(None, use_errno=True)
ATTEMPTS = {}


def attempt(function):
    ATTEMPTS[function.__name__] = function
    return function


def call(number, *arguments):
    """A raw system call (x86-64)."""
    done = LIBC.syscall(number, *arguments)
    return f'BREACH: {done}' if done >= 0 else os.strerror(ctypes.get_errno())


def readable(path):
    with open(path, 'rb') as file:
        return f'BREACH: {path} has {len(file.read(4096))} bytes'


def fetch(url, headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as reply:
            return f'BREACH: {reply.read()[:60]}'
    except urllib.error.HTTPError as refused:
        return str(refused.code)


@attempt
def data_folder():
    inside = os.listdir(KNOWN['data'])
    return f'BREACH: {inside}' if inside else 'empty'


@attempt
def root_key():
    return readable(os.path.join(KNOWN['data'], 'root-credentials.json'))


@attempt
def control_token():
    return readable(os.path.join(KNOWN['data'], 'control-token'))


@attempt
def mounts_below_the_cover():
    return f'BREACH: {LIBC.umount2}' if LIBC.umount2(KNOWN['data'].encode(), 2) == 0 else 'refused'


@attempt
def child_reads_host_proc():
    seen = []
    for path in glob.glob('/proc/[0-9]*/cmdline'):
        with open(path, encoding='utf-8', errors='replace') as line:
            seen.append(line.read().split('\0'))
    foreign = [words for words in seen if 'serve' in words or KNOWN['neighbour_word'] in words]
    return f'BREACH: {foreign}' if foreign else f'{len(seen)} processes, all its own'


@attempt
def server_environment():
    return readable(f'/proc/{KNOWN["server"]}/environ')


@attempt
def child_ptrace():
    return call(101, 16, KNOWN['server'], 0, 0)


@attempt
def child_memory():
    return call(310, KNOWN['server'], 0, 0, 0, 0, 0)


@attempt
def child_signals():
    os.kill(KNOWN['server'], 0)
    # A number of its own namespace may be the same: only the server's is a breach.
    with open(f'/proc/{KNOWN["server"]}/cmdline', encoding='utf-8') as line:
        return 'BREACH' if 'serve' in line.read() else 'a process of its own'


@attempt
def child_keyring():
    return call(250, 0, -3, 1)  # KEYCTL_GET_KEYRING_ID of the session


@attempt
def child_io_uring():
    return call(425, 1, ctypes.create_string_buffer(120))


@attempt
def child_new_userns():
    return call(272, 0x10000000)


@attempt
def child_shm():
    return readable('/dev/shm/' + KNOWN['shm'])


@attempt
def child_fd_flood():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    kept = []
    try:
        while len(kept) < 1_000_000:
            kept.append(os.dup(1))
    except OSError as refused:
        return refused.strerror
    finally:
        for descriptor in kept:
            os.close(descriptor)
    return f'BREACH: {soft}/{hard}'


@attempt
def gains_root():
    for program in ('/usr/bin/su', '/usr/bin/passwd', '/usr/bin/mount', '/usr/bin/newgrp'):
        if os.path.exists(program):
            subprocess.run([program, '--help'], capture_output=True, check=False, timeout=10)
    os.setuid(0)
    return 'BREACH'


@attempt
def writes_outside():
    written = []
    for folder in ('/usr/bin', '/etc', '/var/lib', os.path.dirname(KNOWN['neighbour_folder']),
                   KNOWN['neighbour_folder'], os.environ.get('SPARK_HOME', '/opt'), sys.prefix):
        try:
            with open(os.path.join(folder, 'mekong-hostile'), 'w', encoding='ascii'):
                written.append(folder)
        except OSError:
            pass
    return f'BREACH: {written}' if written else 'refused everywhere'


@attempt
def neighbours_files():
    return f'BREACH: {os.listdir(KNOWN["neighbour_folder"])}'


@attempt
def cred_endpoint_other_job():
    return fetch(KNOWN['neighbour_uri'], {'Authorization': KNOWN['neighbour_token']})


@attempt
def cred_endpoint_ipv6_mapped():
    port = KNOWN['neighbour_uri'].split(':')[2].split('/')[0]
    path = KNOWN['neighbour_uri'].split(port, 1)[1]
    return fetch(f'http://[::ffff:127.0.0.1]:{port}{path}', {'Authorization': KNOWN['neighbour_token']})


@attempt
def cred_endpoint_host_header():
    own = os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI']
    return fetch(own, {'Authorization': 'wrong', 'Host': 'metadata'})


@attempt
def cred_endpoint_ssrf_get_only():
    """What a program that fetches any URL for others can be made to fetch: no header, the token elsewhere."""
    own, token = os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'], os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN']
    found = {fetch(own + more, headers) for more, headers in (
        ('', {}), ('?Authorization=' + token, {}), ('?token=' + token, {}), ('', {'Cookie': 'Authorization=' + token}),
        ('', {'X-aws-ec2-metadata-token': token}))}
    return ' '.join(sorted(found))


@attempt
def cred_endpoint_redirect():
    """No spelling of the path leads a request for one's own place to another's."""
    port = KNOWN['neighbour_uri'].split(':')[2].split('/')[0]
    own, other = (uri.rsplit('/', 1)[1] for uri in (os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'], KNOWN['neighbour_uri']))
    token, found = os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN'], set()
    for path in (f'{own}/../{other}', f'{own}%2f..%2f{other}', f'{own}//{other}', f'{other}?{own}', f'{other}/'):
        found.add(fetch(f'http://127.0.0.1:{port}/_mekong/credentials/{path}', {'Authorization': token}))
    return ' '.join(sorted(found))


@attempt
def control_paths():
    base = KNOWN['neighbour_uri'].split('/_mekong')[0]
    return fetch(base + '/_mekong/accounts', {'X-Mekong-Token': os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN']})


def knock(family, address):
    with socket.socket(family) as caller:
        caller.settimeout(5)
        refused = caller.connect_ex(address)
    return os.strerror(refused) if refused else f'BREACH: {address!r}'


@attempt
def spark_ui_closed():
    return knock(socket.AF_INET, ('127.0.0.1', KNOWN['neighbour_ui']))


@attempt
def spark_ports_private():
    return ' '.join(sorted({knock(socket.AF_INET, ('127.0.0.1', port)) for port in KNOWN['neighbour_ports']}))


@attempt
def child_abstract_socket():
    return ' '.join(sorted({knock(socket.AF_UNIX, '\0' + name) for name in KNOWN['abstract']}))


@attempt
def machines_ports():
    """What listens on the machine, at its loopback and at its address."""
    return ' '.join(sorted({knock(socket.AF_INET, (host, KNOWN['machine_port'])) for host in KNOWN['machine']}))


@attempt
def beyond_the_machine():
    return knock(socket.AF_INET, ('192.0.2.1', 443))


@attempt
def raw_network():
    """Packets and settings of the machine's devices."""
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    return 'BREACH'


@attempt
def metastore_as_somebody_else():
    # The metastore knows its caller by uid; a socket that claims nothing must get this job's role, never root's.
    with socket.create_connection(('127.0.0.1', KNOWN['metastore_port']), timeout=5) as connection:
        return f'connected as uid {os.getuid()}' if connection and os.getuid() != 0 else 'BREACH'


@attempt
def environment_has_no_root_key():
    found = [name for name, value in os.environ.items() if KNOWN['root_key_id'] in value]
    return f'BREACH: {found}' if found else 'none'


def outcomes():
    for name, function in ATTEMPTS.items():
        try:
            yield name, function()
        except OSError as refused:
            yield name, refused.strerror or str(refused)


def other_accounts_objects(spark):
    """By Spark itself, with all that the role may."""
    from py4j.protocol import Py4JJavaError
    try:
        return f'BREACH: {spark.read.text(KNOWN["theirs"]).collect()}'
    except Py4JJavaError as refused:
        return 'Access Denied' if '403' in str(refused) or 'AccessDenied' in str(refused) else f'BREACH? {refused}'


if __name__ == '__main__':
    def told(name, outcome):
        print('ATTEMPT ' + json.dumps([name, outcome]), flush=True)

    for one in outcomes():
        told(*one)
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import udf
    with open(__file__, encoding='utf-8') as file:
        source, known = file.read(), sys.argv[1]

    def in_udf(_):
        """The same attempts in a worker of a Python function of Spark."""
        sys.argv = ['attempts.py', known]
        scope = {'__name__': 'udf'}
        exec(source, scope)
        return json.dumps(dict(scope['outcomes']()))
    session = SparkSession.builder.getOrCreate()
    for name, outcome in json.loads(session.range(1).select(udf(in_udf)('id')).first()[0]).items():
        told('udf ' + name, outcome)
    told('other_accounts_objects', other_accounts_objects(session))
    told('finished', 'yes')
