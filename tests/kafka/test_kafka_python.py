"""kafka-python, unmodified, with MSK's IAM tokens."""
import time

import pytest
from kafka_server import kafka_python, read_to_end
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError, TopicAuthorizationFailedError


@pytest.fixture
def admin(bootstrap):
    client = KafkaAdminClient(**kafka_python(bootstrap))
    yield client
    client.close()


def make(admin, topic, partitions=3, **configs):
    admin.create_topics([NewTopic(topic, partitions, -1, topic_configs=configs)])


def produce(bootstrap, topic, count, user='all', **options):
    producer = KafkaProducer(**kafka_python(bootstrap, user), **options)
    sent = [producer.send(topic, value=b'value-%d' % i, key=b'key-%d' % i) for i in range(count)]
    producer.flush(timeout=20)
    results = [future.get(timeout=20) for future in sent]
    producer.close()
    return results


def test_create_describe_delete(admin, topic):
    make(admin, topic, 10, **{'retention.ms': '3600000'})
    described = admin.describe_topics([topic])[0]
    assert len(described['partitions']) == 10
    with pytest.raises(TopicAlreadyExistsError):
        make(admin, topic)
    admin.delete_topics([topic])
    assert topic not in admin.list_topics()


def test_idempotent_produce_and_read_back(bootstrap, admin, topic):
    make(admin, topic)
    results = produce(bootstrap, topic, 300, acks='all', enable_idempotence=True)
    by_partition = {}
    for result in results:
        by_partition.setdefault(result.partition, []).append(result.offset)
    for offsets in by_partition.values():
        assert sorted(offsets) == list(range(len(offsets)))
    assert sorted(r.value for r in read_to_end(bootstrap, topic)) == sorted(b'value-%d' % i for i in range(300))


def test_compressed_batches_pass_through(bootstrap, admin, topic):
    make(admin, topic, 1)
    produce(bootstrap, topic, 50, compression_type='gzip', linger_ms=50)
    assert len(read_to_end(bootstrap, topic)) == 50


def test_a_group_goes_on_where_it_committed(bootstrap, admin, topic, group):
    make(admin, topic, 2)
    produce(bootstrap, topic, 40)

    def read(count):
        consumer = KafkaConsumer(topic, **kafka_python(bootstrap), group_id=group, auto_offset_reset='earliest',
                                 enable_auto_commit=False, max_poll_records=count)
        seen, deadline = [], time.time() + 20
        while len(seen) < count and time.time() < deadline:
            for records in consumer.poll(500, max_records=count - len(seen)).values():
                seen += [r.value for r in records]
        consumer.commit()
        consumer.close()
        return seen

    first, second = read(15), read(25)
    assert len(first) == 15
    assert sorted(first + second) == sorted(b'value-%d' % i for i in range(40))


def test_offsets_by_time(bootstrap, admin, topic):
    make(admin, topic, 1)
    produce(bootstrap, topic, 1)
    time.sleep(0.05)
    middle = int(time.time() * 1000)
    time.sleep(0.05)
    produce(bootstrap, topic, 1)
    consumer = KafkaConsumer(**kafka_python(bootstrap))
    partition = TopicPartition(topic, 0)
    assert consumer.beginning_offsets([partition]) == {partition: 0}
    assert consumer.end_offsets([partition]) == {partition: 2}
    assert consumer.offsets_for_times({partition: middle})[partition].offset == 1
    consumer.close()


def test_without_write_data_the_producer_is_refused_by_name(bootstrap, admin, topic):
    make(admin, topic)
    with pytest.raises(TopicAuthorizationFailedError):
        produce(bootstrap, topic, 1, user='read', enable_idempotence=False)


def test_the_seeds_policy_is_enough_to_produce_idempotently(bootstrap, admin, topic):
    make(admin, topic)
    assert len(produce(bootstrap, topic, 5, user='seed', acks='all', enable_idempotence=True)) == 5


def test_an_unknown_key_cannot_connect(bootstrap, caplog):
    with pytest.raises(KafkaError):  # the client tries again until its time is up
        KafkaAdminClient(**kafka_python(bootstrap, 'wrong'), bootstrap_timeout_ms=2000)
    assert 'SaslAuthenticationFailedError' in caplog.text and 'Access denied' in caplog.text
