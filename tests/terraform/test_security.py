"""Nothing is open, nothing is in clear, and nobody may do more than they need."""

import pytest

from tests.terraform.plan import Plan
from tests.terraform.wires import condition

FORCED_BY_AWS = {"WriteTraces", "JoinNetwork", "DenyNetworkToCode"}


class TestSecrecy:
    def test_buckets_are_private(self, queued: Plan) -> None:
        blocks = queued.of_type("aws_s3_bucket_public_access_block").values()
        switches = ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"]

        assert len(blocks) == len(queued.of_type("aws_s3_bucket")) == 4
        assert all(block[switch] for block in blocks for switch in switches)

    def test_buckets_with_data_are_encrypted_with_the_deployments_key(self, queued: Plan) -> None:
        keys = {
            address.split(".module.")[-1].split(".")[0]: rule["apply_server_side_encryption_by_default"][0]
            for address, values in queued.of_type("aws_s3_bucket_server_side_encryption_configuration").items()
            for rule in values["rule"]
        }

        assert {bucket: key["kms_master_key_id"] for bucket, key in keys.items()} == {
            "uploads": queued["aws_kms_key.data"]["arn"],
            "artefacts": queued["aws_kms_key.data"]["arn"],
            "heatmaps": queued["aws_kms_key.data"]["arn"],
            "page": None,
        }
        assert keys["page"]["sse_algorithm"] == "AES256"

    @pytest.mark.parametrize(
        ("kind", "attribute"),
        [
            ("aws_lambda_function", "kms_key_arn"),
            ("aws_cloudwatch_log_group", "kms_key_id"),
            ("aws_efs_file_system", "kms_key_id"),
            ("aws_sns_topic", "kms_master_key_id"),
        ],
    )
    def test_everything_else_is_encrypted_with_it(self, queued: Plan, kind: str, attribute: str) -> None:
        found = queued.of_type(kind).values()

        assert found
        assert {one[attribute] for one in found} == {queued["aws_kms_key.data"]["arn"]}

    def test_table_and_queues_are_encrypted(self, queued: Plan) -> None:
        (encryption,) = queued.only("aws_dynamodb_table")["server_side_encryption"]

        assert encryption["enabled"]
        assert encryption["kms_key_arn"] == queued["aws_kms_key.data"]["arn"]
        assert all(queue["sqs_managed_sse_enabled"] for queue in queued.of_type("aws_sqs_queue").values())

    def test_buckets_queues_and_volume_refuse_what_is_not_tls(self, queued: Plan) -> None:
        refusing = [
            address
            for address, statement in queued.all_statements()
            if statement["effect"] == "Deny" and condition(statement, "aws:SecureTransport") == ["false"]
        ]

        assert len(refusing) == len(queued.of_type("aws_s3_bucket")) + len(queued.of_type("aws_sqs_queue")) + 1
        assert len(queued.of_type("aws_s3_bucket_policy")) == len(queued.of_type("aws_s3_bucket"))
        assert len(queued.of_type("aws_sqs_queue_policy")) == len(queued.of_type("aws_sqs_queue"))

    def test_no_way_leads_in_or_out(self, queued: Plan) -> None:
        doors = ["aws_internet_gateway", "aws_nat_gateway", "aws_eip", "aws_lambda_function_url", "aws_route"]

        assert not [door for door in doors if queued.of_type(door)]
        assert not [subnet for subnet in queued.of_type("aws_subnet").values() if subnet["map_public_ip_on_launch"]]


class TestRights:
    def test_only_those_wildcards_that_aws_forces(self, queued: Plan) -> None:
        wild = {
            statement["sid"]
            for address, statement in queued.all_statements()
            if "*" in (statement["resources"] or []) and ".aws_iam_policy_document.own_account" not in address
        }

        assert wild == FORCED_BY_AWS

    def test_rights_are_named_one_by_one(self, queued: Plan) -> None:
        assert not [
            (address, action)
            for address, statement in queued.all_statements()
            for action in statement["actions"] or []
            if "*" in action and statement["effect"] != "Deny"
        ]

    def test_no_two_functions_share_a_role(self, queued: Plan) -> None:
        roles = [role["name"] for role in queued.of_type("aws_iam_role").values()]

        assert sorted(roles) == ["demo-api", "demo-flow-log", "demo-heatmap-workers", "demo-publish", "demo-score"]
        assert not queued.of_type("aws_iam_role_policy_attachment")

    def test_scorer_reads_photos_and_writes_records_of_tenants_only(self, queued: Plan) -> None:
        rights = queued.statements("data.aws_iam_policy_document.score")

        assert set(rights) == {
            "ReadPhotos",
            "SeeThatPhotosAreGone",
            "WritePictures",
            "RecordScores",
            "TakePhotosFromQueue",
        }
        assert sorted(rights["WritePictures"]["resources"]) == [
            "arn:aws:s3:::heatmaps/heatmaps/*",
            "arn:aws:s3:::heatmaps/thumbnails/*",
        ]
        assert rights["ReadPhotos"]["resources"] == ["arn:aws:s3:::uploads/uploads/*"]
        assert condition(rights["RecordScores"], "dynamodb:LeadingKeys") == ["TENANT#*"]
        assert rights["TakePhotosFromQueue"]["resources"] == ["arn:aws:sqs:eu-west-1:111122223333:score"]

    def test_scorer_has_no_right_to_a_queue_that_is_not_there(self, direct: Plan) -> None:
        assert "TakePhotosFromQueue" not in direct.statements("data.aws_iam_policy_document.score")

    def test_publisher_cannot_see_photos_or_scores(self, queued: Plan) -> None:
        rights = queued.statements("data.aws_iam_policy_document.publish")

        assert {resource for right in rights.values() for resource in right["resources"]} == {
            "arn:aws:s3:::artefacts",
            "arn:aws:s3:::artefacts/models/*",
            "arn:aws:s3:::artefacts/runtime/*",
            queued.only("aws_dynamodb_table")["arn"],
        }
        assert condition(rights["RecordPublications"], "dynamodb:LeadingKeys") == ["PUBLICATION#*"]

    def test_api_keeps_batches_and_writes_neither_publications_nor_pictures(self, queued: Plan) -> None:
        rights = queued.statements("data.aws_iam_policy_document.api")

        assert condition(rights["KeepBatches"], "dynamodb:LeadingKeys") == ["TENANT#*"]
        assert rights["ListBatches"]["actions"] == ["dynamodb:Query"]
        assert rights["SignPictures"]["actions"] == ["s3:GetObject"]
        assert rights["SignUploadsAndDownloads"]["resources"] == ["arn:aws:s3:::uploads/uploads/*"]
        assert rights["AskForHeatmaps"]["actions"] == ["sqs:SendMessage"]

    def test_key_is_used_by_way_of_the_services_that_hold_the_data(self, queued: Plan) -> None:
        (use,) = queued.statements("data.aws_iam_policy_document.use_key").values()

        assert condition(use, "kms:ViaService") == ["dynamodb.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"]
