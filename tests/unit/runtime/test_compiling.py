"""Executables for every level of CPU, each made and tried in a process of its own."""

from pathlib import Path

import pytest

from model_store.golden import GoldenCaseError, golden_image
from model_store.runtime import compiling
from model_store.runtime.compiling import (
    CompilerCrashError,
    RefusedVersionError,
    compile_and_try,
    compile_for_fleet,
    compile_in_subprocess,
    fleet_targets,
)
from model_store.runtime.executables import can_serve
from model_store.runtime.loading import load_model
from model_store.runtime.target import InstructionSet, host_isa
from model_store.store import Manifest, ModelStore
from model_store.store.compiled import INDEX_FILE, ExecutableIndex
from model_store.store.layout import COMPILED_FOLDER, PARAMETERS_FILE
from model_store.store.manifest import GoldenCase
from tests.unit import tiny_models


def nothing(_folder: Path, _manifest: Manifest) -> None:
    """Publishes without executables."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A version without executables."""
    store = ModelStore(tmp_path)
    tiny_models.publish(store, "first", seed=1, check=nothing)
    return store.path("first")


def manifest_of(folder: Path, *golden: GoldenCase) -> Manifest:
    manifest = ModelStore(folder.parents[2]).manifest("first")
    return manifest.model_copy(update={"golden": golden})


def golden_case(score: float | None = None) -> GoldenCase:
    true = tiny_models.plain_scores(1, golden_image(0, tiny_models.CROP)[None])[0]
    return GoldenCase(seed=0, score=float(true) if score is None else score, tolerance=1e-4)


def test_the_targets_go_from_what_every_host_runs_to_the_best_of_this_one() -> None:
    levels = [target.isa for target in fleet_targets()]
    assert levels[-1] is host_isa()
    assert levels in (
        [InstructionSet.AVX2, InstructionSet.AVX512],
        [InstructionSet.AVX2],
        [InstructionSet.NATIVE],
    )


def test_every_target_is_compiled_and_serves(folder: Path) -> None:
    manifest = manifest_of(folder, golden_case())

    compile_for_fleet(folder, manifest)

    compiled = sorted(path.name for path in (folder / COMPILED_FOLDER).iterdir())
    assert compiled == sorted(target.name for target in fleet_targets())
    model = load_model(folder, manifest)
    assert model.programs.ahead_of_time
    assert model(golden_image(0, tiny_models.CROP)[None])[0] == pytest.approx(golden_case().score, abs=1e-6)

    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    compile_for_fleet(folder, manifest)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before, "it was compiled again"


def test_what_other_software_compiled_is_compiled_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[InstructionSet] = []
    monkeypatch.setattr(compiling, "compile_in_subprocess", lambda _folder, _manifest, isa: compiled.append(isa))
    for target in fleet_targets():
        place = folder / COMPILED_FOLDER / target.name
        place.mkdir(parents=True)
        (place / INDEX_FILE).write_text(ExecutableIndex(requires=frozenset(), sha256={}).model_dump_json())

    compile_for_fleet(folder, manifest_of(folder, golden_case()))

    assert compiled == [target.isa for target in fleet_targets()]


@pytest.mark.parametrize("lacking", ["parameters", "features", "gradcam"])
def test_a_version_of_an_earlier_release_lacks_what_is_compiled_now(store: ModelStore, lacking: str) -> None:
    (place,) = (store.path("first") / COMPILED_FOLDER).iterdir()
    manifest = store.manifest("first")
    assert can_serve(place, manifest)
    index = ExecutableIndex.model_validate_json((place / INDEX_FILE).read_bytes())
    kept = {name: digest for name, digest in index.sha256.items() if not name.startswith(lacking)}
    (place / INDEX_FILE).write_text(index.model_copy(update={"sha256": kept}).model_dump_json())

    assert not can_serve(place, manifest)


def test_other_scores_than_the_golden_ones_are_refused(folder: Path) -> None:
    with pytest.raises(GoldenCaseError, match=r"first@1 does not give its golden scores.* expected 0\.123000"):
        compile_and_try(folder, manifest_of(folder, golden_case(0.123)))


def test_a_version_at_fault_is_refused_with_the_reason(folder: Path) -> None:
    manifest = manifest_of(folder).model_copy(update={"architecture": "squeezemem"})
    with pytest.raises(RefusedVersionError, match="architecture 'squeezemem' is unknown here"):
        compile_in_subprocess(folder, manifest, fleet_targets()[0].isa)


def test_a_compiler_that_dies_says_nothing_of_the_version(folder: Path) -> None:
    (folder / PARAMETERS_FILE).unlink()
    with pytest.raises(CompilerCrashError, match=r"(?s)first@1 for .* ended with 1: .*params\.safetensors"):
        compile_in_subprocess(folder, manifest_of(folder), fleet_targets()[0].isa)
