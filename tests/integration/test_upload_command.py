"""`memorability upload` and `results` over an AWS account on this machine, with a thread in the scorer's place."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memorability import main
from model_store.aws.table import Table
from model_store.images import ImageErrorCode
from model_store.items import Origin, record_item
from model_store.records import FailedRecord, Failure, MeasureResult, ModelScore, ScoredRecord
from model_store.store import Measure
from model_store.uploads import UploadKey
from tests.local_aws import RESULTS, UPLOADS, LocalAws, local_aws
from tests.unit.command.running import BAD_USAGE, FAILURE, SUCCESS, Command, Result

REGION = "eu-central-1"


@pytest.fixture(scope="module")
def account() -> Iterator[LocalAws]:
    with local_aws() as aws:
        aws.s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Enabled"})
        yield aws


@pytest.fixture
def deployment(account: LocalAws, tmp_path: Path) -> Path:
    file = tmp_path / "deployment.json"
    names = {"endpoint_url": account.endpoint, "region": REGION, "uploads_bucket": UPLOADS, "results_table": RESULTS}
    file.write_text(json.dumps(names | {"api_url": None}))
    return file


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, deployment: Path, tmp_path: Path
) -> Command:
    """Runs the command over the account, from a folder with photos, where nobody has credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no credentials"))
    monkeypatch.setenv("MEMORABILITY_DEPLOYMENT", str(deployment))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            main.run([str(argument) for argument in arguments])
        output = capsys.readouterr()
        return Result(int(exited.value.code or 0), output.out, output.err)

    return run


def photo(path: str, content: str) -> str:
    """A file that the thread scores by its content: a number, or a failure."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return path


def change(deployment: Path, **names: str | None) -> None:
    deployment.write_text(json.dumps(json.loads(deployment.read_text()) | names))


def record_of(filename: str, content: str) -> ScoredRecord | FailedRecord:
    if not content:
        return FailedRecord(
            file=filename, error=Failure(code=ImageErrorCode.EMPTY_FILE, message=f"{filename} is empty")
        )
    models = (ModelScore(model="resmem@1.1.6", score=float(content)),)
    result = MeasureResult(score=float(content), percentile=50.0, spread=0.0, models=models)
    return ScoredRecord(file=filename, width=4, height=3, ensemble="default@1", measures={Measure.HIT_RATE: result})


@contextmanager
def scorer(account: LocalAws, ensembles: tuple[str, ...] = ("default",)) -> Iterator[None]:
    """Writes a record for every version of an object that appears, a moment later, except for ones named `lost`."""
    ended, table = threading.Event(), Table(account.dynamodb, RESULTS)

    def versions() -> set[tuple[str, str]]:
        found = account.s3.list_object_versions(Bucket=UPLOADS).get("Versions", [])
        return {(version["Key"], version["VersionId"]) for version in found if "lost" not in version["Key"]}

    seen = versions()

    def score() -> None:
        while not ended.wait(0.05):
            for key, version in versions() - seen:
                seen.add((key, version))
                keep(key, version)

    def keep(key: str, version: str) -> None:
        upload = UploadKey.parse(key)
        body = account.s3.get_object(Bucket=UPLOADS, Key=key, VersionId=version)["Body"].read().decode()
        now = datetime.now(UTC)
        origin = Origin(version, f"{now:%s%f}", now)
        for ensemble in ensembles:
            item = record_item(upload, ensemble, record_of(upload.filename, body), origin, timedelta(days=1))
            table.put_newer(item)

    thread = threading.Thread(target=score)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_a_batch_is_uploaded_scored_and_ranked(account: LocalAws, command: Command) -> None:
    photo("shots/low.jpg", "0.25"), photo("shots/high.jpg", "0.75")
    with scorer(account):
        result = command("upload", "shots")

    assert result.exit_code == SUCCESS
    lines = [line.split() for line in result.stdout.splitlines()]
    ranking = [[cell for cell in line if cell not in {"│", "┃"}] for line in lines if "│" in line]
    assert ranking == [["1", "0.7500", "50.0", "high.jpg"], ["2", "0.2500", "50.0", "low.jpg"]]
    assert "resmem@1.1.6: ResMem Non-commercial License — non-commercial use only" in result.stdout
    assert "2 of 2 photos uploaded" in result.stderr
    assert "2 of 2 photos scored" in result.stderr


def test_records_come_in_the_photos_order_under_the_users_names(account: LocalAws, command: Command) -> None:
    paths = [photo(path, f"0.{n}") for n, path in enumerate(["b/夏 + 100%.jpg", "a/beach.jpg", "b/beach.jpg"], 1)]
    with scorer(account):
        result = command("upload", *paths, "--batch", "names", "--tenant", "acme", "--json")

    assert result.exit_code == SUCCESS
    assert [record.file for record in result.records] == paths
    assert [record.measures[Measure.HIT_RATE].score for record in result.records if record.status == "scored"] == [
        0.1,
        0.2,
        0.3,
    ]
    keys = {thing["Key"] for thing in account.s3.list_objects_v2(Bucket=UPLOADS, Prefix="uploads/acme/")["Contents"]}
    assert keys == {f"uploads/acme/names/{name}" for name in ("夏 + 100%.jpg", "beach.jpg", "beach-2.jpg")}


def test_a_failed_photo_is_told_and_fails_the_command(account: LocalAws, command: Command) -> None:
    photo("shots/empty.jpg", ""), photo("shots/good.jpg", "0.5")
    with scorer(account):
        as_text, as_json = command("upload", "shots"), command("upload", "shots", "--json")

    assert as_text.exit_code == as_json.exit_code == FAILURE
    assert "failed  empty_file: shots/empty.jpg is empty" in as_text.stdout
    assert [(record.file, record.status) for record in as_json.records] == [
        ("shots/empty.jpg", "failed"),
        ("shots/good.jpg", "scored"),
    ]


def test_photos_without_a_record_in_time_are_named(account: LocalAws, command: Command) -> None:
    photo("shots/lost.jpg", "0.5"), photo("shots/good.jpg", "0.5")
    with scorer(account):
        result = command("upload", "shots", "--batch", "late", "--timeout", "1", "--json")

    assert result.exit_code == FAILURE
    assert [record.file for record in result.records] == ["shots/good.jpg"]
    assert "1 photos have none: shots/lost.jpg" in result.stderr
    assert "memorability results late --tenant default" in result.stderr


def test_a_second_upload_waits_for_its_own_records(account: LocalAws, command: Command) -> None:
    path = photo("shots/beach.jpg", "0.1")
    with scorer(account):
        command("upload", path, "--batch", "again")
        photo(path, "0.9")
        result = command("upload", path, "--batch", "again", "--json")

    (record,) = result.records
    assert isinstance(record, ScoredRecord)
    assert record.measures[Measure.HIT_RATE].score == 0.9


def test_an_earlier_batch_is_read_again(account: LocalAws, command: Command) -> None:
    photo("shots/empty.jpg", ""), photo("shots/夏 + 1.jpg", "0.5")
    with scorer(account):
        uploaded = command("upload", "shots", "--batch", "spring", "--tenant", "acme", "--json")

    read = command("results", "spring", "--tenant", "acme", "--json")
    assert read.exit_code == FAILURE
    assert [record.file for record in read.records] == ["empty.jpg", "夏 + 1.jpg"]
    assert read.stdout == uploaded.stdout.replace("shots/", "")
    assert "failed  empty_file: empty.jpg is empty" in command("results", "spring", "--tenant", "acme").stdout


def test_every_ensemble_has_its_ranking(account: LocalAws, command: Command) -> None:
    path = photo("beach.jpg", "0.5")
    with scorer(account, ("bold", "calm")):
        command("upload", path, "--batch", "two")
    result = command("results", "two")
    headings = [line for line in result.stdout.splitlines() if line in {"bold", "calm"}]
    assert headings == ["bold", "calm"]
    assert result.stdout.count("beach.jpg") == 2


@pytest.mark.parametrize("arguments", [("nobody",), ("spring", "--tenant", "nobody")])
def test_a_batch_that_is_not_there_is_an_error(command: Command, arguments: tuple[str, ...]) -> None:
    result = command("results", *arguments)
    assert result.exit_code == FAILURE
    assert "has no record of a batch" in result.stderr


def test_a_bucket_that_is_not_there_is_named(command: Command, deployment: Path) -> None:
    change(deployment, uploads_bucket="gone")
    result = command("upload", photo("a.jpg", "0.5"))
    assert result.exit_code == FAILURE
    assert "Error: a.jpg cannot be uploaded to s3://gone: " in result.stderr
    assert "NoSuchBucket" in result.stderr


def test_a_table_that_is_not_there_is_named(command: Command, deployment: Path) -> None:
    change(deployment, results_table="gone")
    result = command("results", "spring")
    assert result.exit_code == FAILURE
    assert "Error: the table gone cannot be read: " in result.stderr


def test_aws_without_credentials_says_how_to_get_some(
    command: Command, deployment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    change(deployment, endpoint_url=None)
    result = command("results", "spring")
    assert result.exit_code == FAILURE
    assert "there are no AWS credentials; set AWS_PROFILE" in result.stderr


def test_a_file_that_is_no_deployment_is_named(command: Command) -> None:
    result = command("results", "spring", "--deployment", photo("x.json", "{}"))
    assert result.exit_code == FAILURE
    assert "Error: x.json is no deployment file (region: Field required;" in result.stderr


def test_a_command_without_a_deployment_is_bad_usage(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEMORABILITY_DEPLOYMENT")
    result = command("upload", photo("a.jpg", "0.5"))
    assert result.exit_code == BAD_USAGE
    assert "--deployment" in result.stderr
