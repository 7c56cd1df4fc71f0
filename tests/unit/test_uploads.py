"""Keys of uploads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.items import photo_key
from model_store.uploads import MAX_FILENAME_BYTES, NotAnUploadError, UploadKey

NAMES = st.text(st.characters(exclude_characters="/#", exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(NAMES, NAMES, NAMES)
def test_a_key_and_its_parts_are_the_same_thing(tenant: str, batch: str, filename: str) -> None:
    key = UploadKey(tenant, batch, filename)
    assert UploadKey.parse(str(key)) == key


@pytest.mark.parametrize(
    "key",
    [
        "uploads/acme/spring/",
        "uploads/acme/beach.jpg",
        "uploads//spring/beach.jpg",
        "uploads/acme//beach.jpg",
        "other/acme/spring/beach.jpg",
        "my-uploads/acme/spring/beach.jpg",
        "uploads/acme#BATCH#x/spring/beach.jpg",
        "uploads/acme/spring#1/beach.jpg",
        f"uploads/acme/spring/{'é' * 451}",
    ],
)
def test_other_keys_are_no_uploads(key: str) -> None:
    with pytest.raises(NotAnUploadError):
        UploadKey.parse(key)


def test_nobody_can_name_a_batch_so_that_it_looks_like_another_tenants() -> None:
    with pytest.raises(NotAnUploadError):
        UploadKey.parse("uploads/acme/spring#BATCH#autumn/beach.jpg")


def test_the_longest_filename_fits_the_sort_key() -> None:
    key = UploadKey.parse("uploads/acme/spring/" + "x" * MAX_FILENAME_BYTES)
    assert len(photo_key(key, "e" * 64)["sk"].encode()) <= 1024
