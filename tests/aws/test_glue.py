"""Glue's Data Catalog through boto3. Fixture `aws(service)`: a client of the running server as root."""

import uuid

import botocore.exceptions
import pytest
from callers import allow, code_of, role_session


def name():
    return "db_" + uuid.uuid4().hex[:8]


def code(excinfo):
    return excinfo.value.response["Error"]["Code"]


@pytest.fixture
def database(aws):
    made = name()
    aws("glue").create_database(DatabaseInput={"Name": made.upper(), "Description": "test"})
    yield made
    aws("glue").delete_database(Name=made)


def table(name, **more):
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": "year", "Type": "int"}, {"Name": "city", "Type": "string"}],
        "Parameters": {"classification": "parquet"},
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "bigint", "Comment": "number"}],
            "Location": "s3://bucket/t/",
            "SerdeInfo": {"SerializationLibrary": "a.B", "Parameters": {"x": "y"}},
        },
        **more,
    }


def test_table_life(aws, database):
    glue = aws("glue")
    glue.create_table(DatabaseName=database, TableInput=table("Orders"))
    with pytest.raises(botocore.exceptions.ClientError) as twice:
        glue.create_table(DatabaseName=database, TableInput=table("orders"))
    assert code(twice) == "AlreadyExistsException"
    read = glue.get_table(DatabaseName=database.upper(), Name="ORDERS")["Table"]
    assert read["Name"] == "orders" and read["VersionId"] == "0"
    assert read["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"x": "y"}
    assert read["CreateTime"].year >= 2024
    glue.update_table(DatabaseName=database, TableInput=table("orders", Description="new"), VersionId="0")
    with pytest.raises(botocore.exceptions.ClientError) as stale:
        glue.update_table(DatabaseName=database, TableInput=table("orders"), VersionId="0")
    assert code(stale) == "ConcurrentModificationException"
    versions = glue.get_table_versions(DatabaseName=database, TableName="orders")["TableVersions"]
    assert [version["VersionId"] for version in versions] == ["1", "0"]
    errors = glue.batch_delete_table(DatabaseName=database, TablesToDelete=["orders", "absent"])["Errors"]
    assert [(e["TableName"], e["ErrorDetail"]["ErrorCode"]) for e in errors] == [
        ("absent", "EntityNotFoundException")
    ]
    with pytest.raises(botocore.exceptions.ClientError) as gone:
        glue.get_table(DatabaseName=database, Name="orders")
    assert code(gone) == "EntityNotFoundException"
    assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_partitions(aws, database):
    glue = aws("glue")
    glue.create_table(DatabaseName=database, TableInput=table("orders"))
    at = {"DatabaseName": database, "TableName": "orders"}
    inputs = [{"Values": [str(2000 + i), "x" if i % 2 else "y/z"]} for i in range(60)]
    assert glue.batch_create_partition(PartitionInputList=inputs, **at)["Errors"] == []
    pages = glue.get_paginator("get_partitions").paginate(
        Expression="year >= 2010 AND city LIKE 'y%'", PaginationConfig={"PageSize": 9}, **at
    )
    found = [partition["Values"] for page in pages for partition in page["Partitions"]]
    assert len(found) == 25 and found[0] == ["2010", "y/z"]
    segments = [
        glue.get_partitions(Segment={"SegmentNumber": i, "TotalSegments": 3}, **at)["Partitions"]
        for i in range(3)
    ]
    assert sum(map(len, segments)) == 60
    glue.update_partition(
        PartitionValueList=["2000", "y/z"], PartitionInput={"Values": ["1999", "q"]}, **at
    )
    got = glue.batch_get_partition(
        PartitionsToGet=[{"Values": ["1999", "q"]}, {"Values": ["2000", "y/z"]}], **at
    )
    assert [partition["Values"] for partition in got["Partitions"]] == [["1999", "q"]]
    glue.delete_partition(PartitionValues=["1999", "q"], **at)
    with pytest.raises(botocore.exceptions.ClientError) as bad:
        glue.get_partitions(Expression="month = 1", **at)
    assert code(bad) == "InvalidInputException"


def test_batch_update_partition(mekong, database):
    glue = mekong.client("glue")
    glue.create_table(DatabaseName=database, TableInput=table("orders"))
    at = {"DatabaseName": database, "TableName": "orders"}
    glue.batch_create_partition(PartitionInputList=[{"Values": ["2000", c]} for c in "abc"], **at)
    entries = [
        {"PartitionValueList": ["2000", "a"], "PartitionInput": {"Parameters": {"rows": "7"}}},
        {"PartitionValueList": ["2000", "b"], "PartitionInput": {"Values": ["2001", "b"]}},
        {"PartitionValueList": ["2000", "c"], "PartitionInput": {"Values": ["2000", "a"]}},
        {"PartitionValueList": ["1900", "x"], "PartitionInput": {}},
    ]
    errors = glue.batch_update_partition(Entries=entries, **at)["Errors"]
    assert [(e["PartitionValueList"], e["ErrorDetail"]["ErrorCode"]) for e in errors] == [
        (["2000", "c"], "AlreadyExistsException"),
        (["1900", "x"], "EntityNotFoundException"),
    ]
    kept = glue.get_partitions(**at)["Partitions"]
    assert {tuple(p["Values"]): p.get("Parameters", {}) for p in kept} == {
        ("2000", "a"): {"rows": "7"}, ("2000", "c"): {}, ("2001", "b"): {}}
    unbuilt = {"PartitionValueList": ["2000", "c"],
               "PartitionInput": {"StorageDescriptor": {"AdditionalLocations": ["s3://b/x/"]}}}
    refused = code_of(glue.batch_update_partition, Entries=[
        {"PartitionValueList": ["2000", "a"], "PartitionInput": {}}, unbuilt], **at)
    assert refused.startswith("NotImplemented") and glue.get_partitions(**at)["Partitions"] == kept
    assert code_of(glue.batch_update_partition, Entries=entries, DatabaseName=database, TableName="absent") \
        == "EntityNotFoundException"
    reader = mekong.client("glue", **role_session(mekong, [allow("glue:UpdatePartition")]))
    for named in (at, {**at, "TableName": "absent"}):
        assert code_of(reader.batch_update_partition, Entries=entries, **named) == "AccessDeniedException"


def test_search_tables(mekong):
    glue, sales, staff = mekong.client("glue"), name(), name()
    arns = f"arn:aws:glue:{glue.meta.region_name}:{mekong.client('sts').get_caller_identity()['Account']}:"
    for made, description in ((sales, "What was Sold"), (staff, "people")):
        glue.create_database(DatabaseInput={"Name": made, "Description": description})
    for made, of, more in ((sales, "web-orders", {"Description": "Orders of the shop", "Owner": "ann"}),
                           (sales, "weborders", {"TableType": "VIRTUAL_VIEW"}), (staff, "wages", {"Owner": "ann"})):
        glue.create_table(DatabaseName=made, TableInput=table(of, **more))

    def found(client=glue, **how):
        listed = client.search_tables(**how)["TableList"]
        return [t["Name"] for t in listed if t["DatabaseName"] in (sales, staff)]

    def where(key, value, **more):
        return {"Filters": [{"Key": "DatabaseName", "Value": sales}, {"Key": key, "Value": value, **more}]}
    assert found(SearchText="sold ORDERS") == ["web-orders", "weborders"]
    assert found(SearchText='"weborders"') == ["weborders"] and found(SearchText='"order"') == []
    assert found(**where("Name", "Orders")) == ["web-orders"]  # by its tokens
    assert found(**where("Owner", "ann")) == ["web-orders"]
    by_name = {"SearchText": "ann", "SortCriteria": [{"FieldName": "Name", "Sort": "DESC"}], "MaxResults": 1}
    first = glue.search_tables(**by_name)
    rest = glue.search_tables(**by_name, NextToken=first["NextToken"])
    assert [t["Name"] for page in (first, rest) for t in page["TableList"]] == ["web-orders", "wages"]
    assert "NextToken" not in rest and found(**where("Name", "nothing")) == []
    assert code_of(glue.search_tables, **where("CreateTime", "2026")).startswith("NotImplemented")
    assert code_of(glue.search_tables, **where("Name", "a", Comparator="LESS_THAN")) == "InvalidInputException"
    seen = {"sales": [f"database/{sales}", f"table/{sales}/web*"], "no database": [f"table/{sales}/*"]}
    for who, expected in (("sales", ["web-orders", "weborders"]), ("no database", [])):
        role = role_session(mekong, [allow("glue:SearchTables", [arns + "catalog", *(arns + s for s in seen[who])])])
        assert found(mekong.client("glue", **role)) == expected, who
    stranger = role_session(mekong, [allow("glue:SearchTables", arns + f"table/{sales}/*")])
    assert code_of(mekong.client("glue", **stranger).search_tables) == "AccessDeniedException"
    for made in (sales, staff):
        glue.delete_database(Name=made)


def test_databases_functions_and_refusals(aws, database):
    glue = aws("glue")
    names = [d["Name"] for page in glue.get_paginator("get_databases").paginate() for d in page["DatabaseList"]]
    assert database in names and "default" in names
    glue.create_user_defined_function(
        DatabaseName=database, FunctionInput={"FunctionName": "Up", "ClassName": "a.Up"}
    )
    listed = glue.get_user_defined_functions(DatabaseName=database, Pattern="*")["UserDefinedFunctions"]
    assert [function["FunctionName"] for function in listed] == ["up"]
    with pytest.raises(botocore.exceptions.ClientError) as unbuilt:
        glue.get_crawlers()
    assert code(unbuilt).startswith("NotImplemented") and "GetCrawlers" in str(unbuilt.value)
    with pytest.raises(botocore.exceptions.ClientError) as parameter:
        glue.get_databases(AttributesToGet=["NAME"])
    assert code(parameter).startswith("NotImplemented") and "AttributesToGet" in str(parameter.value)


def test_tags_of_a_database(mekong):
    glue, made = mekong.client("glue"), name()
    account = mekong.client("sts").get_caller_identity()["Account"]
    arn = f"arn:aws:glue:{glue.meta.region_name}:{account}:database/{made}"
    glue.create_database(DatabaseInput={"Name": made}, Tags={"team": "sales"})
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"Cost centre": "Ü/7", "empty": ""})
    glue.update_database(Name=made, DatabaseInput={"Name": made, "Description": "new"})
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "sales", "Cost centre": "Ü/7", "empty": ""}
    glue.untag_resource(ResourceArn=arn, TagsToRemove=["empty", "Cost centre", "never there"])
    for refused in ({"aws:x": "1"}, {"k!": "1"}, {f"k{i}": "" for i in range(50)}):
        assert code_of(glue.tag_resource, ResourceArn=arn, TagsToAdd=refused) == "InvalidInputException", refused
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "sales"}
    assert code_of(glue.get_tags, ResourceArn=arn + "x") == "EntityNotFoundException"
    assert code_of(glue.get_tags, ResourceArn=arn.replace("database", "table")) == "InvalidInputException"
    ours = mekong.client("glue", **role_session(mekong, [
        allow(["glue:GetTags"], StringEquals={"aws:ResourceTag/team": "sales"}),
        allow(["glue:CreateDatabase", "glue:TagResource"], StringEquals={"aws:RequestTag/team": "ops"})]))
    assert ours.get_tags(ResourceArn=arn)["Tags"] == {"team": "sales"}
    assert code_of(ours.create_database, DatabaseInput={"Name": name()}) == "AccessDeniedException"
    assert code_of(ours.tag_resource, ResourceArn=arn, TagsToAdd={"team": "x"}) == "AccessDeniedException"
    ours.tag_resource(ResourceArn=arn, TagsToAdd={"team": "ops"})
    for anything in (arn, arn + "x"):  # nor whether it exists
        assert code_of(ours.get_tags, ResourceArn=anything) == "AccessDeniedException"
    glue.delete_database(Name=made)
    glue.create_database(DatabaseInput={"Name": made})
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {}
    glue.delete_database(Name=made)
