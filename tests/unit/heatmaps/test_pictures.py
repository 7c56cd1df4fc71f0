"""Maps on their way to the upright photo, and what is drawn of them."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from model_store.heatmaps.colours import diverging, diverging_lab, lab_to_srgb
from model_store.heatmaps.frames import Frame
from model_store.heatmaps.maps import MIN_SCALE, PhotoMap, average, shared_scale
from model_store.heatmaps.regions import Box, RegionError, region_shares
from model_store.heatmaps.rendering import LONGEST_SIDE, blend, fit, overlay, overlay_png, with_legend
from model_store.images import Preprocessing

RESMEM = Frame(256, 227)


def photo_map(values: np.ndarray, frame: Frame = RESMEM) -> PhotoMap:
    return PhotoMap(values.astype(np.float32), np.zeros_like(values, np.float32), 0.5, frame)


@pytest.mark.parametrize("size", [(768, 512), (300, 900), (100, 60)])
def test_a_map_returns_to_where_its_pixels_came_from(size: tuple[int, int]) -> None:
    # A photo whose brightness is a plane: what the model sees of it, brought back, is the photo.
    width, height = size
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    plane = (200 * x[None, :] * 0.5 + 200 * y[:, None] * 0.5).astype(np.float32)
    picture = Image.fromarray(np.repeat(plane.round().astype(np.uint8)[..., None], 3, axis=2))
    seen = Preprocessing(256, 227).apply(picture)[..., 0].astype(np.float32)
    warped = RESMEM.to_photo(seen, width, height)
    inside = ~np.isnan(warped)
    assert np.abs(warped - plane)[inside].max() < 2
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    assert (columns[0] / width, (columns[-1] + 1) / width) == pytest.approx((14 / 256, 241 / 256), abs=1 / width)
    assert (rows[0] / height, (rows[-1] + 1) / height) == pytest.approx((14 / 256, 241 / 256), abs=1 / height)


def test_a_map_in_another_frame_keeps_its_places() -> None:
    vit = Frame(256, 224)
    values = np.broadcast_to(np.arange(224, dtype=np.float32), (224, 224)).copy()
    moved = vit.to_frame(values, RESMEM)
    assert moved.shape == (227, 227)
    # ViT's crop begins at pixel 16 of the square, ResMem's at 14.
    np.testing.assert_allclose(moved[100, 2:226], np.arange(224), atol=1e-4)
    assert moved[100, 0] == 0
    assert vit.to_frame(values, vit) is values


def test_the_mean_map_of_members_and_their_disagreement() -> None:
    ones = np.ones((227, 227), np.float32)
    both = average([ones, 3 * ones], [0.4, 0.6], [RESMEM, RESMEM])
    np.testing.assert_allclose(both.values, 2)
    np.testing.assert_allclose(both.disagreement, 1)
    assert both.score == pytest.approx(0.5)
    assert both.relative_disagreement == pytest.approx(0.5)


def test_densities_of_another_frame_are_per_area_of_the_first() -> None:
    small = Frame(100, 50)
    both = average([np.zeros((100, 100)), np.full((50, 50), 4.0)], [0, 0], [Frame(100, 100), small])
    # 4 over a quarter of the photo is as much as 16 over … the whole: each adds half of the mean.
    assert both.values.mean() == pytest.approx(4 / 2, rel=0.01)


def test_a_map_survives_its_file() -> None:
    made = photo_map(np.random.default_rng(0).normal(size=(227, 227)))
    read, figures = PhotoMap.from_npz(made.to_npz({"score": 0.5, "models": ["a@1"]}))
    np.testing.assert_array_equal(read.values, made.values)
    assert (read.score, read.frame, figures) == (0.5, RESMEM, {"score": 0.5, "models": ["a@1"]})
    with np.load(BytesIO(made.to_npz({}))) as file:
        assert file["map"].dtype == np.float32


def test_a_batch_has_one_scale_and_a_flat_map_stays_pale() -> None:
    weak, strong = photo_map(np.full((227, 227), 0.1)), photo_map(np.full((227, 227), -0.4))
    assert shared_scale([weak, strong]) == pytest.approx(0.4)
    assert shared_scale([photo_map(np.full((227, 227), 1e-9))]) == MIN_SCALE


def test_an_overlay_shows_sign_by_colour_and_strength_by_opacity() -> None:
    values = np.zeros((227, 227))
    values[:, :76], values[:, 151:] = -0.5, 1.0
    picture = np.asarray(overlay(photo_map(values), 600, 300, scale=1.0)).astype(int)
    assert picture.shape == (300, 600, 4)
    left, middle, right, border = picture[150, 150], picture[150, 300], picture[150, 450], picture[2, 2]
    assert left[2] > left[0] and right[0] > right[2]
    assert left[3] == pytest.approx(right[3] / 2, abs=1)
    assert (middle[3], border[3]) == (0, 0)


def test_an_overlay_fades_out_before_the_edge_of_what_the_model_saw() -> None:
    seen = photo_map(np.ones((228, 228)), Frame(256, 228))
    opacity = np.asarray(overlay(seen, 1024, 1024, scale=1.0))[512, :, 3].astype(int)
    edge = round(1024 * 14 / 256)
    assert not opacity[: edge - 1].any() and not opacity[-edge + 1 :].any()
    assert np.abs(np.diff(opacity)).max() <= 3
    np.testing.assert_array_equal(opacity, opacity[::-1])
    assert opacity[300] == opacity[512] > opacity[edge + 40] > 0


def test_values_beyond_the_scale_get_the_full_colour() -> None:
    values = np.full((227, 227), 9.0)
    assert np.asarray(overlay(photo_map(values), 100, 100, scale=1.0))[50, 50, 3] == round(0.85 * 255)


def test_pictures_keep_the_photos_aspect() -> None:
    assert fit(4000, 3000) == (LONGEST_SIDE, 768)
    assert fit(300, 200) == (300, 200)
    assert fit(100_000, 10) == (LONGEST_SIDE, 1)
    made = photo_map(np.zeros((227, 227)))
    assert Image.open(BytesIO(overlay_png(made, 3000, 4000, 1.0))).size == (768, LONGEST_SIDE)


def test_a_clear_overlay_leaves_the_photo_in_place() -> None:
    photo = Image.new("RGB", (400, 300), (90, 90, 90))
    blended = blend(photo, overlay(photo_map(np.zeros((227, 227))), 400, 300, 1.0))
    assert (blended.mode, blended.size, blended.getpixel((200, 150))) == ("RGB", (400, 300), (90, 90, 90))
    sheet = with_legend(blended, 1.0)
    assert sheet.width == 400 and sheet.height > 300
    bar = np.asarray(sheet)[300 + 16].astype(int)
    assert bar[20, 2] > bar[20, 0] and bar[380, 0] > bar[380, 2]


def test_equal_steps_of_the_colour_map_are_equal_distances_in_lab() -> None:
    steps = np.linalg.norm(np.diff(diverging_lab(), axis=0), axis=1)
    np.testing.assert_allclose(steps, steps.mean(), rtol=1e-6)
    np.testing.assert_allclose(diverging_lab()[:, 0], diverging_lab()[::-1, 0])


def test_the_colour_map_lies_within_srgb() -> None:
    exact = lab_to_srgb(diverging_lab())
    assert exact.min() >= 0 and exact.max() <= 1
    white = diverging()[len(diverging()) // 2].astype(int)
    assert white.max() - white.min() <= 1


# Viénot, Brettel and Mollon 1999, "Digital video colourmaps for checking the legibility of displays by dichromats":
# what is left of linear RGB without the cones for red, and for green.
DICHROMATS = {
    "protanopia": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
    "deuteranopia": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
}


@pytest.mark.parametrize("kind", DICHROMATS)
def test_colour_blind_people_tell_raising_from_lowering(kind: str) -> None:
    linear = (diverging() / 255) ** 2.2
    seen = np.clip(linear @ DICHROMATS[kind].T, 0, 1) ** (1 / 2.2)
    # Yellow against blue is what they have left: its sign is the map's sign.
    yellowness = seen[:, :2].mean(axis=1) - seen[:, 2]
    assert np.all(np.diff(yellowness[::30]) > 0)
    assert yellowness[-1] - yellowness[0] > 0.5


def test_shares_of_a_region() -> None:
    values = np.zeros((100, 100))
    values[:50], values[50:, :50] = 2.0, -1.0
    made = photo_map(values, Frame(100, 100))
    top_left = region_shares(made, Box(0, 0, 100, 50).to_mask(200, 100))
    assert top_left.area == pytest.approx(0.25)
    assert top_left.raising == pytest.approx(0.5, abs=0.01)
    assert top_left.lowering == pytest.approx(0, abs=0.01)
    assert top_left.contribution == pytest.approx(0.5, abs=0.01)
    assert top_left.total == pytest.approx(1 - 0.25, abs=0.01)
    whole = region_shares(made, np.ones((100, 200), bool))
    assert (whole.raising, whole.lowering) == pytest.approx((1, 1))
    assert whole.contribution == whole.total


def test_contributions_do_not_depend_on_the_size_of_the_picture() -> None:
    made = photo_map(np.full((227, 227), 0.3))
    for size in ((256, 256), (640, 480)):
        assert region_shares(made, np.ones(size[::-1], bool)).total == pytest.approx(0.3, rel=0.01)


@pytest.mark.parametrize("box", [Box(0, 0, 0, 5), Box(-1, 0, 5, 5), Box(0, 0, 11, 5), Box(5, 5, 4, 9)])
def test_boxes_outside_the_photo_are_refused(box: Box) -> None:
    with pytest.raises(RegionError, match="10 × 10 pixels"):
        box.to_mask(10, 10)


def test_an_empty_region_is_refused() -> None:
    with pytest.raises(RegionError, match="empty"):
        region_shares(photo_map(np.zeros((227, 227))), np.zeros((10, 10), bool))
