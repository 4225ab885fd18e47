"""What loads a server that is killed under it: threads that go on, clients that ask once."""
import os
import sys
import threading
import traceback

import boto3
import botocore.config
from confluent_kafka import KafkaException


class Stuck(Exception):
    """A client's call that has outlived its own timeout."""


def within(seconds, call):
    """librdkafka's send_offsets_to_transaction may never come back when its broker is killed under it, whatever its
    timeout (confluentinc/librdkafka#5456). Such a producer is given up; the next one fences it."""
    outcome = []

    def run():
        try:
            call()
            outcome.append(None)
        except KafkaException as failure:
            outcome.append(failure)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise Stuck('a call did not come back')
    if outcome[0] is not None:
        raise outcome[0]


class Load(threading.Thread):
    """Something that goes on until it is told to stop; its failure is the test's."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stopping, self.failure = threading.Event(), None

    def run(self):
        try:
            self.work()
        except BaseException as failure:  # pylint: disable=broad-exception-caught
            self.failure = failure
            raise

    def finish(self):
        self.stopping.set()
        self.join(60)
        where = ''.join(traceback.format_stack(sys._current_frames()[self.ident])) if self.is_alive() else ''
        assert not self.is_alive() and self.failure is None, (type(self), self.failure, where)


def impatient(server, service):
    """A client that asks once."""
    env = server.env()
    config = botocore.config.Config(retries={'total_max_attempts': 1}, connect_timeout=2, read_timeout=10)
    return boto3.Session(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'], region_name=env['AWS_REGION']).client(
        service, endpoint_url=f'http://127.0.0.1:{server.port}', config=config)
