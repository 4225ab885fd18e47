"""Topics with cleanup.policy=compact, by two clients: what may be set, what is left, and how it is read with gaps."""
import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, ConfigResource
from kafka import KafkaConsumer

from kafka_client import create_topic, kafka_python_settings, serverless_cluster, settings_of
from server import Mekong

COMPACT = {'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01', 'max.compaction.lag.ms': '60000',
           'delete.retention.ms': '3600000'}


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    """Of its own: its clock is moved."""
    running = Mekong(str(tmp_path_factory.mktemp('compaction') / 'data')).start()
    yield running
    running.stop()


@pytest.fixture(scope='module')
def cluster(server):
    return serverless_cluster(server, 'compacted')


def read_by_confluent(settings, topic, group, end):
    """offset -> (key, value) of all that is committed before `end`."""
    consumer = Consumer({**settings, 'group.id': group, 'auto.offset.reset': 'earliest',
                         'isolation.level': 'read_committed', 'enable.partition.eof': True})
    consumer.subscribe([topic])
    seen = {}
    while True:
        message = consumer.poll(30)
        assert message is not None, seen
        if message.error():
            assert message.offset() == end, (message.offset(), end)
            break
        seen[message.offset()] = message.key(), message.value()
    consumer.close()
    return seen


def read_by_kafka_python(server, cluster, topic, last):
    consumer = KafkaConsumer(topic, group_id=None, auto_offset_reset='earliest', consumer_timeout_ms=30_000,
                             **kafka_python_settings(server, cluster))
    seen = {}
    while last not in seen:
        record = next(consumer)
        seen[record.offset] = record.key, record.value
    consumer.close()
    return seen


def compacted(server, days):
    """The service clock moves; the log's keeping goes by it."""
    assert server.command('clock', 'advance', f'{days}d').returncode == 0


def test_the_last_record_of_each_key_is_left(server, cluster):
    settings = settings_of(server, cluster)
    topic = 'last-of-each'
    create_topic(settings, topic, config=COMPACT)
    for compression in ('zstd', 'lz4', 'snappy', 'none', 'gzip'):  # kafka-python reads the last here
        producer = Producer({**settings, 'compression.type': compression, 'linger.ms': 20})
        for i in range(100):
            producer.produce(topic, b'%s %d' % (compression.encode(), i), key=b'key%d' % (i % 10))
        assert producer.flush(30) == 0
    transactional = Producer({**settings, 'transactional.id': topic})
    transactional.init_transactions(30)
    for outcome in (transactional.abort_transaction, transactional.commit_transaction):
        transactional.begin_transaction()
        transactional.produce(topic, outcome.__name__.encode(), key=b'key3')
        transactional.flush(30)
        outcome(30)
    producer.produce(topic, None, key=b'key5')  # a deletion
    producer.produce(topic, b'kept', key=b'other')
    assert producer.flush(30) == 0
    # 500 records, two of transactions with their markers, the deletion, and one more.
    end = 506
    before = read_by_confluent(settings, topic, 'before', end)
    assert len(before) == 503
    compacted(server, 1)
    left = {490 + i: (b'key%d' % i, b'gzip 9%d' % i) for i in range(10) if i not in (3, 5)}
    left |= {502: (b'key3', b'commit_transaction'), 505: (b'other', b'kept'), 504: (b'key5', None)}
    assert read_by_confluent(settings, topic, 'after', end) == left
    python = read_by_kafka_python(server, cluster, topic, 505)
    assert {offset: seen for offset, seen in python.items() if offset in left} == left


def test_what_is_set_acts_or_is_refused(server, cluster):
    settings = settings_of(server, cluster)
    for wrong in ({'cleanup.policy': 'squeeze'}, {'delete.retention.ms': '5'},
                  {'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '1.5'},
                  {'cleanup.policy': 'compact', 'segment.ms': '5'}):
        with pytest.raises(KafkaException) as refused:
            create_topic(settings, 'wrong', config=wrong)
        assert refused.value.args[0].name() == 'INVALID_CONFIG', wrong
    create_topic(settings, 'keyed', config={**COMPACT, 'cleanup.policy': 'compact,delete'})
    resource = ConfigResource(ConfigResource.Type.TOPIC, 'keyed')
    admin = AdminClient(settings)
    admin.poll(1)
    described = admin.describe_configs([resource])[resource].result(30)
    assert described['cleanup.policy'].value == 'compact,delete'
    assert described['min.cleanable.dirty.ratio'].value == '0.01'
    errors = []
    producer = Producer(settings)
    producer.produce('keyed', b'no key', on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(30) == 0
    assert errors[0].name() == 'INVALID_RECORD', errors
