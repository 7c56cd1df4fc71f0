"""References, and which of two versions is newer."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.store.errors import StoreError
from model_store.store.references import NAME_PATTERN, VERSION_PATTERN, Ref
from model_store.store.versions import version_order

NAMES = st.from_regex(NAME_PATTERN, fullmatch=True)
VERSIONS = st.from_regex(VERSION_PATTERN, fullmatch=True)


@given(NAMES, st.none() | VERSIONS)
def test_a_reference_reads_as_it_is_written(name: str, version: str | None) -> None:
    assert Ref.parse(str(Ref(name, version))) == Ref(name, version)


@pytest.mark.parametrize(
    "text",
    ["", "@", "@1", "resmem@", "ResMem", "a b", "a/b@1", "../x", "a@../x", "a@1@2", "a@.1", "a\n", "a@1\n"],
)
def test_what_could_not_be_a_folder_is_no_reference(text: str) -> None:
    with pytest.raises(StoreError, match="NAME@VERSION"):
        Ref.parse(text)


def test_a_name_cannot_smuggle_a_version() -> None:
    with pytest.raises(StoreError, match="NAME@VERSION"):
        Ref("resmem@1")


@pytest.mark.parametrize(
    "oldest_first",
    [
        ["1.0rc1", "1.0", "1.0.1", "1.2", "1.10", "2.0.dev1", "2.0"],
        ["run-2", "run-10", "run-10b"],
        ["2026-01-05", "2026-01-31", "2026-11-01"],
        ["f00d-head", "0.1"],
        ["1.0", "1.0.0"],
    ],
)
def test_versions_sort_as_people_mean_them(oldest_first: list[str]) -> None:
    shuffled = random.Random(0).sample(oldest_first, len(oldest_first))
    assert sorted(shuffled, key=version_order) == oldest_first


@given(st.lists(VERSIONS, unique=True))
def test_any_versions_have_one_order(versions: list[str]) -> None:
    assert sorted(versions, key=version_order) == sorted(sorted(versions), key=version_order)
