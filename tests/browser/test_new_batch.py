"""What a new batch is made of: which files, under which name, scored by which ensembles."""

from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import make_large_photo, make_photos
from tests.browser.fake.server import FakePlatform
from tests.browser.fake.state import Batch
from tests.browser.page_object import RankingPage

LIMIT = 100_000
TOO_LARGE = "has 0.2 MB and the limit is 0.1 MB; save it smaller or with more compression"
NAME_S3_WOULD_CHANGE = "summer ${x}.jpg"


def only_batch(platform: FakePlatform) -> Batch:
    (batch,) = platform.state.batches.values()
    return batch


def test_photo_over_the_limit_is_left_out_alone(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path]
) -> None:
    platform.state.behaviour.max_image_bytes = LIMIT
    make_large_photo(photos[0].parent / "c-huge.bmp", 200_000)
    make_photos(photos[0].parent, [NAME_S3_WOULD_CHANGE])
    marketer.choose_folder(photos[0].parent)
    marketer.expect_scored(len(photos))
    said = marketer.page.get_by_text("Left out:")
    expect(said).to_contain_text(f"c-huge.bmp ({TOO_LARGE})")
    expect(said).to_contain_text("summer ${x}.jpg (a file name has no ${; rename the file)")
    assert set(only_batch(platform).photos) == {photo.name for photo in photos}


def test_photo_over_the_limit_is_left_out_of_those_that_are_added(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path], tmp_path: Path
) -> None:
    platform.state.behaviour.max_image_bytes = LIMIT
    marketer.choose(photos[:1])
    marketer.expect_scored(1)
    marketer.choose([make_large_photo(tmp_path / "b.bmp", 200_000), photos[1]])
    marketer.expect_scored(2)
    expect(marketer.page.get_by_text(f"Left out: b.bmp ({TOO_LARGE}).")).to_be_visible()
    marketer.choose(make_photos(tmp_path / "smaller", ["b.bmp"], side=100))
    marketer.expect_scored(3)
    expect(marketer.row("b.bmp")).to_be_visible()
    expect(marketer.page.get_by_text("Left out:")).to_be_hidden()


def test_nothing_but_photos_over_the_limit_make_no_batch(
    marketer: RankingPage, platform: FakePlatform, tmp_path: Path
) -> None:
    platform.state.behaviour.max_image_bytes = LIMIT
    (tmp_path / "notes.txt").write_text("no photo")
    marketer.choose([make_large_photo(tmp_path / "huge.bmp", 200_000), tmp_path / "notes.txt"])
    said = marketer.page.get_by_text("There is nothing to upload:")
    expect(said).to_have_text(f"There is nothing to upload: notes.txt (no photo), huge.bmp ({TOO_LARGE}).")
    assert not platform.state.batches


def test_folder_does_not_get_the_name_of_one_that_was_refused(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path], tmp_path: Path
) -> None:
    platform.state.behaviour.is_down = True
    marketer.choose_folder(photos[0].parent)
    expect(marketer.page.get_by_text("Something went wrong here")).to_be_visible()
    expect(marketer.page.get_by_label("Name of the batch")).to_have_value("")
    platform.state.behaviour.is_down = False
    (other,) = make_photos(tmp_path / "summer", ["a.jpg"])
    marketer.choose_folder(other.parent)
    marketer.expect_scored(1)
    assert [batch.name for batch in platform.state.batches.values()] == ["summer"]


def test_name_of_ones_own_outlives_a_failure(marketer: RankingPage, platform: FakePlatform, photos: list[Path]) -> None:
    platform.state.behaviour.is_down = True
    name = marketer.page.get_by_label("Name of the batch")
    name.fill("Easter")
    marketer.choose(photos[:1])
    expect(marketer.page.get_by_text("Something went wrong here")).to_be_visible()
    expect(name).to_have_value("Easter")


def test_what_is_tried_again_is_the_same_wish(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path]
) -> None:
    sent: list[str] = []

    def lose_first_answer(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        sent.append(route.request.post_data or "")
        route.fetch()
        route.abort("connectionreset") if len(sent) == 1 else route.continue_()

    marketer.page.clock.install(time="2026-11-22T12:00:30Z")
    marketer.page.route("**/batches", lose_first_answer)
    marketer.choose(photos[:1])
    expect(marketer.page.get_by_text("The service cannot be reached")).to_be_visible()
    marketer.page.get_by_label("Name of the batch").fill("Easter")
    marketer.page.clock.fast_forward("01:00")
    marketer.button("Try again").click()
    marketer.expect_scored(1)
    assert sent[0] == sent[1]


def test_batch_that_is_being_made_is_asked_for_again(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path]
) -> None:
    platform.state.behaviour.concurrent_changes = 1
    marketer.choose(photos[:1])
    expect(marketer.page.get_by_text("is being made; send the request again")).to_be_visible()
    marketer.button("Try again").click()
    marketer.expect_scored(1)
    only_batch(platform)


def test_photos_are_added_again_where_others_changed_the_batch(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path]
) -> None:
    marketer.choose(photos[:1])
    marketer.expect_scored(1)
    platform.state.behaviour.concurrent_changes = 1
    marketer.choose(photos[1:2])
    expect(marketer.page.get_by_text("is being changed by others; try again")).to_be_visible()
    marketer.button("Try again").click()
    marketer.expect_scored(2)


def test_batch_that_is_gone_is_not_asked_for_again(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path]
) -> None:
    def lose_answer(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    marketer.page.route("**/batches", lose_answer)
    marketer.choose(photos[:1])
    expect(marketer.page.get_by_text("The service cannot be reached")).to_be_visible()
    marketer.page.unroute("**/batches")
    platform.state.batches.clear()
    marketer.button("Try again").click()
    expect(marketer.page.get_by_text("is gone; use a new key for a new batch")).to_be_visible()
    expect(marketer.button("Try again")).to_be_hidden()


@pytest.fixture
def chooser(visitor: RankingPage, platform: FakePlatform) -> RankingPage:
    """Somebody who can choose among three ensembles, two of them versions of one."""
    platform.state.behaviour.more_ensembles = ["default@1", "outdoor@1"]
    visitor.sign_in("ann@acme")
    return visitor


def test_ensemble_that_is_gone_by_now_is_refused(
    chooser: RankingPage, platform: FakePlatform, photos: list[Path]
) -> None:
    chooser.page.get_by_label("outdoor@1").click()
    platform.state.behaviour.more_ensembles = []
    chooser.choose(photos[:1])
    expect(chooser.page.get_by_text("there is no ensemble outdoor@1; GET /ensembles lists them")).to_be_visible()
    expect(chooser.button("Try again")).to_be_hidden()
    assert not platform.state.batches


def ticked(page: RankingPage) -> list[str]:
    """The ensembles that the page shows as chosen."""
    boxes = page.page.get_by_role("group", name="Scored by").get_by_role("checkbox")
    return [str(box.get_attribute("id")).removeprefix("ensemble-") for box in boxes.all() if box.is_checked()]


@pytest.mark.parametrize(
    ("clicks", "shown"),
    [
        ([], ["default@2"]),
        (["outdoor@1"], ["default@2", "outdoor@1"]),
        (["default@2"], ["default@2"]),
        (["outdoor@1", "default@2"], ["outdoor@1"]),
        (["outdoor@1", "default@2", "outdoor@1"], ["default@2"]),
        (["default@1"], ["default@1"]),
        (["outdoor@1", "default@1"], ["default@1", "outdoor@1"]),
        (["default@1", "default@2"], ["default@2"]),
    ],
)
def test_batch_is_scored_by_the_ensembles_that_are_ticked(
    chooser: RankingPage, platform: FakePlatform, photos: list[Path], clicks: list[str], shown: list[str]
) -> None:
    for ref in clicks:
        chooser.page.get_by_label(ref).click()
    assert ticked(chooser) == shown
    chooser.choose(photos[:1])
    chooser.expect_scored(1)
    assert sorted(only_batch(platform).ensembles) == ([] if shown == ["default@2"] else shown)
