#!/usr/bin/env python3
"""The generator on a small made-up model: its whole output, and what it refuses. --update rewrites the golden files."""
import contextlib
import io
import os
import sys
import tempfile
import unittest

import aws
import operation

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden", "aws")
LISTING = open(os.path.join(HERE, "widgets.txt")).read()


def generate(listing):
    return aws.generate(listing, os.path.join(HERE, "model.json"), os.path.join(HERE, "actions.json"))


class Golden(unittest.TestCase):
    maxDiff = None

    def test_output_is_the_golden_one(self):
        for name, text in generate(LISTING).items():
            with open(os.path.join(HERE, name + ".golden")) as golden:
                self.assertEqual(golden.read(), text, name)


class Order(unittest.TestCase):
    LINE = "service s3\nListBuckets action=s3:ListAllMyBuckets resource=* order="

    def test_of_a_replys_members(self):
        tables = aws.generate(self.LINE + "Owner,...,Buckets")["tables.cpp"]
        start = tables.index("members_ListBucketsOutput[]")
        places = [tables.index(f'.name = "{name}"', start) for name in ("Owner", "ContinuationToken", "Prefix", "Buckets")]
        self.assertEqual(places, sorted(places))

    def test_of_what_is_not_there(self):
        with self.assertRaisesRegex(aws.ModelError, "line 2: ListBucketsOutput has no member Bucket; did you mean Buckets"):
            aws.generate(self.LINE + "...,Bucket")


class ServiceLine(unittest.TestCase):
    def test_times_with_milliseconds(self):
        self.assertNotIn("iso8601_millis", generate(LISTING)["tables.cpp"])
        tables = generate(LISTING.replace("service widgets", "service widgets times=millis", 1))["tables.cpp"]
        times = [line for line in tables.splitlines() if "iso8601_millis" in line]
        self.assertTrue(times)
        self.assertTrue(all("shape_Time" in line and ".location" not in line for line in times))


class Names(unittest.TestCase):
    def test_shapes_called_as_the_generated_classes(self):
        """ECS has a Service."""
        self.assertEqual([aws.camel(name) for name in ("Service", "Client", "Twin", "serviceName")],
                         ["Service_", "Client_", "Twin_", "ServiceName"])


class Written(unittest.TestCase):
    def test_only_what_differs(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "types.h")
            aws.write_if_other(path, "a")
            os.utime(path, (1, 1))
            aws.write_if_other(path, "a")
            self.assertEqual(os.path.getmtime(path), 1)
            aws.write_if_other(path, "b")
            with open(path) as written:
                self.assertEqual(written.read(), "b")


class Refusals(unittest.TestCase):
    def refuses(self, line, words):
        with self.assertRaisesRegex(aws.ModelError, words):
            generate("service widgets\n" + line)

    def test_unknown_operation(self):
        self.refuses("Paint action=widgets:PutWidget resource=*", "no operation Paint")

    def test_nearly_known_names_are_proposed_with_their_line(self):
        self.refuses("PutWidgets action=widgets:PutWidget resource=*", "line 2: the model has no operation PutWidgets; did you mean PutWidget")
        self.refuses("PutWidget action=widgets:putwidget resource=*", "line 2: PutWidget: .*did you mean PutWidget")
        self.refuses("PutWidget action=widgets:PutWidget ressource=*", "line 2: .*did you mean resource")
        self.refuses("PutWidget action=widgets:PutWidget", r"widget/\{.*or handler")

    def test_unknown_action(self):
        self.refuses("PutWidget action=widgets:Paint resource=*", "no action widgets:Paint")

    def test_no_action(self):
        self.refuses("PutWidget resource=*", "no action=: the IAM action")

    def test_twice_in_a_line(self):
        self.refuses("PutWidget action=widgets:PutWidget action=none", "action= twice")

    def test_handler_among_others(self):
        self.refuses("PutWidget action=widgets:PutWidget resource=handler resource=*", "stands alone")

    def test_unknown_service(self):
        with self.assertRaisesRegex(aws.ModelError, "no service 'glew'; did you mean glue"):
            aws.generate("service glew")

    def test_resource_of_another_kind(self):
        self.refuses("PutWidget action=widgets:PutWidget resource=arn:aws:widgets:{region}:{account}:box/{id}", "no resource of")

    def test_resource_where_there_is_none(self):
        self.refuses("ListWidgets action=widgets:ListWidgets resource=arn:aws:widgets:{region}:{account}:widget/x", "no resource of")

    def test_path_to_no_member(self):
        self.refuses("PutWidget action=widgets:PutWidget resource=arn:aws:widgets:{region}:{account}:widget/{nid}", "no member nid")

    def test_path_to_no_string(self):
        self.refuses("PutWidget action=widgets:PutWidget resource=arn:aws:widgets:{region}:{account}:widget/{part.size}", "not a string")

    def test_missing_resource(self):
        self.refuses("PutWidget action=widgets:PutWidget", "no resource=")

    def test_unknown_condition_key(self):
        self.refuses("PutWidget action=widgets:PutWidget resource=* condition=widgets:Colour={class}", "known key")

    def test_waits(self):
        self.refuses("PutWidget action=widgets:PutWidget resource=* waits=seldom", "waits=seldom is not known: only never")

    def test_unknown_word(self):
        self.refuses("PutWidget action=widgets:PutWidget resource=* colour=red", "'colour=red' is not known")

    def test_listed_twice(self):
        self.refuses("PutBlob action=widgets:PutBlob resource=*\nPutBlob action=widgets:PutBlob resource=*", "twice")


class Told(unittest.TestCase):
    """operation.py, on botocore's own models."""

    def told(self, service, name, listed=False, action=None):
        home = operation.Home(service)
        if not listed:
            home.operations.pop(name, None)  # whatever is built by now
        with contextlib.redirect_stdout(io.StringIO()) as out:
            operation.describe(service, name, home, action)
        return out.getvalue()

    def test_an_operation(self):
        told = self.told("kafka", "DescribeTopic")
        self.assertIn("  DescribeTopic  action=kafka:DescribeTopic  resource=handler\n    as ", told)
        self.assertIn("or resource=arn:aws:kafka:{region}:{account}:topic/", told)
        self.assertIn("asks for kafka-cluster:Connect too: ctx.authorise_action", told)
        self.assertIn("GET /v1/clusters/{clusterArn}/topics/{topicName} answers 200", told)
        self.assertIn("ForbiddenException, NotFoundException with invalid_parameter: std::optional<std::string>", told)
        request = told.index("\nDescribeTopicRequest\n  cluster_arn: std::string  // uri clusterArn\n")
        self.assertLess(request, told.index("\nDescribeTopicResponse\n"))
        self.assertRegex(told, r"in src/services/msk/\w+\.cpp(, where \w+ is)?:\n"
                               r"  Result<gen::kafka::DescribeTopicResponse> Service::describe_topic\(")
        self.assertIn("test in tests/aws/test_msk.py; what differs from AWS, if anything does, in docs/compat/msk.md", told)

    def test_the_words_of_the_lines_beside(self):
        self.assertIn("  resource=arn:aws:s3:::{Bucket}/{Key}\n", self.told("s3", "GetObjectTagging"))

    def test_a_class_of_another_name(self):
        self.assertIn(" S3Service::get_object_tagging(", self.told("s3", "GetObjectTagging"))

    def test_one_that_is_listed(self):
        self.assertIn("models/s3.txt (already listed):\n  DeleteBucketTagging ", self.told("s3", "DeleteBucketTagging", listed=True))

    def test_an_action_of_another_name(self):
        self.assertIn("no action s3:ListObjectVersions; did you mean ListBucketVersions", self.told("s3", "ListObjectVersions"))
        told = self.told("s3", "ListObjectVersions", action="s3:ListBucketVersions")
        self.assertIn("  action=s3:ListBucketVersions  resource=arn:aws:s3:::{Bucket}\n", told)
        for note in ("    condition key s3:prefix\n", "    root=NAME: "):
            self.assertIn(note, told)

    def test_an_action_without_resources(self):
        told = self.told("iam", "UpdateAccountPasswordPolicy")
        self.assertIn("  action=iam:UpdateAccountPasswordPolicy  resource=*\n    AWS names no resource", told)

    def test_what_is_most_alike_acts_on_the_same(self):
        home = operation.Home("iam")
        for name in [name for name in home.operations if name.endswith("AccountPasswordPolicy")]:
            del home.operations[name]
        self.assertIn("Account", home.nearest("GetAccountPasswordPolicy"))
        home = operation.Home("s3")
        for name in [name for name in home.operations if name.endswith("ObjectTagging")]:
            del home.operations[name]
        self.assertEqual(home.nearest("PutObjectTagging"), "PutBucketTagging")

    def test_the_codes_of_errors_are_those_on_the_wire(self):
        self.assertIn("errors: NoSuchEntity, ServiceFailure\n", self.told("iam", "GetAccountPasswordPolicy"))
        self.assertIn("NotFoundException", self.told("kafka", "DescribeTopic"))

    def test_a_new_service(self):
        self.assertIn("a new service, src/services/firehose/", self.told("firehose", "PutRecord"))

    def test_the_name_of_its_folder(self):
        for given, wanted in {"msk": "kafka", "emr_serverless": "emr-serverless", "glue": "glue", "sqs": "sqs"}.items():
            self.assertEqual(operation.model_name(given), wanted)

    def test_a_body_that_streams(self):
        self.assertIn("  body: (streams)", self.told("s3", "PutObject"))


class Names(unittest.TestCase):
    def test_snake(self):
        for name, wanted in {"ETag": "e_tag", "DBName": "db_name", "class": "class_", "ContentMD5": "content_md5"}.items():
            self.assertEqual(aws.snake(name), wanted)

    def test_patterns(self):
        self.assertEqual(aws.re2_pattern("[\\u0020-\\uD7FF]"), "[\\x{0020}-\\x{D7FF}]")
        self.assertIsNone(aws.re2_pattern("(?!x)y"))


if __name__ == "__main__":
    if "--update" in sys.argv:
        for name, text in generate(LISTING).items():
            open(os.path.join(HERE, name + ".golden"), "w").write(text)
    else:
        unittest.main()
