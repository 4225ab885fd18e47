"""From a producer to a consumer, one record of 100 B every 5 ms with acks=all: Mekong beside Apache Kafka.

Both clients are Apache's, in one process (EndToEnd.java). Mekong shows a record when it is on disk, Kafka when it is in the
page cache; synced (flush.messages=1) it does as Mekong does.
"""
import collections

import frame
from kafka_sides import KAFKA, PLAIN, TLS, run, sides, topic

SYNCED = 'Kafka, synced'
SIDES = (PLAIN, KAFKA, SYNCED, TLS)
BETTER = {'p50 ms': 'lower', 'p99 ms': 'lower', 'p99.9 ms': 'lower', 'server CPU ms a record': 'lower'}
PAUSE_MS = 5


def one(side, name, records):
    with topic(side, 'bench', 1, **({'flush_messages': 1} if name == SYNCED else {})):
        before = frame.cpu_s(side.process.pid)
        said = run(side, frame.ROOT / 'bench' / 'EndToEnd.java', side.properties, side.bootstrap, 'bench', records, 100,
                   PAUSE_MS)
        return [*map(float, said.split()[-3:]), (frame.cpu_s(side.process.pid) - before) * 1000 / records]


def main():
    asked = frame.options(seconds=10.0, rounds=3)
    frame.heading(f'Kafka end to end, 100 B every {PAUSE_MS} ms (medians of {asked.rounds} runs of {asked.seconds:g} s, '
                  'least and most in brackets)')
    measures = collections.defaultdict(list)
    records = int(asked.seconds * 1000 / PAUSE_MS)
    with sides(PLAIN, KAFKA, TLS) as started:
        for number in range(asked.rounds + 1):
            for name in SIDES:
                got = one(started[KAFKA if name == SYNCED else name], name, records if number else records // 5)
                for measure, value in zip(BETTER, got if number else ()):  # the first round warms up
                    measures[name, measure].append(value)
    frame.table(measures, SIDES, BETTER)


if __name__ == '__main__':
    main()
