"""What the page computes, against the platform's own Python."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page

from model_store.heatmaps.colours import diverging
from model_store.heatmaps.frames import Frame
from model_store.heatmaps.maps import PhotoMap
from model_store.heatmaps.regions import Box, region_shares
from tests.browser.fake.server import WEB, FakePlatform

WIDTH, HEIGHT = 600, 400


@pytest.fixture
def page(context: BrowserContext, platform: FakePlatform) -> Iterator[Page]:
    """An empty page of the page's own origin."""
    page = context.new_page()
    page.goto(f"{platform.page_url}icon.svg")
    yield page


def call(page: Page, module: str, expression: str, argument: object = None) -> Any:
    """The value of an expression over a module's exports `m` and an argument `x`."""
    return page.evaluate(
        f"async (x) => {{ const m = await import('/app/{module}'); return await ({expression}); }}", argument
    )


@pytest.mark.parametrize(("resize", "crop"), [(256, 227), (224, 224), (255, 224)])
def test_share_in_a_box_is_that_of_the_command(page: Page, resize: int, crop: int) -> None:
    rng = np.random.default_rng(resize)
    values = rng.normal(size=(crop, crop)).astype(np.float32)
    photo_map = PhotoMap(values, np.zeros_like(values), 0.8, Frame(resize, crop))
    page.route("**/map.npz", lambda route: route.fulfill(body=photo_map.to_npz({"any": "figure"})))
    box = Box(90, 60, 410, 300)
    expected = region_shares(photo_map, box.to_mask(WIDTH, HEIGHT))
    sides = {"left": 90 / WIDTH, "top": 60 / HEIGHT, "right": 410 / WIDTH, "bottom": 300 / HEIGHT}
    found = page.evaluate(
        """async (box) => {
            const { loadMap } = await import('/app/heatmaps/maps.js');
            const { shareInBox } = await import('/app/heatmaps/share.js');
            return shareInBox(await loadMap('/map.npz', 'map'), box);
        }""",
        sides,
    )
    # The command interpolates the map to the photo's pixels, the page takes the map's cells as they are.
    assert found["raising"] == pytest.approx(expected.raising, abs=0.01)
    assert found["lowering"] == pytest.approx(expected.lowering, abs=0.01)
    assert found["area"] == pytest.approx(expected.area)


def test_map_without_anything_that_raises_has_no_share(page: Page) -> None:
    flat = {"width": 2, "height": 1, "values": [-1, -3], "frame": {"left": 0, "top": 0, "right": 1, "bottom": 1}}
    box = {"left": 0, "top": 0, "right": 0.5, "bottom": 1}
    found = call(page, "heatmaps/share.js", "m.shareInBox(x[0], x[1])", [flat, box])
    assert found == {"raising": None, "lowering": 0.25, "area": 0.5}


def test_uncompressed_maps_are_read(page: Page, tmp_path: Path) -> None:
    np.savez(tmp_path / "map.npz", map=np.arange(6, dtype=np.float32).reshape(2, 3))
    page.route("**/map.npz", lambda route: route.fulfill(path=tmp_path / "map.npz"))
    read = "fetch('/map.npz').then((answer) => answer.arrayBuffer()).then((buffer) => m.readNpz(buffer, 'map'))"
    found = call(page, "heatmaps/npz.js", f"{read}.then((array) => [array.shape, [...array.values]])")
    assert found == [[2, 3], [0, 1, 2, 3, 4, 5]]


def test_legend_has_the_colours_of_the_heatmaps() -> None:
    style = (WEB / "style" / "look.css").read_text()
    ends = ("#{:02x}{:02x}{:02x}".format(*diverging()[index]) for index in (0, -1))
    assert all(colour in style for colour in ends)


def test_files_of_the_same_name_get_names_of_their_own(page: Page) -> None:
    names = ["a.jpg", "a.jpg", "a-2.jpg", "b.heic", "notes.txt", ".hidden.jpg"]
    expression = "m.toPhotos(x.map((name) => new File(['1'], name)), ['b.heic'])"
    found = call(page, "upload/files.js", expression, names)
    assert [photo["name"] for photo in found["photos"]] == ["a.jpg", "a-3.jpg", "a-2.jpg", "b-2.heic"]
    assert [photo["type"] for photo in found["photos"]][-1] == "image/heic"
    assert found["leftOut"] == [{"name": "notes.txt", "reason": "no photo"}]


def test_only_what_the_batch_awaits_comes_under_a_name_that_it_has(page: Page) -> None:
    awaits_small = "(name, file) => file.size === 1"
    expression = f"m.toPhotos(['1', '1', '22'].map((text) => new File([text], 'a.jpg')), ['a.jpg'], {awaits_small})"
    found = call(page, "upload/files.js", expression)
    assert [photo["name"] for photo in found["photos"]] == ["a.jpg", "a-2.jpg", "a-3.jpg"]


def test_a_full_batch_takes_what_it_awaits(page: Page) -> None:
    from functions.api.limits import MAX_FILES

    names = [f"{number}.jpg" for number in range(MAX_FILES)]
    expression = "m.toPhotos(['7.jpg', 'new.jpg'].map((name) => new File(['1'], name)), x, () => true)"
    found = call(page, "upload/files.js", expression, names)
    assert [photo["name"] for photo in found["photos"]] == ["7.jpg"]
    assert found["leftOut"] == [{"name": "new.jpg", "reason": "more than a batch can hold"}]


def test_a_batch_takes_no_more_photos_than_the_api(page: Page) -> None:
    from functions.api.limits import MAX_FILES

    names = [f"{number}.jpg" for number in range(MAX_FILES + 1)]
    found = call(page, "upload/files.js", "m.toPhotos(x.map((name) => new File(['1'], name)))", names)
    assert len(found["photos"]) == MAX_FILES
    assert found["leftOut"] == [{"name": f"{MAX_FILES}.jpg", "reason": "more than a batch can hold"}]


def test_heatmaps_are_asked_for_in_requests_that_the_api_takes(page: Page) -> None:
    from functions.api.limits import MAX_HEATMAP_PHOTOS

    sent = page.evaluate(
        """async (names) => {
            const { OpenBatch } = await import('/app/batch/open_batch.js');
            const sent = [];
            const api = {
                batch: async () => ({}),
                photos: async () => [],
                requestHeatmaps: async (id, { photos }) => sent.push(photos),
            };
            await new OpenBatch('batch', api, () => {}).requestHeatmaps(names, { model: 'resmem' }, 'gradcam');
            return sent;
        }""",
        names := [f"{number}.jpg" for number in range(2 * MAX_HEATMAP_PHOTOS + 1)],
    )
    assert [len(photos) for photos in sent] == [MAX_HEATMAP_PHOTOS, MAX_HEATMAP_PHOTOS, 1]
    assert [name for photos in sent for name in photos] == names


@pytest.mark.parametrize(
    ("refs", "expected"),
    [
        (["default@9", "default@10"], ["default@10", "default@9"]),
        (["default@1", "default@1", "default@2"], ["default@1", "default@2"]),
        (["vitmem@1", "vitmem@1", "default@2"], ["default@2", "vitmem@1"]),
    ],
)
def test_version_of_most_photos_ranks(page: Page, refs: list[str], expected: list[str]) -> None:
    photos = [{"results": [{"ensemble": ref}]} for ref in refs]
    assert call(page, "batch/ranking.js", "m.ensemblesOf(x)", photos) == expected


@pytest.mark.parametrize(("percentile", "text"), [(0.2, "under 1 %"), (71.4, "71 %"), (99.9, "over 99 %")])
def test_percentiles_promise_nothing_absolute(page: Page, percentile: float, text: str) -> None:
    assert call(page, "batch/ranking.js", "m.percentileText(x)", percentile) == text


@pytest.mark.parametrize(
    ("address", "route"),
    [
        ("", {"view": "new"}),
        ("#/nothing/known", {"view": "new"}),
        ("#/batches/b%2F1", {"view": "batch", "batch": "b/1"}),
        ("#/batches/b/look/a%20b.jpg/%E0%A4%A", {"view": "look", "batch": "b", "photos": ["a b.jpg", "%E0%A4%A"]}),
    ],
)
def test_addresses_lead_somewhere(page: Page, address: str, route: dict[str, object]) -> None:
    assert call(page, "routes.js", "m.parseRoute(x)", address) == route
