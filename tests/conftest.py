"""One real server for all tests that want one."""
import pytest
from server import Mekong


@pytest.fixture(scope='session')
def mekong(tmp_path_factory):
    server = Mekong(str(tmp_path_factory.mktemp('mekong') / 'data')).start()
    yield server
    server.stop()


@pytest.fixture
def own_mekong(tmp_path):
    """A server of the test's own, to stop and kill."""
    server = Mekong(str(tmp_path / 'data')).start()
    yield server
    if server.process.poll() is None:
        server.kill()


@pytest.fixture
def aws(mekong):
    return mekong.client
