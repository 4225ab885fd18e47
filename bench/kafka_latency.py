"""From a producer to a consumer, one record of 100 B every 5 ms with acks=all: Mekong beside Apache Kafka.

Both clients are Apache's, in one process (EndToEnd.java); then librdkafka's, in two (end_to_end.py), which take less by
themselves, so that more of what is seen is the server's. Mekong shows a record when it is on disk, Kafka when it is in the
page cache; synced (flush.messages=1) it does as Mekong does. "In memory" is Mekong on a file system without a disk: what the
clients take by themselves, which no server can do better than. Beside it stands what the disk takes for a write of 4 KiB and
its sync, as Mekong's journal does one a record.
"""
import collections
import mmap
import os
import pathlib
import statistics
import sys
import tempfile
import time

import frame
from kafka_sides import JARS, KAFKA, PLAIN, TLS, run, sides, topic

PROGRAMS = pathlib.Path(__file__).parent
SYNCED, IN_MEMORY = 'Kafka, synced', 'Mekong, in memory'
SIDES = (PLAIN, KAFKA, SYNCED, TLS, IN_MEMORY)
PERCENTILES = ('p50 ms', 'p99 ms', 'p99.9 ms')
CPU, NATIVE = 'server CPU ms a record', 'librdkafka, '
BETTER = dict.fromkeys([*PERCENTILES, CPU, *(NATIVE + one for one in (*PERCENTILES, CPU))], 'lower')
PAUSE_MS = 5


def one(side, name, records):
    """Of BETTER's measures the values, in its order."""
    with topic(side, 'bench', 1, **({'flush_messages': 1} if name == SYNCED else {})):
        words = side.properties, side.bootstrap, 'bench', records, 100, PAUSE_MS
        for client in (['java', '-cp', JARS, PROGRAMS / 'EndToEnd.java'], [sys.executable, PROGRAMS / 'end_to_end.py']):
            before = frame.cpu_s(side.process.pid)
            yield from map(float, run(side, *client, *words).split()[-3:])
            yield (frame.cpu_s(side.process.pid) - before) * 1000 / records


def disk_alone(writes):
    """p50, p99 in ms of a write of 4 KiB around the page cache and its sync, every PAUSE_MS."""
    taken = []
    with tempfile.NamedTemporaryFile(dir=os.environ.get('MEKONG_BENCH_DIR')) as file, mmap.mmap(-1, 1 << 20) as page:
        file.write(bytes(1 << 20))
        os.fsync(file.fileno())
        descriptor = os.open(file.name, os.O_RDWR | os.O_DIRECT)
        for number in range(writes):
            before = time.monotonic()
            os.pwrite(descriptor, memoryview(page)[:4096], number % 256 * 4096)
            os.fdatasync(descriptor)
            taken.append((time.monotonic() - before) * 1000)
            time.sleep(PAUSE_MS / 1000)
        os.close(descriptor)
    cuts = statistics.quantiles(taken, n=100)
    return cuts[49], cuts[98]


def main():
    asked = frame.options(seconds=10.0, rounds=3)
    frame.heading(f'Kafka end to end, 100 B every {PAUSE_MS} ms (medians of {asked.rounds} runs of {asked.seconds:g} s, '
                  'least and most in brackets)')
    measures = collections.defaultdict(list)
    records = int(asked.seconds * 1000 / PAUSE_MS)
    memory = '/dev/shm' if pathlib.Path('/dev/shm').is_dir() else None
    with sides(PLAIN, KAFKA, TLS) as started, sides(PLAIN, folder=memory) as in_memory:
        started[IN_MEMORY] = in_memory[PLAIN]
        for number in range(asked.rounds + 1):
            for name in SIDES:
                got = list(one(started[KAFKA if name == SYNCED else name], name, records if number else records // 5))
                for measure, value in zip(BETTER, got if number else ()):  # the first round warms up
                    measures[name, measure].append(value)
    frame.table(measures, SIDES, BETTER)
    print('\nThe disk alone, 4 KiB and its sync: p50 {:.2f}, p99 {:.2f} ms'.format(*disk_alone(records // 2)))


if __name__ == '__main__':
    main()
