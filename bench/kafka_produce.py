"""Producing with acks=all to 4 partitions, by Kafka 4.1.2's own ProducerPerformance: Mekong beside Apache Kafka.

Mekong answers when the record is on disk (fdatasync). Kafka by default answers when it is in the page cache and leaves
power loss to replicas; flush.messages=1 makes it sync each append: that is the like-for-like side. Both are shown.
The client's CPU and the cores that both keep busy tell whether client and machine are the limit.
How many records make a run of --seconds is found by a run that warms each side up. Before each run the disk is at rest.
"""
import collections
import os
import statistics

import frame
from kafka_sides import KAFKA, PLAIN, TLS, produce, sides, topic

SYNCED = 'Kafka, synced'
SETTINGS = ('linger.ms=5', 'batch.size=65536', 'compression.type=none', 'buffer.memory=67108864')
RATE, P99, CPU = 'records/s', 'p99 ms, saturated', 'server CPU s/GB'
CLIENT, BUSY = "client's CPU s/GB", 'cores busy'
BETTER = {RATE: 'higher', P99: 'lower', CPU: 'lower', CLIENT: 'lower'}
# What is shown side by side: the title, the bytes of a record, who.
TABLES = [('1 KiB', 1024, (PLAIN, KAFKA, SYNCED)), ('100 B', 100, (PLAIN, KAFKA, SYNCED)),
          ('1 KiB, over TLS with IAM', 1024, (TLS, PLAIN))]


def one(side, name, records, size):
    with topic(side, 'bench', **({'flush_messages': 1} if name == SYNCED else {})):
        os.sync()
        return produce(side, 'bench', records, size, *SETTINGS)


def main():
    asked = frame.options(seconds=10.0, rounds=3)
    frame.heading(f'Kafka produce, acks=all, 4 partitions, one producer (medians of {asked.rounds} runs of about '
                  f'{asked.seconds:g} s, least and most in brackets)')
    measures = collections.defaultdict(list)
    with sides(PLAIN, TLS, KAFKA) as started:
        runs = {(name, size): started[KAFKA if name == SYNCED else name] for _, size, names in TABLES for name in names}
        records = {}
        for (name, size), side in runs.items():
            rate, *_ = one(side, name, int(200e6 / (size + 100)), size)
            records[name, size] = int(rate * asked.seconds)
        for _ in range(asked.rounds):
            for (name, size), side in runs.items():
                for measure, value in zip((*BETTER, BUSY), one(side, name, records[name, size], size)):
                    measures[name, size, measure].append(value)
        resident = {name: frame.resident_mib(side.process.pid, children=False) for name, side in started.items()}
    for title, size, names in TABLES:
        print(f'\n{title}\n')
        frame.table({(name, measure): measures[name, size, measure] for name in names for measure in BETTER}, names, BETTER)
        print(f'\nCores busy, client and server, of {os.cpu_count()}: ' +
              ', '.join(f'{name} {statistics.median(measures[name, size, BUSY]):.2f}' for name in names))
    plain, tls = (statistics.median(measures[name, 1024, RATE]) for name in (PLAIN, TLS))
    print(f'\nTLS and IAM beside plaintext: {tls / plain:.2f}')
    print('MiB resident after all: ' + ', '.join(f'{name} {mib:.0f}' for name, mib in resident.items()))


if __name__ == '__main__':
    main()
