"""What EndToEnd.java does, with librdkafka in two processes: a producer and a consumer of one record every few milliseconds.

Arguments: PROPERTIES BOOTSTRAP TOPIC RECORDS BYTES PAUSE_MS. Prints the percentiles 50, 99 and 99.9 in ms of what came after the
first fifth, which warms up. Who logs in finds the key, the region and the authority in the environment."""
import os
import pathlib
import struct
import subprocess
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition
from kafka_sides import signed


def settings(properties, bootstrap):
    protocol = next(line.split('=', 1)[1] for line in pathlib.Path(properties).read_text().splitlines()
                    if line.startswith('security.protocol='))
    if not protocol.startswith('SASL_'):
        return {'bootstrap.servers': bootstrap}
    key = os.environ['AWS_ACCESS_KEY_ID'], os.environ['AWS_SECRET_ACCESS_KEY']
    authority = {'ssl.ca.location': os.environ['AWS_CA_BUNDLE']} if protocol == 'SASL_SSL' else {}
    return signed(bootstrap, key, os.environ['AWS_REGION']) | {'security.protocol': protocol} | authority


def send(common, topic, records, size, pause_ms):
    producer = Producer(common | {'acks': 'all', 'linger.ms': 0})
    producer.list_topics(topic, 30)
    due = time.monotonic_ns()
    for _ in range(records):
        while (left := due - time.monotonic_ns()) > 0:
            time.sleep(left / 1e9)
        producer.produce(topic, struct.pack('>q', time.monotonic_ns()).ljust(size, b'\0'), partition=0)
        producer.poll(0)
        due += int(pause_ms * 1e6)
    if producer.flush(30):
        raise RuntimeError('records are left')


def receive(common, topic, records):
    consumer = Consumer(common | {'group.id': 'none', 'enable.auto.commit': False})
    end = consumer.get_watermark_offsets(TopicPartition(topic, 0), 30)[1]
    consumer.assign([TopicPartition(topic, 0, end)])
    consumer.poll(0)
    sender = subprocess.Popen([sys.executable, __file__, *sys.argv[1:], 'send'])
    taken = []
    while len(taken) < records:
        record = consumer.poll(20)
        if record is None or record.error():
            raise RuntimeError(f'{len(taken)} of {records} records came: {record and record.error()}')
        taken.append((time.monotonic_ns() - struct.unpack_from('>q', record.value())[0]) / 1e6)
    consumer.close()
    if sender.wait():
        raise RuntimeError('the producer failed')
    taken = sorted(taken[records // 5:])
    print(*(taken[int((len(taken) - 1) * part)] for part in (0.5, 0.99, 0.999)))


def main():
    properties, bootstrap, topic, records, size, pause_ms = sys.argv[1:7]
    common = settings(properties, bootstrap)
    if len(sys.argv) > 7:
        send(common, topic, int(records), int(size), float(pause_ms))
    else:
        receive(common, topic, int(records))


if __name__ == '__main__':
    main()
