"""What was acknowledged is there after kill -9: topics, records, group offsets, the memory of idempotent producers."""
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka_server import Server, confluent


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path)
    yield made
    made.stop()


def started(kind, settings):
    client = kind(settings)
    client.poll(0.1)
    return client


def produce(bootstrap, topic, values):
    producer = started(Producer, {**confluent(bootstrap), 'enable.idempotence': True})
    offsets = []
    for value in values:
        producer.produce(topic, value, on_delivery=lambda error, message: offsets.append(message.offset()))
    assert producer.flush(20) == 0
    return offsets


def test_acknowledged_survives_kill(server, topic, group):
    bootstrap = server.start()
    admin = started(AdminClient, confluent(bootstrap))
    admin.create_topics([NewTopic(topic, 1, -1)])[topic].result(timeout=20)
    assert produce(bootstrap, topic, [b'%d' % i for i in range(50)]) == list(range(50))
    consumer = started(Consumer, {**confluent(bootstrap), 'group.id': group})
    consumer.commit(offsets=[TopicPartition(topic, 0, 20)], asynchronous=False)
    server.kill()
    consumer.close()

    bootstrap = server.start()
    assert produce(bootstrap, topic, [b'%d' % i for i in range(50, 60)]) == list(range(50, 60))
    consumer = started(Consumer, {**confluent(bootstrap), 'group.id': group, 'auto.offset.reset': 'error'})
    consumer.subscribe([topic])
    seen = []
    for _ in range(200):
        message = consumer.poll(0.1)
        if message is not None and not message.error():
            seen.append(message.value())
        if len(seen) == 40:
            break
    consumer.close()
    assert seen == [b'%d' % i for i in range(20, 60)]


def test_deleted_topics_stay_deleted(server, topic):
    bootstrap = server.start()
    admin = started(AdminClient, confluent(bootstrap))
    admin.create_topics([NewTopic(topic, 2, -1)])[topic].result(timeout=20)
    admin.delete_topics([topic])[topic].result(timeout=20)
    server.kill()
    bootstrap = server.start()
    admin = started(AdminClient, confluent(bootstrap))
    assert topic not in admin.list_topics(timeout=20).topics
    assert not [entry for entry in (server.folder / 'log').iterdir() if entry.name.endswith(('-0', '-1'))]
