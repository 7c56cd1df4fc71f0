"""Heatmaps over photos, the box, and photos side by side."""

import re
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from model_store.heatmaps.regions import Box, region_shares
from tests.browser.fake import pictures
from tests.browser.fake.server import FakePlatform
from tests.browser.page_object import RankingPage

ONLY_WITH_THE_SCORES = "makes heatmaps only along with the scores"


@pytest.fixture
def ranked(marketer: RankingPage, photos: list[Path]) -> RankingPage:
    """Somebody who sees a ranked batch."""
    marketer.choose_folder(photos[0].parent)
    marketer.expect_scored(len(photos))
    return marketer


@pytest.fixture
def looking(ranked: RankingPage) -> RankingPage:
    """Somebody who looks at a photo's heatmap."""
    ranked.link("a.jpg").click()
    ranked.button("Make the heatmap").click()
    expect(ranked.page.locator(".overlay")).to_be_visible()
    return ranked


@pytest.fixture
def unaided(visitor: RankingPage, platform: FakePlatform) -> RankingPage:
    """Somebody who has signed in where no workers make heatmaps."""
    platform.state.behaviour.has_workers = False
    visitor.page.reload()
    visitor.sign_in("ann@acme")
    return visitor


def test_opacity_is_the_users(looking: RankingPage) -> None:
    overlay, slider = looking.page.locator(".overlay"), looking.page.get_by_label("Opacity of the heatmap")
    expect(overlay).to_have_css("opacity", "0.75")
    slider.fill("20")
    expect(overlay).to_have_css("opacity", "0.2")


def test_overlay_lies_exactly_over_the_photo(looking: RankingPage) -> None:
    assert looking.page.locator(".overlay").bounding_box() == looking.page.locator(".picture").bounding_box()


def test_method_and_subject_switch(looking: RankingPage, platform: FakePlatform) -> None:
    looking.page.get_by_text("Occlusion", exact=True).click()
    expect(looking.page.locator(".overlay")).to_be_hidden()
    looking.page.get_by_label("The heatmap explains").select_option(label="Hit rate, resmem@1.1.6 alone")
    looking.button("Make the heatmap").click()
    expect(looking.page.locator(".overlay")).to_be_visible()
    (batch,) = platform.state.batches.values()
    newest = batch.photos["a.jpg"].heatmaps[-1]
    assert (newest.subject, newest.method) == ({"model": "resmem@1.1.6"}, "occlusion")


def test_drawn_box_tells_its_share_of_the_map(looking: RankingPage) -> None:
    looking.page.locator(".drawing").scroll_into_view_if_needed()
    box = looking.page.locator(".drawing").bounding_box()
    assert box
    looking.page.mouse.move(box["x"], box["y"])
    looking.page.mouse.down()
    looking.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    looking.page.mouse.up()
    half = region_shares(pictures.photo_map(), Box(0, 0, 200, 133).to_mask(400, 266))
    about = "|".join(str(round(100 * half.raising) + step) for step in (-1, 0, 1))
    said = looking.page.get_by_role("region", name="Does the product carry the score?")
    expect(said).to_contain_text(re.compile(rf"({about}) % of what raises the score lies in the box"))
    expect(said).to_contain_text("The box is 25 % of the photo.")


def test_box_can_be_set_without_a_pointer(looking: RankingPage) -> None:
    looking.button("Put a box in the middle").press("Enter")
    for label, value in {"Left edge": "0", "Upper edge": "0", "Right edge": "100", "Lower edge": "100"}.items():
        looking.page.get_by_label(label).fill(value)
        looking.page.get_by_label(label).press("Tab")
    expect(
        looking.page.get_by_text("100 % of what raises the score lies in the box, and 100 % of what lowers it")
    ).to_be_visible()


def test_map_that_could_not_be_loaded_is_loaded_again(ranked: RankingPage) -> None:
    ranked.page.route("**/storage/map/**", lambda route: route.fulfill(status=403))
    ranked.link("a.jpg").click()
    ranked.button("Make the heatmap").click()
    expect(ranked.page.get_by_text("numbers are missing: the map could not be loaded (403).")).to_be_visible()
    ranked.page.unroute("**/storage/map/**")
    ranked.button("Try again").click()
    ranked.button("Put a box in the middle").click()
    expect(ranked.page.get_by_text("of what raises the score lies in the box")).to_be_visible()


def test_photos_are_compared_side_by_side(ranked: RankingPage) -> None:
    ranked.pick("a.jpg", "b.jpg", "c.jpg")
    ranked.link("Compare").click()
    ranked.button("Make 3 heatmaps").click()
    expect(ranked.page.locator(".overlay")).to_have_count(3)
    tops = {figure.bounding_box()["y"] for figure in ranked.page.locator(".closer").all()}  # type: ignore[index]
    assert len(tops) == 1
    expect(ranked.page.locator(".closer").first).to_contain_text(re.compile(r"rank \d"))


def test_heatmaps_of_many_photos_are_made_at_once(ranked: RankingPage, platform: FakePlatform) -> None:
    platform.state.behaviour.heatmap_seconds = 2
    ranked.pick("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.png")
    ranked.button("Make heatmaps").click()
    expect(ranked.page.get_by_text("heatmap is being made …")).to_have_count(5)
    expect(ranked.page.get_by_text("heatmap ready")).to_have_count(5)


def test_five_photos_are_too_many_to_compare(ranked: RankingPage) -> None:
    ranked.pick("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.png")
    expect(ranked.page.get_by_text("Pick at most 4 to compare them.")).to_be_visible()
    expect(ranked.link("Compare")).to_be_hidden()


def test_heatmap_that_fails_says_why(ranked: RankingPage, platform: FakePlatform) -> None:
    platform.state.behaviour.fail_heatmaps = True
    ranked.link("a.jpg").click()
    ranked.button("Make the heatmap").click()
    expect(ranked.page.get_by_text("The heatmap could not be made: The photo is broken.")).to_be_visible()
    expect(ranked.button("Make the heatmap")).to_be_visible()


def test_heatmap_is_awaited(ranked: RankingPage, platform: FakePlatform) -> None:
    platform.state.behaviour.heatmap_seconds = 2
    ranked.link("a.jpg").click()
    ranked.button("Make the heatmap").click()
    expect(ranked.page.get_by_text("The heatmap is being made …")).to_be_visible()
    expect(ranked.page.locator(".overlay")).to_be_visible()


def test_previews_come_with_the_scores(marketer: RankingPage, photos: list[Path]) -> None:
    marketer.page.get_by_label("Make a heatmap of every photo along with its score").check()
    marketer.choose(photos)
    marketer.expect_scored(len(photos))
    marketer.link("a.jpg").click()
    expect(marketer.page.locator(".overlay")).to_be_visible()


def test_where_nothing_makes_heatmaps_those_that_come_with_the_scores_are_shown(
    unaided: RankingPage, photos: list[Path]
) -> None:
    unaided.page.get_by_label("Make a heatmap of every photo along with its score").check()
    unaided.choose(photos)
    unaided.expect_scored(len(photos))
    unaided.pick("a.jpg")
    expect(unaided.page.get_by_role("button", name="Make heatmaps")).to_have_count(0)
    unaided.link("Look at its heatmap").click()
    expect(unaided.page.locator(".overlay")).to_be_visible()
    unaided.page.get_by_text("Occlusion", exact=True).click()
    expect(unaided.page.get_by_text(ONLY_WITH_THE_SCORES)).to_be_visible()
    expect(unaided.page.get_by_role("button", name=re.compile("Make"))).to_have_count(0)


def test_where_nothing_makes_heatmaps_the_page_says_so(unaided: RankingPage, photos: list[Path]) -> None:
    unaided.choose(photos)
    unaided.expect_scored(len(photos))
    unaided.pick("a.jpg")
    unaided.link("Look closer").click()
    expect(unaided.page.get_by_text(ONLY_WITH_THE_SCORES)).to_be_visible()
    expect(unaided.page.get_by_role("button", name=re.compile("Make"))).to_have_count(0)
    expect(unaided.page.get_by_label("Opacity of the heatmap")).to_have_count(0)


def test_settings_that_say_nothing_of_heatmaps_have_them(visitor: RankingPage, photos: list[Path]) -> None:
    visitor.page.route("**/settings.json", without_heatmaps)
    visitor.page.reload()
    visitor.sign_in("ann@acme")
    visitor.choose(photos[:1])
    visitor.expect_scored(1)
    visitor.link("a.jpg").click()
    visitor.button("Make the heatmap").click()
    expect(visitor.page.locator(".overlay")).to_be_visible()


def without_heatmaps(route: Route) -> None:
    settings = route.fetch().json()
    del settings["heatmaps"]
    route.fulfill(json=settings)


def test_phone_photo_that_browsers_cannot_show_is_shown_small(
    marketer: RankingPage, tmp_path: Path, photos: list[Path]
) -> None:
    pillow_heif.register_heif_opener()
    phone = tmp_path / "IMG_0001.heic"
    Image.open(photos[0]).save(phone)
    marketer.choose([phone])
    marketer.expect_scored(1)
    marketer.link("IMG_0001.heic").click()
    expect(marketer.page.locator(".picture")).to_have_js_property("naturalWidth", 400)
