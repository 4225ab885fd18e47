"""confluent-kafka (librdkafka), unmodified, with MSK's IAM tokens."""
import time

import pytest
from confluent_kafka import (Consumer, ConsumerGroupTopicPartitions, IsolationLevel, KafkaError, KafkaException,
                             Producer, TopicPartition)
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions,
                                   NewTopic, OffsetSpec)
from kafka_server import confluent


def client(kind, settings, **more):
    """A client whose token is fetched before the first call."""
    made = kind({**settings, **more})
    made.poll(0) if kind is not Consumer else made.poll(0.1)
    return made


@pytest.fixture
def admin(bootstrap):
    return client(AdminClient, confluent(bootstrap))


def wait(futures):
    return {key: future.result(timeout=20) for key, future in futures.items()}


def make(admin, topic, partitions=3, **config):
    wait(admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=-1, config=config)]))


def produce(bootstrap, topic, count, user='all', **options):
    producer = client(Producer, confluent(bootstrap, user), **options)
    outcomes = []
    for i in range(count):
        producer.produce(topic, b'value-%d' % i, b'key-%d' % i, on_delivery=lambda e, m: outcomes.append((e, m)))
    assert producer.flush(20) == 0
    return outcomes


def read_all(bootstrap, topic, group, count, seconds=20, **options):
    consumer = client(Consumer, confluent(bootstrap), **{'group.id': group, 'auto.offset.reset': 'earliest',
                                                         'enable.auto.commit': False, **options})
    consumer.subscribe([topic])
    seen, deadline = [], time.time() + seconds
    while len(seen) < count and time.time() < deadline:
        message = consumer.poll(0.5)
        if message is not None and not message.error():
            seen.append(message.value())
    if seen:
        consumer.commit(asynchronous=False)
    consumer.close()
    return seen


@pytest.mark.parametrize('compression', ['none', 'gzip', 'snappy', 'lz4', 'zstd'])
def test_idempotent_produce_and_group_read(bootstrap, admin, topic, group, compression):
    make(admin, topic)
    outcomes = produce(bootstrap, topic, 500, **{'enable.idempotence': True, 'compression.type': compression})
    assert [error for error, _ in outcomes if error] == []
    assert sorted(read_all(bootstrap, topic, group, 500)) == sorted(b'value-%d' % i for i in range(500))


def test_a_topic_made_anew_is_read_from_its_beginning(bootstrap, admin, topic, group):
    make(admin, topic, 1)
    produce(bootstrap, topic, 20)
    assert len(read_all(bootstrap, topic, group, 20)) == 20
    part = TopicPartition(topic, 0)

    def committed():
        asked = [ConsumerGroupTopicPartitions(group, [part])]
        return wait(admin.list_consumer_group_offsets(asked))[group].topic_partitions[0].offset
    assert committed() == 20
    wait(admin.delete_topics([topic]))
    assert committed() < 0
    make(admin, topic, 1)
    assert committed() < 0
    produce(bootstrap, topic, 30)
    assert read_all(bootstrap, topic, group, 30) == [b'value-%d' % i for i in range(30)]


def test_two_members_share_the_partitions(bootstrap, admin, topic, group):
    make(admin, topic, 4)
    settings = {'group.id': group, 'auto.offset.reset': 'earliest', 'session.timeout.ms': 6000}
    members = [client(Consumer, confluent(bootstrap), **settings) for _ in range(2)]
    for member in members:
        member.subscribe([topic])
    deadline = time.time() + 20
    while time.time() < deadline:
        for member in members:
            member.poll(0.1)
        if [len(m.assignment()) for m in members] == [2, 2]:
            break
    assert [len(m.assignment()) for m in members] == [2, 2]
    described = wait(admin.describe_consumer_groups([group]))[group]
    assert len(described.members) == 2 and described.state.name == 'STABLE'
    for member in members:
        member.close()
    wait(admin.delete_consumer_groups([group]))


def test_static_member_returns_to_its_partitions(bootstrap, admin, topic, group):
    make(admin, topic, 2)
    produce(bootstrap, topic, 20)
    first = read_all(bootstrap, topic, group, 20, **{'group.instance.id': 'one'})
    assert len(first) == 20
    produce(bootstrap, topic, 3)
    assert len(read_all(bootstrap, topic, group, 3, **{'group.instance.id': 'one'})) == 3


def test_configs_partitions_offsets(bootstrap, admin, topic):
    make(admin, topic, 1, **{'retention.ms': '60000'})
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    assert wait(admin.describe_configs([resource]))[resource]['retention.ms'].value == '60000'
    change = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[
        ConfigEntry('retention.ms', '120000', incremental_operation=AlterConfigOpType.SET)])
    wait(admin.incremental_alter_configs([change]))
    assert wait(admin.describe_configs([resource]))[resource]['retention.ms'].value == '120000'
    unknown = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[
        ConfigEntry('segment.ms', '1', incremental_operation=AlterConfigOpType.SET)])
    with pytest.raises(KafkaException) as refused:
        wait(admin.incremental_alter_configs([unknown]))
    assert refused.value.args[0].code() == KafkaError.INVALID_CONFIG
    wait(admin.create_partitions([NewPartitions(topic, 3)]))
    assert len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == 3
    produce(bootstrap, topic, 30)
    latest = wait(admin.list_offsets({TopicPartition(topic, i): OffsetSpec.latest() for i in range(3)}))
    assert sum(found.offset for found in latest.values()) == 30
    newest = wait(admin.list_offsets({TopicPartition(topic, i): OffsetSpec.max_timestamp() for i in range(3)}))
    assert any(found.offset >= 0 for found in newest.values())


@pytest.mark.parametrize('compression', ['none', 'gzip', 'snappy', 'lz4', 'zstd'])
def test_a_time_finds_the_record_not_its_batch(bootstrap, admin, topic, compression):
    make(admin, topic, 1)
    producer = client(Producer, confluent(bootstrap), **{'linger.ms': 500, 'compression.type': compression})
    for timestamp in (5000, 2000, 9000, 6000):  # in one batch
        producer.produce(topic, b'v', timestamp=timestamp)
    assert producer.flush(20) == 0
    part = TopicPartition(topic, 0)

    def found(spec):
        got = wait(admin.list_offsets({part: spec}, isolation_level=IsolationLevel.READ_COMMITTED))[part]
        return got.offset, got.timestamp
    assert found(OffsetSpec.for_timestamp(1)) == (0, 5000)
    assert found(OffsetSpec.for_timestamp(5001)) == (2, 9000)
    assert found(OffsetSpec.max_timestamp()) == (2, 9000)
    assert found(OffsetSpec.for_timestamp(9001))[0] == -1
    # Who reads what is committed does not see beyond an open transaction.
    open_one = client(Producer, confluent(bootstrap), **{'transactional.id': topic})
    open_one.init_transactions(20)
    open_one.begin_transaction()
    open_one.produce(topic, b'v', timestamp=9500)
    open_one.flush(20)
    assert found(OffsetSpec.for_timestamp(9001))[0] == -1
    open_one.commit_transaction(20)
    assert found(OffsetSpec.for_timestamp(9001)) == (4, 9500)


def test_describe_cluster(admin):
    cluster = admin.describe_cluster().result(timeout=20)
    assert [node.id for node in cluster.nodes] == [1]


def test_without_write_data_delivery_fails_by_name(bootstrap, admin, topic):
    make(admin, topic)
    outcomes = produce(bootstrap, topic, 1, user='read')
    assert outcomes[0][0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_unknown_topics_are_not_made(bootstrap, topic):
    outcomes = produce(bootstrap, topic, 1, **{'message.timeout.ms': 5000})
    assert outcomes[0][0].code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC,
                                     KafkaError._MSG_TIMED_OUT)
