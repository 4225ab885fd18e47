"""Fixtures: a running broker (kafka_server.py) for all tests of this folder, and fresh names."""
import uuid

import pytest
from kafka_server import Server


@pytest.fixture(scope='session')
def bootstrap(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('broker'))
    yield server.start()
    server.stop()


@pytest.fixture
def topic():
    return 'topic-' + uuid.uuid4().hex[:8]


@pytest.fixture
def group():
    return 'group-' + uuid.uuid4().hex[:8]
