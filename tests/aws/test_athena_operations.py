"""boto3 against Athena beside queries: work groups, saved queries, prepared statements, metadata, tags."""
import uuid

import pytest
from athena_client import Athena
from botocore.exceptions import ClientError
from test_services import code_of, role_session


@pytest.fixture(scope='module')
def athena(mekong):
    return Athena(mekong).make_place()


def group_name():
    return 'group-' + uuid.uuid4().hex[:8]


@pytest.fixture
def group(athena):
    name = group_name()
    athena.client.create_work_group(Name=name, Description='of a test', Tags=[{'Key': 'team', 'Value': 'a'}], Configuration={
        'ResultConfiguration': {'OutputLocation': f's3://{athena.bucket}/{name}/'}, 'EnforceWorkGroupConfiguration': True,
        'BytesScannedCutoffPerQuery': 10_000_000, 'PublishCloudWatchMetricsEnabled': False})
    yield name
    try:
        athena.client.delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)
    except ClientError:
        pass


def test_the_life_of_a_work_group(athena, group):
    client = athena.client
    found = client.get_work_group(WorkGroup=group)['WorkGroup']
    assert (found['State'], found['Description']) == ('ENABLED', 'of a test')
    assert found['Configuration']['BytesScannedCutoffPerQuery'] == 10_000_000
    assert found['Configuration']['EngineVersion']['EffectiveEngineVersion'] == 'Athena engine version 3'
    listed, token = {}, {}
    while token is not None:
        page = client.list_work_groups(MaxResults=2, **token)
        listed.update({g['Name']: g for g in page['WorkGroups']})
        token = {'NextToken': page['NextToken']} if 'NextToken' in page else None
    assert listed[group]['State'] == 'ENABLED' and 'primary' in listed
    assert code_of(client.create_work_group, Name=group) == 'InvalidRequestException'
    assert code_of(client.get_work_group, WorkGroup='absent') == 'InvalidRequestException'
    client.update_work_group(WorkGroup=group, State='DISABLED', Description='changed', ConfigurationUpdates={
        'RemoveBytesScannedCutoffPerQuery': True, 'EnforceWorkGroupConfiguration': False})
    found = client.get_work_group(WorkGroup=group)['WorkGroup']
    assert (found['State'], found['Description']) == ('DISABLED', 'changed')
    assert 'BytesScannedCutoffPerQuery' not in found['Configuration']
    assert code_of(athena.start, sql='SELECT 1', WorkGroup=group) == 'InvalidRequestException'
    assert code_of(client.delete_work_group, WorkGroup='primary') == 'InvalidRequestException'
    client.delete_work_group(WorkGroup=group)
    assert code_of(client.get_work_group, WorkGroup=group) == 'InvalidRequestException'


def test_settings_that_are_not_built_are_refused_by_name(athena):
    for settings in ({'PublishCloudWatchMetricsEnabled': True}, {'RequesterPaysEnabled': True},
                     {'ResultConfiguration': {'EncryptionConfiguration': {'EncryptionOption': 'SSE_S3'}}}):
        with pytest.raises(ClientError) as refused:
            athena.client.create_work_group(Name=group_name(), Configuration=settings)
        assert refused.value.response['Error']['Code'] == 'NotImplemented'


def test_an_enforced_location_and_history(athena, group):
    execution = athena.done('SELECT 1', WorkGroup=group, ResultConfiguration={'OutputLocation': f's3://{athena.bucket}/mine/'})
    query = execution['QueryExecutionId']
    assert execution['ResultConfiguration']['OutputLocation'] == f's3://{athena.bucket}/{group}/{query}.csv'
    second = athena.done('SELECT 2', WorkGroup=group)['QueryExecutionId']
    first_page = athena.client.list_query_executions(WorkGroup=group, MaxResults=1)
    assert first_page['QueryExecutionIds'] == [second], 'newest first'
    next_page = athena.client.list_query_executions(WorkGroup=group, NextToken=first_page['NextToken'])
    assert next_page['QueryExecutionIds'] == [query] and 'NextToken' not in next_page
    both = athena.client.batch_get_query_execution(QueryExecutionIds=[query, second, str(uuid.uuid4())])
    assert [e['Query'] for e in both['QueryExecutions']] == ['SELECT 1', 'SELECT 2']
    assert [e['ErrorCode'] for e in both['UnprocessedQueryExecutionIds']] == ['INVALID_INPUT']
    statistics = athena.client.get_query_runtime_statistics(QueryExecutionId=query)['QueryRuntimeStatistics']
    assert statistics['Rows']['OutputRows'] == 1
    assert statistics['Timeline']['TotalExecutionTimeInMillis'] >= statistics['Timeline']['EngineExecutionTimeInMillis']
    with pytest.raises(ClientError) as kept:
        athena.client.delete_work_group(WorkGroup=group)
    assert 'not empty' in kept.value.response['Error']['Message']
    athena.client.delete_work_group(WorkGroup=group, RecursiveDeleteOption=True)
    assert code_of(athena.client.get_query_execution, QueryExecutionId=query) == 'InvalidRequestException'


def test_tags(athena, group):
    account = athena.mekong.client('sts').get_caller_identity()['Account']
    arn = f'arn:aws:athena:us-east-2:{account}:workgroup/{group}'
    athena.client.tag_resource(ResourceARN=arn, Tags=[{'Key': 'stage', 'Value': 'test'}])
    tags = athena.client.list_tags_for_resource(ResourceARN=arn)['Tags']
    assert {t['Key']: t['Value'] for t in tags} == {'team': 'a', 'stage': 'test'}
    athena.client.untag_resource(ResourceARN=arn, TagKeys=['team'])
    assert [t['Key'] for t in athena.client.list_tags_for_resource(ResourceARN=arn)['Tags']] == ['stage']
    assert code_of(athena.client.list_tags_for_resource, ResourceARN=arn + 'x') == 'ResourceNotFoundException'


def test_named_queries(athena, group):
    client, token = athena.client, uuid.uuid4().hex
    asked = {'Name': 'count', 'Database': athena.database, 'QueryString': 'SELECT 1', 'WorkGroup': group,
             'ClientRequestToken': token}
    query = client.create_named_query(**asked)['NamedQueryId']
    assert client.create_named_query(**asked)['NamedQueryId'] == query
    client.update_named_query(NamedQueryId=query, Name='count all', QueryString='SELECT 2', Description='d')
    found = client.get_named_query(NamedQueryId=query)['NamedQuery']
    assert (found['Name'], found['QueryString'], found['Description'], found['WorkGroup']) == (
        'count all', 'SELECT 2', 'd', group)
    assert client.list_named_queries(WorkGroup=group)['NamedQueryIds'] == [query]
    missing = str(uuid.uuid4())
    both = client.batch_get_named_query(NamedQueryIds=[query, missing])
    assert len(both['NamedQueries']) == 1
    assert both['UnprocessedNamedQueryIds'][0]['NamedQueryId'] == missing
    client.delete_named_query(NamedQueryId=query)
    assert code_of(client.get_named_query, NamedQueryId=query) == 'InvalidRequestException'


def test_prepared_statements(athena, group):
    client = athena.client
    client.create_prepared_statement(StatementName='add', WorkGroup=group, QueryStatement='SELECT ? + 1 AS n, ? AS t')
    assert code_of(client.create_prepared_statement, StatementName='add', WorkGroup=group,
                   QueryStatement='SELECT 1') == 'InvalidRequestException'
    assert athena.rows("EXECUTE add USING 41, 'it''s'", WorkGroup=group) == [('42', "it's")]
    assert athena.rows('EXECUTE add', WorkGroup=group, ExecutionParameters=['1', "'x'"]) == [('2', 'x')]
    assert 'Incorrect number of parameters' in athena.failed('EXECUTE add USING 1', WorkGroup=group)
    client.update_prepared_statement(StatementName='add', WorkGroup=group, QueryStatement='SELECT 7')
    assert athena.rows('EXECUTE add', WorkGroup=group) == [('7',)]
    athena.done('PREPARE other FROM SELECT ?', WorkGroup=group)
    listed = client.list_prepared_statements(WorkGroup=group)['PreparedStatements']
    assert [s['StatementName'] for s in listed] == ['add', 'other']
    assert client.get_prepared_statement(StatementName='other', WorkGroup=group)['PreparedStatement'][
        'QueryStatement'] == 'SELECT ?'
    found = client.batch_get_prepared_statement(PreparedStatementNames=['add', 'none'], WorkGroup=group)
    assert [s['StatementName'] for s in found['PreparedStatements']] == ['add']
    assert found['UnprocessedPreparedStatementNames'][0]['StatementName'] == 'none'
    athena.done('DEALLOCATE PREPARE other', WorkGroup=group)
    client.delete_prepared_statement(StatementName='add', WorkGroup=group)
    assert code_of(client.get_prepared_statement, StatementName='add', WorkGroup=group) == 'ResourceNotFoundException'
    assert 'add' in athena.failed('EXECUTE add', WorkGroup=group)


def test_execution_parameters(athena):
    query = "SELECT '?' AS mark, ? AS n, ? AS t -- ?"
    execution = athena.done(query, ExecutionParameters=['5', "'a''b'"])
    assert execution['ExecutionParameters'] == ['5', "'a''b'"]
    assert athena.results(execution['QueryExecutionId'])[1] == ('?', '5', "a'b")
    assert 'no constant' in athena.failed('SELECT ?', ExecutionParameters=['1 FROM t'])
    assert 'no constant' in athena.failed('SELECT ?', ExecutionParameters=['(SELECT 1)'])
    assert 'Incorrect number' in athena.failed('SHOW TABLES', ExecutionParameters=['1'])


def test_the_catalogue(athena):
    client = athena.client
    athena.table('first', [('n', 'bigint')], keys=[('dt', 'string')])
    athena.table('second', [('n', 'bigint')])
    assert client.list_data_catalogs()['DataCatalogsSummary'] == [
        {'CatalogName': 'AwsDataCatalog', 'Type': 'GLUE'}]
    assert client.get_data_catalog(Name='AwsDataCatalog')['DataCatalog']['Type'] == 'GLUE'
    names = [d['Name'] for page in client.get_paginator('list_databases').paginate(
        CatalogName='AwsDataCatalog', PaginationConfig={'PageSize': 1}) for d in page['DatabaseList']]
    assert athena.database in names
    assert client.get_database(CatalogName='AwsDataCatalog', DatabaseName=athena.database)['Database']['Name'] == athena.database
    table = client.get_table_metadata(CatalogName='AwsDataCatalog', DatabaseName=athena.database,
                                      TableName='first')['TableMetadata']
    assert table['Columns'] == [{'Name': 'n', 'Type': 'bigint'}]
    assert table['PartitionKeys'] == [{'Name': 'dt', 'Type': 'string'}]
    assert table['Parameters']['location'] == f's3://{athena.bucket}/first/'
    tables = client.list_table_metadata(CatalogName='AwsDataCatalog', DatabaseName=athena.database, Expression='sec.*')
    assert [t['Name'] for t in tables['TableMetadataList']] == ['second']
    for call, arguments in ((client.get_database, {'DatabaseName': 'absent'}),
                            (client.get_table_metadata, {'DatabaseName': athena.database, 'TableName': 'absent'})):
        assert code_of(call, CatalogName='AwsDataCatalog', **arguments) == 'MetadataException'


def test_metadata_needs_the_permission_of_glue(athena):
    blind = athena.by(role_session(athena.mekong, [{'Effect': 'Allow', 'Action': 'athena:*', 'Resource': '*'}]))
    assert code_of(blind.client.get_database, CatalogName='AwsDataCatalog',
                   DatabaseName=athena.database) == 'AccessDeniedException'
    assert code_of(blind.client.list_databases, CatalogName='AwsDataCatalog') == 'AccessDeniedException'


def test_a_work_group_is_a_resource(athena, group):
    arn = f'arn:aws:athena:us-east-2:*:workgroup/{group}'
    member = athena.by(role_session(athena.mekong, [
        {'Effect': 'Allow', 'Action': 'athena:*', 'Resource': arn}, {'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'}]))
    assert member.rows('SELECT 1', WorkGroup=group) == [('1',)]
    assert code_of(member.start, sql='SELECT 1') == 'AccessDeniedException'
    assert code_of(member.client.get_work_group, WorkGroup='primary') == 'AccessDeniedException'
