"""Data folders that releases have written open in this build: tests/fixtures/release-*.tar.xz, made by release.py."""
import fnmatch
import pathlib
import random
import subprocess
import time

import pytest

import release
from server import MEKONG, Mekong
from test_verify import flip

FIXTURES = sorted((pathlib.Path(__file__).resolve().parents[1] / 'fixtures').glob('release-*.tar.xz'))


def killed_while_opening(server, after_seconds):
    process = subprocess.Popen([MEKONG, 'serve', '--data', server.data, '--listen', f'127.0.0.1:{server.port}',
                                '--metastore-port', str(server.metastore_port), '--kafka-ports',
                                f'{server.kafka_port}-{server.kafka_port + 20}'],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after_seconds)
    process.kill()
    process.wait()


@pytest.mark.parametrize('fixture', FIXTURES, ids=lambda fixture: fixture.name)
def test_old_data_opens_in_new_release_upgrade_kill(fixture, tmp_path):
    """However often the first opening is killed."""
    subprocess.run(['tar', '-xJf', fixture, '-C', tmp_path], check=True)
    server = Mekong(str(tmp_path / 'data'))
    assert server.command('verify').returncode == 0
    for _ in range(5):
        killed_while_opening(server, random.uniform(0.005, 0.15))
    server.start()
    try:
        release.check(server)
    finally:
        server.kill()
    assert server.command('verify').returncode == 0


# Written anew by each start, or never read; the ends of a journal, which counts as torn (docs/decisions/0063-verify.md).
NOT_COVERED = ('ca-bundle.pem', 'control-token', 'root-credentials.json', 'server.json', 'snapshot.json', 'truststore.jks',
               'log/journal.*', 'meta/IDENTITY', 'meta/LOG*', 'meta/LOCK', 'meta/OPTIONS-*')


def test_a_flipped_bit_in_any_kind_of_file_is_named_or_harms_nothing(tmp_path):
    seed = random.randrange(1 << 30)
    print('seed', seed)
    dice = random.Random(seed)
    subprocess.run(['tar', '-xJf', FIXTURES[-1], '-C', tmp_path], check=True)
    server = Mekong(str(tmp_path / 'data')).start()
    server.stop()
    harmless = 0
    for path in sorted(pathlib.Path(server.data).rglob('*')):
        if not path.is_file() or path.stat().st_size == 0:
            continue
        kind = str(path.relative_to(server.data))
        covered = not any(fnmatch.fnmatch(kind, one) for one in NOT_COVERED)
        for _ in range(3):
            at, bit = dice.randrange(path.stat().st_size), dice.randrange(8)
            while kind in ('ca.pem', 'ca-key.pem') and not (100 < at < 200 and path.read_bytes()[at:at + 1].isalnum()):
                at = dice.randrange(path.stat().st_size)  # where a character says something
            flip(path, at, bit)
            done = server.command('verify')
            assert done.returncode == 1 or not covered, (kind, at, bit, done.stdout)
            if covered or kind == 'control-token':  # a token that is none is refused by the server it is for
                flip(path, at, bit)
        harmless += not covered
    assert harmless >= 6
    if server.command('verify').returncode == 0:
        server.start()
        try:
            release.check(server)
        finally:
            server.kill()


def test_there_is_a_release():
    assert FIXTURES
