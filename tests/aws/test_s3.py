"""S3 as boto3 sees it. Runs against MEKONG_ENDPOINT through the `aws` fixture (tests/conftest.py)."""

import base64
import hashlib
import io
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from callers import allow, role_session


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def bucket(s3):
    name = "t-" + uuid.uuid4().hex
    region = s3.meta.region_name  # every region but the first one wants to be named, as in AWS
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    yield name
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        keys = [{"Key": entry["Key"]} for entry in page.get("Contents", [])]
        if keys:
            s3.delete_objects(Bucket=name, Delete={"Objects": keys})
    s3.delete_bucket(Bucket=name)


def code_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]


def test_buckets(s3, bucket):
    assert bucket in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]
    head = s3.head_bucket(Bucket=bucket)
    assert head["BucketRegion"] == s3.meta.region_name
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == s3.meta.region_name
    assert code_of(s3.head_bucket, Bucket="t-none-" + uuid.uuid4().hex)[0] == 404
    assert code_of(s3.create_bucket, Bucket="Not_a_name")[0] == 400
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert code_of(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")


def test_tags_of_a_bucket(mekong, s3):
    tags = [{"Key": "Cost centre", "Value": "Ü/7"}, {"Key": "empty", "Value": ""}]
    name = "t-" + uuid.uuid4().hex
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name, "Tags": tags})
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == tags
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags[:1]})
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == tags[:1]
    for refused in ([{"Key": "aws:x", "Value": ""}], [tags[0], tags[0]], [{"Key": "k" * 129, "Value": ""}]):
        assert code_of(s3.put_bucket_tagging, Bucket=name, Tagging={"TagSet": refused}) == (400, "InvalidTag")
    many = [{"Key": str(i), "Value": ""} for i in range(51)]
    assert code_of(s3.put_bucket_tagging, Bucket=name, Tagging={"TagSet": many}) == (400, "BadRequest")
    s3.delete_bucket_tagging(Bucket=name)
    assert code_of(s3.get_bucket_tagging, Bucket=name) == (404, "NoSuchTagSet")
    other = mekong.client("s3", **role_session(mekong, [allow(["s3:GetBucketTagging"])]))
    assert code_of(other.put_bucket_tagging, Bucket=name, Tagging={"TagSet": tags}) == (403, "AccessDenied")
    assert code_of(other.get_bucket_tagging, Bucket=name) == (404, "NoSuchTagSet")
    s3.delete_bucket(Bucket=name)


def test_objects_have_no_tags(s3, bucket):
    """A copy in parts asks for the source's tags."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": []})
    tags = {"TagSet": [{"Key": "a", "Value": "1"}]}
    assert code_of(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=tags) == (501, "NotImplemented")
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert code_of(s3.get_object_tagging, Bucket=bucket, Key="none") == (404, "NoSuchKey")


def test_put_get_head_delete(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="a b/ü+c", Body=b"hello", ContentType="text/plain", Metadata={"who": "me"})
    assert put["ETag"] == '"%s"' % hashlib.md5(b"hello").hexdigest()
    assert put["ChecksumCRC32"]
    got = s3.get_object(Bucket=bucket, Key="a b/ü+c")
    assert got["Body"].read() == b"hello"
    assert got["ContentType"] == "text/plain"
    assert got["Metadata"] == {"who": "me"}
    assert got["ContentLength"] == 5
    head = s3.head_object(Bucket=bucket, Key="a b/ü+c")
    assert head["ContentLength"] == 5 and head["ETag"] == put["ETag"]
    s3.delete_object(Bucket=bucket, Key="a b/ü+c")
    assert code_of(s3.get_object, Bucket=bucket, Key="a b/ü+c") == (404, "NoSuchKey")
    assert code_of(s3.head_object, Bucket=bucket, Key="a b/ü+c") == (404, "404")


def test_streamed_body_with_trailer_checksum(s3, bucket):
    class Unsized(io.BytesIO):
        pass

    content = bytes(range(256)) * 8192
    s3.put_object(Bucket=bucket, Key="k", Body=Unsized(content), ChecksumAlgorithm="SHA256")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == content
    assert got["ChecksumSHA256"]


def reflected_crc(data, polynomial, bits):
    """The CRCs that botocore computes with awscrt only, base64 as the headers have them."""
    ones = (1 << bits) - 1
    crc = ones
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (polynomial if crc & 1 else 0)
    return base64.b64encode((crc ^ ones).to_bytes(bits // 8, "big")).decode()


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums(s3, bucket, algorithm):
    name = "Checksum" + algorithm
    own = {"CRC32C": (0x82F63B78, 32), "CRC64NVME": (0x9A6C9329AC4BC9B5, 64)}
    asked = {"ChecksumAlgorithm": algorithm}
    if algorithm in own:
        asked = {name: reflected_crc(b"hello", *own[algorithm])}
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", **asked)
    assert put[name]
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[name] == put[name]
    status, code = code_of(s3.put_object, Bucket=bucket, Key="k2", Body=b"hello", **{name: "x" + put[name][1:]})
    assert status == 400 and code in ("BadDigest", "InvalidRequest")


def test_ranges_and_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")["ETag"]
    got = s3.get_object(Bucket=bucket, Key="k", Range="bytes=2-4")
    assert (got["Body"].read(), got["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert code_of(s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-")[1] == "InvalidRange"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag)[0] == 304
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfMatch='"x"') == (412, "PreconditionFailed")
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"", IfNoneMatch="*") == (412, "PreconditionFailed")
    s3.put_object(Bucket=bucket, Key="k", Body=b"new", IfMatch=etag)


def test_conditional_write_race(s3, bucket):
    def create(i):
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=str(i).encode(), IfNoneMatch="*")
            return 1
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("PreconditionFailed", "OperationAborted")
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(16))) == 1


def test_listing(s3, bucket):
    for key in ("a", "b/1", "b/2", "c d+e&f", "z/ü"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [e["Key"] for page in pages for e in page["Contents"]] == ["a", "b/1", "b/2", "c d+e&f", "z/ü"]
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [e["Key"] for e in page["Contents"]] == ["a", "c d+e&f"]
    assert [e["Prefix"] for e in page["CommonPrefixes"]] == ["b/", "z/"]
    assert page["KeyCount"] == 4
    assert [e["Key"] for e in s3.list_objects(Bucket=bucket, Prefix="b/", Marker="b/1")["Contents"]] == ["b/2"]
    assert [e["Key"] for e in s3.list_objects_v2(Bucket=bucket, StartAfter="b/2")["Contents"]] == ["c d+e&f", "z/ü"]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="none")


def test_versions(mekong, s3, bucket):
    keys = ["a", "b/1", "b/2", "c d+e&f", "z/ü"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"hello")
    ours = {"Bucket": bucket}
    versions = s3.list_object_versions(**ours)["Versions"]
    assert {(e["VersionId"], e["IsLatest"], e["ETag"], e["Size"]) for e in versions} == {
        ("null", True, '"%s"' % hashlib.md5(b"hello").hexdigest(), 5)}
    pages = list(s3.get_paginator("list_object_versions").paginate(**ours, PaginationConfig={"PageSize": 2}))
    assert [e["Key"] for page in pages for e in page["Versions"]] == keys
    assert pages[0]["NextVersionIdMarker"] == "null" and "NextKeyMarker" not in pages[2]
    page = s3.list_object_versions(**ours, Delimiter="/", MaxKeys=2)  # ends at a prefix
    assert [e["Prefix"] for e in page["CommonPrefixes"]] == ["b/"] and [e["Key"] for e in page["Versions"]] == ["a"]
    assert page["NextKeyMarker"] == "b/" and "NextVersionIdMarker" not in page
    rest = s3.list_object_versions(**ours, Delimiter="/", KeyMarker="b/")
    assert [e["Key"] for e in rest["Versions"]] == ["c d+e&f"] and [e["Prefix"] for e in rest["CommonPrefixes"]] == ["z/"]
    for faulty in ({"VersionIdMarker": "null"}, {"KeyMarker": "a", "VersionIdMarker": "v1"}, {"MaxKeys": -1}):
        assert code_of(s3.list_object_versions, **ours, **faulty) == (400, "InvalidArgument"), faulty
    assert code_of(s3.list_object_versions, Bucket=bucket + "x") == (404, "NoSuchBucket")
    lister = mekong.client("s3", **role_session(mekong, [
        allow("s3:ListBucketVersions", StringEquals={"s3:prefix": "b/"}), allow("s3:ListBucket")]))
    assert len(lister.list_object_versions(**ours, Prefix="b/")["Versions"]) == 2
    assert code_of(lister.list_object_versions, **ours) == (403, "AccessDenied")
    everything = mekong.session().resource("s3", endpoint_url=mekong.url("s3")).Bucket(bucket)
    everything.object_versions.delete()  # how scripts empty a bucket
    assert "Versions" not in s3.list_object_versions(**ours)


def test_delete_objects(s3, bucket):
    for key in ("a", "b", "c&d"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    reply = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "c&d"}, {"Key": "none"}]})
    assert [e["Key"] for e in reply["Deleted"]] == ["a", "c&d", "none"]
    assert [e["Key"] for e in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["b"]
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b"}], "Quiet": True})
    assert "Deleted" not in quiet


def test_copy(s3, bucket):
    s3.put_object(Bucket=bucket, Key="from ü", Body=b"x" * 100_000, Metadata={"a": "1"})
    copy = s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "from ü"})
    assert copy["CopyObjectResult"]["ETag"] == s3.head_object(Bucket=bucket, Key="from ü")["ETag"]
    assert s3.head_object(Bucket=bucket, Key="to")["Metadata"] == {"a": "1"}
    s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/to", MetadataDirective="REPLACE", Metadata={"b": "2"})
    assert s3.head_object(Bucket=bucket, Key="to")["Metadata"] == {"b": "2"}
    s3.delete_object(Bucket=bucket, Key="from ü")
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == b"x" * 100_000
    assert code_of(s3.copy_object, Bucket=bucket, Key="to", CopySource=f"{bucket}/none")[1] == "NoSuchKey"


def test_transfer_manager_multipart(s3, bucket):
    from boto3.s3.transfer import TransferConfig

    content = bytes(range(256)) * 4096 * 18 + b"tail"
    config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=4)
    s3.upload_fileobj(io.BytesIO(content), bucket, "big", Config=config, ExtraArgs={"Metadata": {"a": "1"}})
    head = s3.head_object(Bucket=bucket, Key="big")
    assert head["ContentLength"] == len(content) and head["ETag"].endswith('-4"')
    out = io.BytesIO()
    s3.download_fileobj(bucket, "big", out, Config=config)
    assert out.getvalue() == content
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "big2", Config=config)
    assert s3.get_object(Bucket=bucket, Key="big2")["Body"].read() == content


def test_multipart_by_hand(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    assert [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
    first = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"a" * (5 << 20))["ETag"]
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    copied = s3.upload_part_copy(
        Bucket=bucket, Key="k", UploadId=upload, PartNumber=2, CopySource=f"{bucket}/source", CopySourceRange="bytes=2-4"
    )["CopyPartResult"]["ETag"]
    assert [p["PartNumber"] for p in s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]] == [1, 2]
    parts = {"Parts": [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": copied}]}
    wrong = {"Parts": list(reversed(parts["Parts"]))}
    place = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    assert code_of(s3.complete_multipart_upload, **place, MultipartUpload=wrong)[1] == "InvalidPartOrder"
    nothing = {**place, "MultipartUpload": {"Parts": []}}
    assert code_of(s3.complete_multipart_upload, **nothing) == (400, "InvalidRequest")
    whole = {**place, "MultipartUpload": parts, "MpuObjectSize": (5 << 20) + 3}
    assert code_of(s3.complete_multipart_upload, **{**whole, "MpuObjectSize": 1}) == (400, "InvalidRequest")
    done = s3.complete_multipart_upload(**whole)
    assert done["Location"].startswith("http") and done["Location"].endswith("/k")
    assert s3.complete_multipart_upload(**whole)["ETag"] == done["ETag"]
    assert s3.get_object(Bucket=bucket, Key="k", PartNumber=2)["Body"].read() == b"234"
    other = s3.create_multipart_upload(Bucket=bucket, Key="k2")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="k2", UploadId=other)
    assert code_of(s3.list_parts, Bucket=bucket, Key="k2", UploadId=other) == (404, "NoSuchUpload")


def test_the_only_part(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"12345678")
    got = s3.get_object(Bucket=bucket, Key="k", PartNumber=1)
    assert (got["Body"].read(), got["ContentRange"]) == (b"12345678", "bytes 0-7/8")
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206 and got["ChecksumCRC32"]
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    assert "ContentRange" not in s3.get_object(Bucket=bucket, Key="empty", PartNumber=1)


def test_what_a_list_says_of_time_is_what_the_object_says(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"][0]["LastModified"]
    assert listed == s3.head_object(Bucket=bucket, Key="k")["LastModified"]


def test_pages_of_buckets(s3, bucket):
    assert code_of(s3.list_buckets, MaxBuckets=10_001) == (400, "InvalidArgument")
    assert len(s3.list_buckets(MaxBuckets=1)["Buckets"]) == 1


def test_a_marker_inside_of_a_group(s3, bucket):
    for key in ("f/a/1", "f/a/2", "f/b/1", "f/c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    page = s3.list_objects(Bucket=bucket, Prefix="f/", Delimiter="/", Marker="f/a/1")
    assert [entry["Prefix"] for entry in page["CommonPrefixes"]] == ["f/b/"]


def test_a_part_has_the_uploads_checksum(s3, bucket):
    place = {"Bucket": bucket, "Key": "k"}
    upload = {**place, "UploadId": s3.create_multipart_upload(**place, ChecksumAlgorithm="SHA256")["UploadId"]}
    assert code_of(s3.upload_part, **upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32") == (400, "InvalidRequest")
    s3.upload_part(**upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA256")
    assert s3.list_parts(**upload)["ChecksumType"] == "COMPOSITE"


def test_attributes(mekong, s3, bucket):
    every = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"hello", ChecksumAlgorithm="SHA256")
    got = s3.get_object_attributes(Bucket=bucket, Key="a", ObjectAttributes=every)
    digest = base64.b64encode(hashlib.sha256(b"hello").digest()).decode()
    assert got["ETag"] == hashlib.md5(b"hello").hexdigest() and got["ObjectSize"] == 5
    assert got["Checksum"] == {"ChecksumSHA256": digest, "ChecksumType": "FULL_OBJECT"}
    assert got["StorageClass"] == "STANDARD" and "ObjectParts" not in got and got["LastModified"].year >= 2024
    only = s3.get_object_attributes(Bucket=bucket, Key="a", ObjectAttributes=["ObjectSize"])
    assert only["ObjectSize"] == 5 and not only.keys() & {"ETag", "Checksum", "StorageClass"}

    place = {"Bucket": bucket, "Key": "b"}
    upload = {**place, "UploadId": s3.create_multipart_upload(**place, ChecksumAlgorithm="SHA256")["UploadId"]}
    bodies = [b"x" * (5 << 20), b"tail"]
    sums = [base64.b64encode(hashlib.sha256(body).digest()).decode() for body in bodies]
    parts = [{"PartNumber": i, "ETag": s3.upload_part(**upload, PartNumber=i, Body=body, ChecksumSHA256=sum)["ETag"],
              "ChecksumSHA256": sum} for i, (body, sum) in enumerate(zip(bodies, sums), 1)]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/b")
    for key in "bc":
        got = s3.get_object_attributes(Bucket=bucket, Key=key, ObjectAttributes=every)
        assert got["Checksum"]["ChecksumType"] == "COMPOSITE" and got["ETag"].endswith("-2")
        assert got["ObjectParts"]["TotalPartsCount"] == 2 and not got["ObjectParts"]["IsTruncated"]
        assert got["ObjectParts"]["Parts"] == [
            {"PartNumber": i, "Size": len(body), "ChecksumSHA256": sum}
            for i, (body, sum) in enumerate(zip(bodies, sums), 1)]
    ask = {**place, "ObjectAttributes": ["ObjectParts"], "MaxParts": 1}
    page = s3.get_object_attributes(**ask)["ObjectParts"]
    assert [part["PartNumber"] for part in page["Parts"]] == [1] and page["IsTruncated"]
    page = s3.get_object_attributes(**ask, PartNumberMarker=page["NextPartNumberMarker"])["ObjectParts"]
    assert [part["PartNumber"] for part in page["Parts"]] == [2] and not page["IsTruncated"]

    assert code_of(s3.get_object_attributes, **place, ObjectAttributes=["Colour"]) == (400, "InvalidArgument")
    assert code_of(s3.get_object_attributes, Bucket=bucket, Key="none", ObjectAttributes=every) == (404, "NoSuchKey")
    for actions in ("s3:GetObject", "s3:GetObjectAttributes"):
        less = mekong.client("s3", **role_session(mekong, [allow(actions)]))
        assert code_of(less.get_object_attributes, **place, ObjectAttributes=every) == (403, "AccessDenied")
    both = mekong.client("s3", **role_session(mekong, [allow(["s3:GetObject", "s3:GetObjectAttributes"])]))
    assert both.get_object_attributes(**ask)["ObjectParts"]["TotalPartsCount"] == 2


def presigned(s3, bucket, key, seconds=60, method="GET", params=None):
    """A SigV4 URL; boto3's own are SigV2 in us-east-1 unless its configuration says otherwise."""
    request = AWSRequest(method, f"{s3.meta.endpoint_url}/{bucket}/{key}", params=params or {})
    S3SigV4QueryAuth(s3._request_signer._credentials, "s3", "us-east-1", expires=seconds).add_auth(request)
    return request.url


def test_presigned(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    url = presigned(s3, bucket, "k")
    if url.startswith("https"):
        pytest.skip("urllib does not know the test server's certificate")
    assert urllib.request.urlopen(url).read() == b"hello"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url.replace("/k?", "/other?"))
    assert caught.value.code == 403


def test_presigned_with_headers_in_the_query(s3, bucket):
    """As the SDK for JavaScript signs them."""
    url = presigned(s3, bucket, "k", method="PUT", params={"x-amz-meta-who": "me and you", "If-None-Match": "*"})
    if url.startswith("https"):
        pytest.skip("urllib does not know the test server's certificate")
    put = urllib.request.Request(url, data=b"1", method="PUT")
    assert urllib.request.urlopen(put).status == 200
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"who": "me and you"}
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(put)
    assert caught.value.code == 412


def test_not_built_fails_by_name(s3, bucket):
    status, code = code_of(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert (status, code) == (501, "NotImplemented")
    status, code = code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="AES256")
    assert (status, code) == (501, "NotImplemented")
