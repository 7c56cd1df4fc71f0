"""What networks do to uploads, and how they go on."""

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, Route, expect

from tests.browser.conftest import make_large_photo, make_photos
from tests.browser.fake.server import FakePlatform
from tests.browser.page_object import RankingPage

LARGE = 8_000_000  # more than the sockets between browser and server hold
SLOW = 2_000_000
AS_GOOD_AS_STUCK = 200_000
FOLDERS = {"monday": 400, "tuesday": 300}  # with the sides of their photos


def test_progress_of_each_file_is_shown(marketer: RankingPage, platform: FakePlatform, tmp_path: Path) -> None:
    platform.state.behaviour.upload_bytes_per_second = SLOW
    marketer.choose([make_large_photo(tmp_path / "large.png", LARGE)])
    bar = marketer.page.get_by_role("progressbar", name="Upload of large.png")
    expect(bar).to_have_attribute("value", re.compile(r"0\.[1-9].*"))
    marketer.expect_scored(1)


def test_upload_resumes_after_the_network_was_lost(
    marketer: RankingPage, platform: FakePlatform, context: BrowserContext, tmp_path: Path
) -> None:
    platform.state.behaviour.upload_bytes_per_second = AS_GOOD_AS_STUCK
    small = make_photos(tmp_path, [f"{number}.jpg" for number in range(6)])
    marketer.choose([make_large_photo(tmp_path / "large.png", LARGE), *small])
    bar = marketer.page.get_by_role("progressbar", name="Upload of large.png")
    expect(bar).to_have_attribute("value", re.compile(r"0\.[1-9].*"))
    context.set_offline(True)
    expect(marketer.page.get_by_text("You are offline.")).to_be_visible()
    expect(marketer.page.locator(".transfers")).to_contain_text("The connection was lost. It is sent again.")
    platform.state.behaviour.upload_bytes_per_second = None
    context.set_offline(False)
    marketer.expect_scored(7)
    expect(marketer.page.get_by_text("You are offline.")).to_be_hidden()


def test_lost_connections_are_tried_again(marketer: RankingPage, platform: FakePlatform, photos: list[Path]) -> None:
    n_lost = 0

    def lose(route: Route) -> None:
        nonlocal n_lost
        n_lost += 1
        route.abort("connectionreset") if n_lost <= 5 else route.continue_()

    marketer.page.route("**/storage/uploads", lose)
    marketer.choose(photos)
    marketer.expect_scored(len(photos))
    assert n_lost == 5 + len(photos)


def test_expired_links_are_replaced(marketer: RankingPage, platform: FakePlatform, photos: list[Path]) -> None:
    platform.state.behaviour.refuse_uploads = 3
    marketer.choose(photos)
    marketer.expect_scored(len(photos))


def test_what_is_given_up_can_be_sent_again(marketer: RankingPage, platform: FakePlatform, photos: list[Path]) -> None:
    platform.state.behaviour.refuse_uploads = 1000
    marketer.choose(photos[:2])
    expect(marketer.page.get_by_text("2 photos could not be sent.")).to_be_visible()
    platform.state.behaviour.refuse_uploads = 0
    marketer.button("Send them again").click()
    marketer.expect_scored(2)


def test_batch_is_made_once_however_often_it_is_tried(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path]
) -> None:
    answers: list[int] = []

    def lose_first_answer(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        answers.append(route.fetch().status)
        route.abort("connectionreset") if len(answers) == 1 else route.continue_()

    marketer.page.route("**/batches", lose_first_answer)
    marketer.choose(photos)
    expect(marketer.page.get_by_text("The service cannot be reached")).to_be_visible()
    marketer.button("Try again").click()
    marketer.expect_scored(len(photos))
    assert len(platform.state.batches) == 1


def test_photo_that_never_arrived_is_sent_by_dropping_it_again(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path]
) -> None:
    marketer.page.route("**/storage/uploads", lambda route: route.abort("connectionreset"))
    marketer.choose_folder(photos[0].parent)
    expect(marketer.heading("0 of 6 photos done")).to_be_visible()
    marketer.page.on("dialog", lambda dialog: dialog.accept())
    marketer.page.reload()
    expect(marketer.page.get_by_text("if it was never sent, add it again")).to_have_count(6)
    marketer.page.unroute("**/storage/uploads")
    marketer.drop(*photos)
    marketer.expect_scored(6)
    assert {name for _, name in marketer.ranking()} == {photo.name for photo in photos}


def test_photos_of_one_name_that_come_meanwhile_replace_nothing(
    marketer: RankingPage, platform: FakePlatform, tmp_path: Path
) -> None:
    first, second = (make_photos(tmp_path / name, ["IMG_1.jpg", "IMG_2.jpg"], side) for name, side in FOLDERS.items())
    platform.state.behaviour.upload_bytes_per_second = AS_GOOD_AS_STUCK
    marketer.choose([make_large_photo(tmp_path / "large.png", LARGE), *first])
    expect(marketer.heading("0 of 3 photos done")).to_be_visible()
    marketer.choose(second)
    expect(marketer.heading("of 5 photos done")).to_be_visible()
    marketer.choose(second)
    platform.state.behaviour.upload_bytes_per_second = None
    marketer.expect_scored(5)
    (batch,) = platform.state.batches.values()
    contents = {name: photo.content for name, photo in batch.photos.items() if name != "large.png"}
    names = ["IMG_1.jpg", "IMG_2.jpg", "IMG_1-2.jpg", "IMG_2-2.jpg"]
    assert contents == {name: path.read_bytes() for name, path in zip(names, [*first, *second], strict=True)}


def test_trouble_of_the_service_is_said_and_passes(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path]
) -> None:
    platform.state.behaviour.scoring_seconds = 2
    marketer.choose(photos)
    expect(marketer.page.locator(".transfers").get_by_text("being scored")).to_have_count(6)
    platform.state.behaviour.is_down = True
    expect(marketer.page.get_by_text("the page goes on trying")).to_be_visible()
    platform.state.behaviour.is_down = False
    marketer.expect_scored(6)
    expect(marketer.page.get_by_text("the page goes on trying")).to_be_hidden()
