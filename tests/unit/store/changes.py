"""Uses of a store, to be run in processes of their own, which start fast because this imports little."""

import time
from pathlib import Path

from model_store.store import ModelStore, NotFoundError, StoreError
from model_store.store.layout import PARAMETERS_FILE
from model_store.store.tensors import map_tensors
from tests.unit.store.samples import publish, publish_ensemble


def publish_second(root: Path) -> None:
    publish(ModelStore(root), "2.0", value=2)


def publish_next_ensemble(root: Path) -> None:
    publish_ensemble(ModelStore(root), "resmem@1.0", "resmem@1.5")


def move_alias(root: Path) -> None:
    ModelStore(root).set_alias("live", "default@2")


def make_alias(root: Path) -> None:
    ModelStore(root).set_alias("next", "default@2")


def remove_alias(root: Path) -> None:
    try:
        ModelStore(root).remove_alias("live")
    except NotFoundError:
        assert not (root / "aliases" / "live").exists()


def remove_idle_model(root: Path) -> None:
    try:
        ModelStore(root).remove("resmem@1.5")
    except NotFoundError:
        assert not (root / "models" / "resmem" / "1.5").exists()


def publish_over_damage(root: Path) -> None:
    publish(ModelStore(root), "1.0")


def hold_a_draft(root: Path) -> None:
    with ModelStore(root).draft("resmem", "3.0") as draft:
        (draft.path / PARAMETERS_FILE).write_bytes(b"half")
        (root / "writing").touch()
        time.sleep(60)


def read_everything(root: Path) -> None:
    """Use every method that reads."""
    store = ModelStore(root)
    assert [manifest.ref for manifest in store.models().items] == ["resmem@1.0"]
    store.verify(store.resolve("resmem"))
    map_tensors(store.path("resmem") / PARAMETERS_FILE)
    assert store.ensembles().items == (store.ensemble("live"),)
    assert store.aliases() == {"live": "default@1"}


def read_in_vain(root: Path) -> None:
    """Expect each kind of reader and writer to be refused by the system, and to say so."""
    store = ModelStore(root)
    for call in (store.models, store.aliases, lambda: store.manifest("resmem"), lambda: publish_second(root)):
        try:
            call()
        except StoreError as error:
            assert f"{root} cannot be used: Permission denied" in str(error), error
            assert "give this user access" in str(error), error
        else:
            raise AssertionError(f"{call} was not refused")
