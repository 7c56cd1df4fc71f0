"""What every test may use: the photographs and scores that lie beside the repository, where they are there."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# Where arrays are computed with, every call checks the shapes and dtypes of its annotations while tests run.
_COMPUTING = (
    *(f"model_store.models.{name}" for name in ("layers", "resnet", "precision", "torchvision_params")),
    *(f"model_store.models.{name}" for name in ("resmem", "falseresmem", "vitmem")),
    "model_store.golden",
    "model_store.images.preprocessing",
)
install_import_hook(_COMPUTING, "beartype.beartype")

_SHARED_DATA = Path(os.environ.get("MEMORABILITY_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
_deselected = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images and published scores; for tests marked `shared_data`."""
    if not _SHARED_DATA.is_dir():
        pytest.fail(f"{_SHARED_DATA} is missing: mark this test `shared_data`, or set MEMORABILITY_TEST_DATA")
    return _SHARED_DATA


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that need the shared data where there is none."""
    if _SHARED_DATA.is_dir():
        return
    without_data = [item for item in items if item.get_closest_marker("shared_data")]
    items[:] = [item for item in items if item not in without_data]
    config.hook.pytest_deselected(items=without_data)
    config.stash[_deselected] = len(without_data)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many tests did not run for want of data."""
    if count := config.stash.get(_deselected, 0):
        terminalreporter.write_line(
            f"{count} tests were deselected: they need the data of {_SHARED_DATA} (or MEMORABILITY_TEST_DATA)"
        )
