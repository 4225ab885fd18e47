"""Data folders that releases have written open in this build: tests/fixtures/release-*.tar.xz, made by release.py."""
import pathlib
import random
import subprocess
import time

import pytest

import release
from server import MEKONG, Mekong

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


def test_there_is_a_release():
    assert FIXTURES
