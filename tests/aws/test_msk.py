"""MSK's own API through boto3; what speaks Kafka stands in tests/kafka."""
import uuid

import pytest
from callers import allow, code_of, role_session
from kafka_client import create_topic, settings_of

SERVERLESS = {'VpcConfigs': [{'SubnetIds': ['subnet-1', 'subnet-2']}],
              'ClientAuthentication': {'Sasl': {'Iam': {'Enabled': True}}}}


@pytest.fixture
def cluster(aws):
    made = aws('kafka').create_cluster_v2(ClusterName='tags-' + uuid.uuid4().hex[:8], Serverless=SERVERLESS,
                                          Tags={'team': 'sales'})
    yield made['ClusterArn']
    aws('kafka').delete_cluster(ClusterArn=made['ClusterArn'])


def test_tags_come_go_and_have_limits(aws, cluster):
    kafka = aws('kafka')
    assert kafka.list_tags_for_resource(ResourceArn=cluster)['Tags'] == {'team': 'sales'}
    kafka.tag_resource(ResourceArn=cluster, Tags={'team': 'ops', 'Cost centre': 'Ü/7', 'empty': ''})
    tags = {'team': 'ops', 'Cost centre': 'Ü/7', 'empty': ''}
    assert kafka.list_tags_for_resource(ResourceArn=cluster)['Tags'] == tags
    assert kafka.describe_cluster_v2(ClusterArn=cluster)['ClusterInfo']['Tags'] == tags
    kafka.untag_resource(ResourceArn=cluster, TagKeys=['empty', 'never there'])
    for refused in ({'aws:x': '1'}, {'k!': '1'}, {'k' * 129: '1'}, {'k': 'v' * 257}, {f'k{i}': '' for i in range(49)}):
        assert code_of(kafka.tag_resource, ResourceArn=cluster, Tags=refused) == 'BadRequestException', refused
    del tags['empty']
    assert kafka.list_tags_for_resource(ResourceArn=cluster)['Tags'] == tags  # nothing of what was refused
    assert code_of(kafka.list_tags_for_resource, ResourceArn=cluster + 'x') == 'NotFoundException'
    assert code_of(kafka.list_tags_for_resource, ResourceArn='arn:aws:kafka:x') == 'BadRequestException'


def test_topics_are_listed_to_those_who_may_see_them(mekong, cluster):
    kafka, settings = mekong.client('kafka'), settings_of(mekong, cluster)
    assert kafka.list_topics(ClusterArn=cluster)['Topics'] == []
    for topic, partitions in (('orders', 3), ('orders-late', 1), ('users', 2)):
        create_topic(settings, topic, partitions)
    arn = cluster.replace(':cluster/', ':topic/') + '/'
    assert kafka.list_topics(ClusterArn=cluster, MaxResults=1)['Topics'] == [
        {'TopicArn': arn + 'orders', 'TopicName': 'orders', 'PartitionCount': 3, 'ReplicationFactor': 1,
         'OutOfSyncReplicaCount': 0}]
    pages = list(kafka.get_paginator('list_topics').paginate(ClusterArn=cluster, PaginationConfig={'PageSize': 2}))
    assert [[topic['TopicName'] for topic in page['Topics']] for page in pages] == [['orders', 'orders-late'], ['users']]
    late = kafka.list_topics(ClusterArn=cluster, TopicNameFilter='orders-')['Topics']
    assert [topic['TopicName'] for topic in late] == ['orders-late']
    ours = mekong.client('kafka', **role_session(mekong, [
        allow(['kafka:ListTopics', 'kafka-cluster:Connect'], cluster),
        allow('kafka-cluster:DescribeTopic', arn + 'users')]))
    assert [topic['TopicName'] for topic in ours.list_topics(ClusterArn=cluster)['Topics']] == ['users']
    assert code_of(ours.list_topics, ClusterArn=cluster + 'x') == 'AccessDeniedException'
    assert code_of(kafka.list_topics, ClusterArn=cluster + 'x') == 'NotFoundException'
    for action in ('kafka:ListTopics', 'kafka-cluster:Connect'):
        less = mekong.client('kafka', **role_session(mekong, [allow(action), allow('kafka-cluster:DescribeTopic')]))
        assert code_of(less.list_topics, ClusterArn=cluster) == 'AccessDeniedException'


def test_partitions_of_a_topic_are_described_to_those_who_may_see_it(mekong, cluster):
    kafka = mekong.client('kafka')
    create_topic(settings_of(mekong, cluster), 'orders', 3)
    asked = {'ClusterArn': cluster, 'TopicName': 'orders'}
    pages = list(kafka.get_paginator('describe_topic_partitions').paginate(**asked, PaginationConfig={'PageSize': 2}))
    assert [page['Partitions'] for page in pages] == [
        [{'Partition': p, 'Leader': 1, 'Replicas': [1], 'Isr': [1]} for p in some] for some in ([0, 1], [2])]
    assert code_of(kafka.describe_topic_partitions, **asked, NextToken='x') == 'BadRequestException'
    absent = {'ClusterArn': cluster, 'TopicName': 'users'}
    elsewhere = {'ClusterArn': cluster + 'x', 'TopicName': 'orders'}
    for nothing in (absent, elsewhere):
        assert code_of(kafka.describe_topic_partitions, **nothing) == 'NotFoundException'
    arn = cluster.replace(':cluster/', ':topic/') + '/orders'
    needed = [allow('kafka-cluster:Connect', cluster), *(allow(action, arn) for action in (
        'kafka:DescribeTopicPartitions', 'kafka-cluster:DescribeTopic', 'kafka-cluster:DescribeTopicDynamicConfiguration'))]
    ours = mekong.client('kafka', **role_session(mekong, needed))
    assert len(ours.describe_topic_partitions(**asked)['Partitions']) == 3
    for hidden in (absent, elsewhere):  # nor whether it exists
        assert code_of(ours.describe_topic_partitions, **hidden) == 'AccessDeniedException'
    for lacking in needed:
        less = mekong.client('kafka', **role_session(mekong, [one for one in needed if one != lacking]))
        assert code_of(less.describe_topic_partitions, **asked) == 'AccessDeniedException', lacking


def test_tags_decide_permissions(mekong, cluster):
    ours = mekong.client('kafka', **role_session(mekong, [
        allow(['kafka:TagResource'], cluster, StringEquals={'aws:RequestTag/team': ['sales', 'ops']}),
        allow(['kafka:UntagResource'], cluster, **{'ForAllValues:StringEquals': {'aws:TagKeys': ['env']}}),
        allow(['kafka:DescribeClusterV2', 'kafka:ListTagsForResource'],
              StringEquals={'aws:ResourceTag/team': 'sales'})]))
    assert ours.describe_cluster_v2(ClusterArn=cluster)['ClusterInfo']['State'] == 'ACTIVE'
    assert code_of(ours.tag_resource, ResourceArn=cluster, Tags={'team': 'other'}) == 'AccessDeniedException'
    assert code_of(ours.untag_resource, ResourceArn=cluster, TagKeys=['team']) == 'AccessDeniedException'
    ours.untag_resource(ResourceArn=cluster, TagKeys=['env'])
    ours.tag_resource(ResourceArn=cluster, Tags={'team': 'ops'})
    for call in (ours.describe_cluster_v2, ours.list_tags_for_resource):
        name = 'ClusterArn' if call == ours.describe_cluster_v2 else 'ResourceArn'
        assert code_of(call, **{name: cluster}) == 'AccessDeniedException'
        assert code_of(call, **{name: cluster + 'x'}) == 'AccessDeniedException'  # nor whether it exists
    assert code_of(ours.delete_cluster, ClusterArn=cluster) == 'AccessDeniedException'
