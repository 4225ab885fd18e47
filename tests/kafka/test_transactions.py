"""Transactions with the clients that have them: librdkafka, kafka-python, Java. What is committed is read once by
read_committed consumers, together with the positions that went with it; what is aborted is not."""
import os
import pathlib
import subprocess
import time

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka_server import SERVERS, Server, confluent, kafka_python, read_to_end
from test_java import JARS, PROPERTIES


def started(kind, settings, **more):
    """A client whose token is fetched before the first call."""
    client = kind({**settings, **more})
    client.poll(0.1)
    return client


def make(bootstrap, topic, partitions=2):
    admin = started(AdminClient, confluent(bootstrap))
    admin.create_topics([NewTopic(topic, partitions, -1)])[topic].result(timeout=20)


def transactional(bootstrap, name):
    producer = started(Producer, confluent(bootstrap), **{'transactional.id': name})
    producer.init_transactions(20)
    return producer


def write(producer, topic, values, commit=True):
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value)
    producer.flush(20)
    producer.commit_transaction(20) if commit else producer.abort_transaction(20)


def read(bootstrap, topic, count, isolation='read_committed', partitions=2):
    """The values of all partitions up to where each ends for this reader."""
    consumer = started(Consumer, confluent(bootstrap), **{'group.id': 'r', 'isolation.level': isolation,
                                                          'enable.partition.eof': True})
    consumer.assign([TopicPartition(topic, i, 0) for i in range(partitions)])
    seen, ended, deadline = [], set(), time.time() + 30
    while time.time() < deadline:
        message = consumer.poll(0.1)
        if message is None:
            continue
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF
            ended.add(message.partition())
        else:
            seen.append(message.value())
        if len(ended) == partitions and len(seen) >= count:
            break
    consumer.close()
    return sorted(seen)


def test_committed_is_read_and_aborted_is_not(bootstrap, topic):
    make(bootstrap, topic)
    producer = transactional(bootstrap, topic)
    good, bad = [b'good %d' % i for i in range(40)], [b'bad %d' % i for i in range(40)]
    write(producer, topic, good[:20])
    write(producer, topic, bad, commit=False)
    write(producer, topic, good[20:])
    assert read(bootstrap, topic, 40) == sorted(good)
    assert read(bootstrap, topic, 80, 'read_uncommitted') == sorted(good + bad)


def test_what_is_open_holds_readers_back_until_it_is_decided(bootstrap, topic):
    make(bootstrap, topic, 1)
    producer = transactional(bootstrap, topic)
    producer.begin_transaction()
    producer.produce(topic, b'open')
    producer.flush(20)
    plain = started(Producer, confluent(bootstrap))
    plain.produce(topic, b'after it')
    plain.flush(20)
    assert read(bootstrap, topic, 0, partitions=1) == []
    assert read(bootstrap, topic, 2, 'read_uncommitted', 1) == [b'after it', b'open']
    producer.commit_transaction(20)
    assert read(bootstrap, topic, 2, partitions=1) == [b'after it', b'open']


def test_positions_are_committed_with_the_records(bootstrap, topic, group):
    make(bootstrap, topic, 1)
    consumer = started(Consumer, confluent(bootstrap), **{'group.id': group, 'enable.auto.commit': False})
    producer = transactional(bootstrap, topic)
    for position, commit, stored in ((5, False, -1001), (7, True, 7)):
        producer.begin_transaction()
        producer.produce(topic, b'v')
        producer.send_offsets_to_transaction([TopicPartition(topic, 0, position)],
                                             consumer.consumer_group_metadata(), 20)
        producer.commit_transaction(20) if commit else producer.abort_transaction(20)
        assert consumer.committed([TopicPartition(topic, 0)], timeout=20)[0].offset == stored
    consumer.close()


def test_a_second_producer_fences_the_first(bootstrap, topic):
    make(bootstrap, topic)
    first = transactional(bootstrap, topic)
    first.begin_transaction()
    first.produce(topic, b'of the first')
    first.flush(20)
    write(transactional(bootstrap, topic), topic, [b'of the second'])
    with pytest.raises(KafkaException) as refused:
        first.commit_transaction(20)
    assert refused.value.args[0].code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED)
    assert read(bootstrap, topic, 1) == [b'of the second']


def test_without_permission_it_fails_by_name(bootstrap):
    producer = started(Producer, confluent(bootstrap, 'seed'), **{'transactional.id': 'not mine'})
    with pytest.raises(KafkaException) as refused:
        producer.init_transactions(20)
    assert refused.value.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


def test_kafka_python(bootstrap, topic):
    from kafka import KafkaProducer
    make(bootstrap, topic)
    producer = KafkaProducer(transactional_id=topic, **kafka_python(bootstrap))
    producer.init_transactions()
    for values, end in (([b'a', b'b'], producer.commit_transaction), ([b'x'], producer.abort_transaction),
                        ([b'c'], producer.commit_transaction)):
        producer.begin_transaction()
        for value in values:
            producer.send(topic, value)
        producer.flush()
        end()
    producer.close()
    found = read_to_end(bootstrap, topic, isolation_level='read_committed')
    assert sorted(message.value for message in found) == [b'a', b'b', b'c']


def test_java_copies_exactly_once(bootstrap, topic, group, tmp_path):
    for name in (topic, topic + '-copy'):
        make(bootstrap, name)
    values = [b'%d' % i for i in range(200)]
    plain = started(Producer, confluent(bootstrap))
    for value in values:
        plain.produce(topic, value)
    assert plain.flush(20) == 0
    properties = tmp_path / 'client.properties'
    properties.write_text(PROPERTIES.format(ca=SERVERS[bootstrap].ca) + f'bootstrap.servers={bootstrap}\n')
    key, secret = SERVERS[bootstrap].keys['all']
    source = pathlib.Path(__file__).with_name('TransactionalCopy.java')
    done = subprocess.run(['java', '-cp', str(JARS), str(source), str(properties), topic, topic + '-copy', group, topic,
                           str(len(values))], capture_output=True, text=True, timeout=90, check=False,
                          env=dict(os.environ, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret,
                                   AWS_REGION='us-east-1'))
    assert 'copied in' in done.stdout, done.stdout + done.stderr
    assert read(bootstrap, topic + '-copy', 200) == sorted(values)
    consumer = started(Consumer, confluent(bootstrap), **{'group.id': group})
    positions = consumer.committed([TopicPartition(topic, i) for i in range(2)], timeout=20)
    assert sum(max(position.offset, 0) for position in positions) == len(values)
    consumer.close()


def test_transactions_survive_kill(tmp_path, topic):
    server = Server(tmp_path)
    bootstrap = server.start()
    make(bootstrap, topic)
    producer = transactional(bootstrap, topic)
    write(producer, topic, [b'committed'])
    write(producer, topic, [b'aborted'], commit=False)
    producer.begin_transaction()
    producer.produce(topic, b'open')
    producer.flush(20)
    server.kill()
    bootstrap = server.start()
    assert read(bootstrap, topic, 1) == [b'committed']
    # The producer goes on where it was: the server has lost nothing of the transaction.
    producer.produce(topic, b'and more')
    producer.commit_transaction(30)
    assert read(bootstrap, topic, 3) == [b'and more', b'committed', b'open']
    server.stop()
