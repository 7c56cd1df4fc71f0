"""Where the objects of heatmaps lie."""

from dataclasses import replace
from decimal import Decimal

import pytest

from model_store.heatmap_items import MAX_KEY_BYTES, HeatmapOrigin, HeatmapPlace, ObjectKeys
from model_store.heatmaps.methods import Method
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.uploads import UploadKey

PLACE = HeatmapPlace(UploadKey("acme", "spring", "beach.jpg"), HeatmapSubject.of_model("resmem"), Method.GRADCAM)
ORIGIN = HeatmapOrigin("v1", "order-1", Decimal(9))
MODELS = ("resmem@1",)


def keys(origin: HeatmapOrigin = ORIGIN, models: tuple[str, ...] = MODELS) -> ObjectKeys:
    return PLACE.object_keys(origin, models)


def test_objects_lie_in_the_folder_of_their_batch() -> None:
    for key, name in ((keys().overlay, "overlay.png"), (keys().map, "map.npz")):
        folder, digest, last = key.rsplit("/", 2)
        assert (folder, last) == ("heatmaps/acme/spring/beach.jpg/model.resmem/gradcam", name)
        assert len(digest) == 16


@pytest.mark.parametrize(
    ("origin", "models"),
    [
        (replace(ORIGIN, object_version="v2"), MODELS),
        (replace(ORIGIN, object_version=None), MODELS),
        (replace(ORIGIN, event_order="order-2"), MODELS),
        (ORIGIN, ("resmem@2",)),
        (ORIGIN, ("resmem@1", "vitmem@1")),
    ],
)
def test_another_upload_and_other_networks_have_objects_of_their_own(
    origin: HeatmapOrigin, models: tuple[str, ...]
) -> None:
    other = keys(origin, models)
    assert other.overlay != keys().overlay
    assert other.map != keys().map
    assert PLACE.holds(other.overlay) and PLACE.holds(other.map)


def test_the_same_heatmap_has_the_same_objects_however_long_it_is_kept() -> None:
    assert keys(replace(ORIGIN, expires_at=Decimal(10))) == keys()


def test_a_place_fits_as_long_as_its_longest_key_does() -> None:
    room = MAX_KEY_BYTES - len(keys().overlay.encode())
    fitting, too_long = (
        replace(PLACE, upload=replace(PLACE.upload, filename="beach.jpg" + "x" * extra)) for extra in (room, room + 1)
    )
    assert len(fitting.object_keys(ORIGIN, MODELS).overlay) == MAX_KEY_BYTES
    assert (fitting.fits, too_long.fits) == (True, False)
