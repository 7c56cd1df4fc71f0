"""`memorability score`: what it prints where, its exit codes, and errors that name the remedy."""

import os
from pathlib import Path

import pytest

from model_store.records import FailedRecord, ScoredRecord
from model_store.store import Measure, ModelStore
from tests.unit.command.running import BAD_USAGE, FAILURE, SUCCESS, Command, alter_parameters, save_picture
from tests.unit.store.samples import REFERENCE


def test_json_is_one_record_a_photo_and_nothing_else(over: Command, photos: Path) -> None:
    result = over("score", photos, "--json")

    assert result.exit_code == SUCCESS
    assert [record.file for record in result.records] == [
        str(photos / name) for name in ("a.png", "b.png", "c.png", "d.png", "more/e.png")
    ]
    for number, record in enumerate(result.records):
        assert isinstance(record, ScoredRecord)
        assert (record.width, record.height) == (30 + number, 24)
        assert record.ensemble == "default@1"
        assert list(record.measures) == [Measure.HIT_RATE, Measure.FALSE_ALARM_RATE]
    assert "5 of 5 photos scored" in result.error


def test_the_table_ranks_what_json_lists(over: Command, photos: Path) -> None:
    records = [record for record in over("score", photos, "--json").records if isinstance(record, ScoredRecord)]
    by_hits = sorted(records, key=lambda record: -record.measures[Measure.HIT_RATE].score)
    by_alarms = sorted(records, key=lambda record: record.measures[Measure.FALSE_ALARM_RATE].score)

    table = over("score", photos).stdout

    hits, alarms = table.split("False-alarm rate")
    assert names_in_order(hits) == [Path(record.file).name for record in by_hits]
    assert names_in_order(alarms) == [Path(record.file).name for record in by_alarms]
    best = by_hits[0].measures[Measure.HIT_RATE]
    for number in (f"{best.score:.4f}", f"{best.percentile:.1f}", f"{best.spread:.3f}", f"{best.models[0].score:.4f}"):
        assert number in hits


def names_in_order(table: str) -> list[str]:
    words = table.replace("/", " ").split()
    return [word for word in words if word.endswith(".png")]


def test_the_terms_of_every_model_are_shown(over: Command, photos: Path) -> None:
    result = over("score", photos)

    for model in ("first@1", "second@1", "alarms@1"):
        assert f"{model}: Tiny Non-commercial License — non-commercial use only" in " ".join(result.stdout.split())


def test_one_model_or_another_ensemble_on_demand(over: Command, store: ModelStore, photos: Path) -> None:
    members = {Measure.HIT_RATE: store.ensemble("default").measures[Measure.HIT_RATE]}
    store.publish_ensemble("hits", members)

    (by_model,) = over("score", "--json", "--model", "wide", photos / "a.png").records
    (by_ensemble,) = over("score", "--json", "--ensemble", "hits", photos / "a.png").records

    assert isinstance(by_model, ScoredRecord)
    assert by_model.ensemble == "wide@1"
    assert isinstance(by_ensemble, ScoredRecord)
    assert by_ensemble.ensemble == "hits@1"
    assert list(by_ensemble.measures) == [Measure.HIT_RATE]


def test_a_photo_that_fails_makes_the_exit_code_1_and_stops_nothing(over: Command, photos: Path) -> None:
    (photos / "b.png").write_bytes(b"no picture")
    (photos / "c.png").write_bytes(b"")

    as_json = over("score", "--json", photos)
    table = over("score", photos)

    assert as_json.exit_code == table.exit_code == FAILURE
    assert [record.status for record in as_json.records] == ["scored", "failed", "failed", "scored", "scored"]
    assert [record.error.code for record in as_json.records if isinstance(record, FailedRecord)] == [
        "unreadable_image",
        "empty_file",
    ]
    failures = [line for line in table.stdout.splitlines() if line.startswith("failed")]
    assert [line.split()[1] for line in failures] == ["unreadable_image:", "empty_file:"]
    assert str(photos / "b.png") in failures[0]
    assert "3 of 5 photos scored" in table.error


def test_limits_are_the_users_to_set(over: Command, photos: Path) -> None:
    result = over("score", "--json", "--max-megapixels", "0.00073", photos / "a.png", photos / "b.png")

    assert [record.status for record in result.records] == ["scored", "failed"]
    (too_large,) = over("score", "--json", "--max-megabytes", "0.001", photos / "a.png").records
    assert isinstance(too_large, FailedRecord)
    assert too_large.error.code == "image_too_large"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--json"],
        ["missing.png"],
        ["--model", "first", "--ensemble", "live", "."],
        ["--max-megabytes", "0", "."],
        ["--max-megapixels", "-1", "."],
        ["--max-megapixels", "nan", "."],
        ["--max-megapixels", "inf", "."],
        ["--no-such-option", "."],
        ["--report", ".", "."],
    ],
)
def test_bad_usage_is_exit_code_2(over: Command, arguments: list[str]) -> None:
    result = over("score", *arguments)

    assert result.exit_code == BAD_USAGE
    assert result.stdout == ""
    assert "memorability score" in result.stderr


def test_every_file_of_a_folder_is_scored_once_in_the_order_of_names(over: Command, photos: Path) -> None:
    (photos / ".hidden.png").write_bytes(b"")
    (photos / ".thumbnails").mkdir()
    (photos / ".thumbnails" / "a.png").write_bytes(b"")
    save_picture(photos / "Z.png", 9)

    result = over("score", "--json", photos / "d.png", photos, photos / "a.png")

    names = [Path(record.file).relative_to(photos).as_posix() for record in result.records]
    assert names == ["d.png", "Z.png", "a.png", "b.png", "c.png", "more/e.png"]


def test_a_hidden_file_that_is_named_is_scored(over: Command, tmp_path: Path) -> None:
    assert over("score", "--json", save_picture(tmp_path / ".hidden.png", 1)).exit_code == SUCCESS


def test_a_folder_without_photos_gives_no_records(over: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    result = over("score", "--json", tmp_path / "empty")

    assert (result.exit_code, result.stdout) == (SUCCESS, "")


@pytest.mark.parametrize("name", ["[red]not markup[/red].png", "-dash.png", "línea\nnueva.png", "%s {0}.png"])
def test_a_file_may_have_any_name(over: Command, tmp_path: Path, name: str) -> None:
    photo = save_picture(tmp_path / "odd" / name, 1)
    report = tmp_path / "report.html"

    (record,) = over("score", "--json", tmp_path / "odd").records
    table = over("score", tmp_path / "odd", "--report", report)

    assert record.file == str(photo)
    assert table.exit_code == SUCCESS
    assert Path(name).name.rsplit(maxsplit=1)[-1] in table.stdout
    assert report.read_text().count("<img") == 1


def test_a_name_that_is_no_text_is_escaped(over: Command, tmp_path: Path) -> None:
    photo = Path(os.fsdecode(os.fsencode(tmp_path / "odd") + b"/caf\xe9.png"))
    save_picture(photo, 1)
    report = tmp_path / "report.html"

    (record,) = over("score", "--json", tmp_path / "odd").records
    table = over("score", tmp_path / "odd", "--report", report)

    assert record.file == str(tmp_path / "odd" / r"caf\udce9.png")
    assert r"caf\udce9.png" in table.stdout
    assert report.read_text().count("<img") == 1, "its picture is in the report all the same"


def test_the_report_is_a_page_of_its_own(over: Command, photos: Path, tmp_path: Path) -> None:
    (photos / "c.png").write_bytes(b"no picture")
    report = tmp_path / "reports" / "ranking.html"

    result = over("score", photos, "--report", report)

    assert result.exit_code == FAILURE
    assert f"Report: {report}" in result.stderr.splitlines()
    page = report.read_text()
    assert all(name in page for name in ("a.png", "b.png", "c.png", "d.png", "e.png"))
    assert page.count("data:image/jpeg;base64,") == 4
    assert "Tiny Non-commercial License" in page
    assert REFERENCE.description in page


def test_a_report_that_cannot_be_written_does_not_lose_the_ranking(over: Command, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = over("score", photos, "--report", tmp_path / "file" / "ranking.html")

    assert result.exit_code == FAILURE
    assert len(names_in_order(result.stdout)) == 10
    assert "give --report a file that may be written" in result.error


# The store


def test_an_empty_store_says_how_to_fill_it(command: Command, photos: Path) -> None:
    scored, listed = command("score", photos), command("models", "list")

    assert scored.exit_code == FAILURE
    assert scored.stdout == ""
    assert scored.error.startswith("Error: There is no ensemble or alias live in ")
    assert "`memorability models pull resmem`" in scored.error
    assert listed.exit_code == SUCCESS
    assert "Get one with `memorability models pull resmem`" in " ".join(listed.stdout.split())


def test_the_option_names_the_store_before_the_environment(command: Command, store: ModelStore, photos: Path) -> None:
    assert command("models", "show", "first", "--store", store.root).exit_code == SUCCESS
    assert command("score", "--json", photos / "a.png", "--store", store.root).exit_code == SUCCESS
    assert command("models", "show", "first").exit_code == FAILURE


def test_altered_parameters_are_refused_before_anything_is_scored(
    over: Command, store: ModelStore, photos: Path
) -> None:
    alter_parameters(store, "second")

    result = over("score", "--json", photos)

    assert (result.exit_code, result.stdout) == (FAILURE, "")
    assert "Error: second@1 is refused: params.safetensors has the SHA-256" in result.error
    assert "`memorability models pull second`" in result.error
