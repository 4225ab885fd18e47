"""swap_or_dump_leaks: what a server leaves behind that dies in the middle of things."""
import os
import pathlib
import resource
import signal
import subprocess

import pytest
from server import Mekong


@pytest.fixture
def cores_wanted():
    """As on a machine that keeps cores of everything."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        pytest.skip('cores are not permitted here')
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (before[0], resource.RLIM_INFINITY))


def dies_with_core(pid):
    os.kill(pid, signal.SIGSEGV)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGSEGV
    return os.WCOREDUMP(status)


def test_a_dying_server_leaves_no_core(cores_wanted, tmp_path):
    anybody = subprocess.Popen(['sleep', '60'], cwd=tmp_path)
    if not dies_with_core(anybody.pid):
        pytest.skip('this machine writes no cores')
    server = Mekong(str(tmp_path / 'data')).start()
    status = pathlib.Path(f'/proc/{server.process.pid}')
    limits = dict(line.rsplit(maxsplit=3)[:2] for line in (status / 'limits').read_text().splitlines()
                  if line.startswith('Max core'))
    assert limits == {'Max core file size': '0'}
    assert not dies_with_core(server.process.pid)
