"""Consuming from 4 partitions, by Kafka 4.1.2's own ConsumerPerformance: Mekong beside Apache Kafka, both from the page cache.

The client is the limit: compare the server's CPU. A run reads as many records as it reads in --seconds, at most 3 GB: all
sides must fit in the page cache. Joining the group is not counted.
"""
import collections

import frame
from kafka_sides import KAFKA, PLAIN, consume, create, produce, sides

RATE, CPU = 'records/s', 'server CPU s/GB'
BETTER = {RATE: 'higher', CPU: 'lower'}
BYTES_MAX = 3e9
SIZES = {1024: 700_000, 100: 1_400_000}  # bytes of a record: about what the client can read in a second


def main():
    asked = frame.options(seconds=10.0, rounds=3)
    frame.heading(f'Kafka consume, 4 partitions, one consumer (medians of {asked.rounds} runs of about {asked.seconds:g} s, '
                  'least and most in brackets)')
    for size, rate in SIZES.items():
        measures = collections.defaultdict(list)
        records = int(min(rate * asked.seconds, BYTES_MAX / size))
        with sides(PLAIN, KAFKA) as started:
            for side in started.values():
                create(side, 'bench')
                produce(side, 'bench', int(records * 1.05), size, 'linger.ms=5', 'batch.size=65536')
            for _ in range(asked.rounds):
                for name, side in started.items():
                    for measure, value in zip(BETTER, consume(side, 'bench', records, size)):
                        measures[name, measure].append(value)
            resident = {name: frame.resident_mib(side.process.pid) for name, side in started.items()}
        print(f'\n{size} B, {records} records a run\n')
        frame.table(measures, (PLAIN, KAFKA), BETTER)
        print('\nMiB resident after all: ' + ', '.join(f'{name} {mib:.0f}' for name, mib in resident.items()))


if __name__ == '__main__':
    main()
