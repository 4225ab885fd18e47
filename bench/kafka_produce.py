"""Producing over SASL_SSL with acks=all, by Kafka 3.9.1's own ProducerPerformance: Mekong beside Apache Kafka.

Mekong answers when the record is on disk (fdatasync). Kafka by default answers when it is in the page cache and leaves
power loss to replicas; flush.messages=1 makes it sync each append: that is the like-for-like side. Both are shown.
"""
import collections
import os
import pathlib
import re
import subprocess
import tempfile

import frame
from kafka_peer import JARS, Kafka
from server import ROOT, Mekong

ROUNDS = 3
PARTITIONS = 10
SIDES = ('Mekong', 'Kafka, synced', 'Kafka, not synced')
BETTER = {'MB/s, 1 KiB records': 'higher', 'mean ms, 400 records/s one by one': 'lower',
          'p99 ms, 400 records/s one by one': 'lower', 'MiB after all': 'lower'}
MANY = {'records': 200_000, 'bytes': 1024, 'per_second': -1,
        'settings': ['linger.ms=5', 'batch.size=65536', 'compression.type=none']}
ONE_BY_ONE = {'records': 2_000, 'bytes': 128, 'per_second': 400, 'settings': ['linger.ms=0']}


class MekongSide:
    def __init__(self, folder):
        self.server = Mekong(str(pathlib.Path(folder) / 'data')).start()
        client = self.server.client('kafka')
        arn = client.create_cluster_v2(ClusterName='bench', Serverless={
            'VpcConfigs': [{'SubnetIds': ['subnet-1', 'subnet-2']}],
            'ClientAuthentication': {'Sasl': {'Iam': {'Enabled': True}}}})['ClusterArn']
        self.bootstrap = client.get_bootstrap_brokers(ClusterArn=arn)['BootstrapBrokerStringSaslIam']
        self.properties = ROOT / 'demo' / 'client.properties'
        self.environment = self.server.env('--java')

    def create_topic(self, name, partitions):
        subprocess.run(['java', '-cp', str(JARS), 'org.apache.kafka.tools.TopicCommand', '--bootstrap-server',
                        self.bootstrap, '--command-config', str(self.properties), '--create', '--topic', name,
                        '--partitions', str(partitions)], env=self.environment, check=True, capture_output=True)


def produce(bootstrap, properties, environment, topic, load):
    """What ProducerPerformance prints last: MB/s, mean latency and its 99th percentile in ms."""
    done = subprocess.run(
        ['java', '-cp', str(JARS), 'org.apache.kafka.tools.ProducerPerformance', '--topic', topic, '--num-records',
         str(load['records']), '--record-size', str(load['bytes']), '--throughput', str(load['per_second']),
         '--producer.config', str(properties), '--producer-props', f'bootstrap.servers={bootstrap}', 'acks=all',
         *load['settings']], env=environment, capture_output=True, text=True, timeout=600, check=True).stdout
    last = done.strip().splitlines()[-1]
    found = re.search(r'^(\d+) records sent, .*\(([\d.]+) MB/sec\)', last)
    if not found or int(found[1]) != load['records']:
        raise RuntimeError(f'ProducerPerformance said: {done}')
    return float(found[2]), float(re.search(r'([\d.]+) ms avg latency', last)[1]), float(re.search(r'(\d+) ms 99th', last)[1])


def main():
    frame.heading(f'Kafka produce, {PARTITIONS} partitions, one producer (medians of {ROUNDS}, least and most in brackets)')
    measures = collections.defaultdict(list)
    with tempfile.TemporaryDirectory(dir=os.environ.get('MEKONG_BENCH_DIR')) as folder:
        kafka = Kafka(folder)
        mekong = MekongSide(folder)
        try:
            kafka.wait()
            mekong.create_topic('bench', PARTITIONS)
            kafka.create_topic('synced', PARTITIONS, flush_messages=1)
            kafka.create_topic('cached', PARTITIONS)
            plain = {**os.environ}
            runs = {'Mekong': (mekong.bootstrap, mekong.properties, mekong.environment, 'bench'),
                    'Kafka, synced': (kafka.bootstrap, kafka.properties, plain, 'synced'),
                    'Kafka, not synced': (kafka.bootstrap, kafka.properties, plain, 'cached')}
            for number in range(ROUNDS + 1):
                for side in SIDES:
                    rate, _, _ = produce(*runs[side], MANY)
                    _, mean, tail = produce(*runs[side], ONE_BY_ONE)
                    if number > 0:  # the first round warms both up
                        for name, value in zip(BETTER, (rate, mean, tail)):
                            measures[side, name].append(value)
            for side, process in (('Mekong', mekong.server.process), ('Kafka, synced', kafka.process),
                                  ('Kafka, not synced', kafka.process)):
                measures[side, 'MiB after all'].append(frame.resident_mib(process.pid))
        finally:
            mekong.server.stop()
            kafka.stop()
    frame.table(measures, SIDES, BETTER)


if __name__ == '__main__':
    main()
