"""How long `mekong fork` takes, and for how long writers wait: of 10,000 partitions that were written, and of 10 GB.
`--partitions N --records-gb N` for other sizes. All forks stay until the end: for minutes after many files were
removed, ext4 looks at each of their inodes again for each file that is made."""
import argparse
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'tests'))
# pylint: disable=wrong-import-position
from confluent_kafka import Producer

from kafka_client import create_topic, serverless_cluster, settings_of
from server import Mekong

RECORD_BYTES = 900_000
TOPIC_PARTITIONS = 1000
CLUSTER_PARTITIONS = 2000  # a cluster has at most 2400, and a region three of them
REGIONS = ('us-east-1', 'us-west-2', 'eu-west-1', 'eu-central-1')
ROUNDS = 3


class InRegion:
    """The server, asked for another region."""

    def __init__(self, server, region):
        self.server, self.region, self.env = server, region, server.env

    def client(self, service):
        return self.server.session().client(service, endpoint_url=self.server.url(service), region_name=self.region)


def producer_elsewhere(server, number):
    """Settings of a cluster of its own, and a producer."""
    there = InRegion(server, REGIONS[number // 3])
    settings = settings_of(there, serverless_cluster(there, f'many{number}'), there.region)
    return settings, Producer(settings)


def produced(producer, topic, partition, value):
    while True:
        try:
            producer.produce(topic, value, partition=partition)
            return
        except BufferError:
            producer.poll(0.1)


def forks(server, place, name, what):
    for i in range(ROUNDS):
        made = server.command('fork', f'{place}/{name}{i}', '--json')
        assert made.returncode == 0, made
        note = json.loads(made.stdout)
        print(f'fork of {what}: {note["Milliseconds"]} ms, writers waited {note["PauseMilliseconds"]} ms', flush=True)


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument('--partitions', type=int, default=10_000)
    words.add_argument('--records-gb', type=float, default=10)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as place:
        server = Mekong(f'{place}/data').start()
        try:
            settings = settings_of(server, serverless_cluster(server, 'fork'))
            producer = Producer({**settings, 'linger.ms': 5, 'message.max.bytes': 1_000_000,
                                 'queue.buffering.max.kbytes': 200_000})
            create_topic(settings, 'large', 16)
            for i in range(int(asked.records_gb * 1e9 / RECORD_BYTES)):
                produced(producer, 'large', i % 16, b'x' * RECORD_BYTES)
            assert producer.flush(300) == 0
            forks(server, place, 'large', f'{asked.records_gb:g} GB')
            for first in range(0, asked.partitions, TOPIC_PARTITIONS):
                if first % CLUSTER_PARTITIONS == 0:
                    settings, producer = producer_elsewhere(server, first // CLUSTER_PARTITIONS)
                create_topic(settings, f'many{first}', TOPIC_PARTITIONS)
                for i in range(TOPIC_PARTITIONS):
                    produced(producer, f'many{first}', i, b'x')
                assert producer.flush(300) == 0
            forks(server, place, 'many',
                  f'{asked.partitions:,} partitions with a record each, and {asked.records_gb:g} GB')
        finally:
            server.kill()


if __name__ == '__main__':
    main()
