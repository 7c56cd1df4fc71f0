"""The page in Chromium on the deployed platform: what a marketer does, from signing in to deleting a batch."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from model_store.records import ScoredRecord
from scripts.local_platform.platform import LocalPlatform
from scripts.local_platform.users import Developer, ensure_user
from tests.browser.conftest import chromium, context, playwright
from tests.browser.page_object import RankingPage
from tests.platform.records import score_of

__all__ = ["chromium", "context", "playwright"]

PATIENCE_SECONDS = 180.0  # a machine may have other things to do
RIVAL = Developer("rival@example.org", "Memorability-2", "rival")
N_PHOTOS = 6


@pytest.fixture(scope="module")
def address(platform: LocalPlatform) -> str:
    """Of the page."""
    status = platform.status()
    assert status
    return f"{status['page_url']}/"


@pytest.fixture
def campaign(photos: Mapping[str, bytes], tmp_path: Path) -> Path:
    """Real photos, and a file that is none."""
    folder = tmp_path / "Campaign"
    folder.mkdir()
    for name, content in list(photos.items())[:N_PHOTOS]:
        (folder / name).write_bytes(content)
    (folder / "broken.jpg").write_bytes(b"this is no photo")
    return folder


@pytest.fixture
def marketer(context: BrowserContext, address: str) -> RankingPage:
    """The developer that `make local-up` names, signed in."""
    return signed_in(context, address, Developer())


@pytest.fixture
def ranked(marketer: RankingPage, campaign: Path) -> Iterator[RankingPage]:
    """Somebody whose campaign is ranked, with heatmaps; the batch is deleted afterwards."""
    marketer.page.get_by_label("Make a heatmap of every photo along with its score").check()
    marketer.choose_folder(campaign)
    marketer.expect_scored(N_PHOTOS, PATIENCE_SECONDS)
    yield marketer
    marketer.page.goto(marketer.url)
    marketer.go("Batches")
    while marketer.button("Delete Campaign").count():
        marketer.button("Delete Campaign").first.click()
        marketer.button("Delete the batch").click()
        expect(marketer.page.get_by_role("dialog")).to_be_hidden()


def signed_in(context: BrowserContext, address: str, user: Developer) -> RankingPage:
    """A tab of somebody."""
    person = RankingPage(context.new_page())
    person.open(address)
    person.sign_in(user.email, user.password)
    return person


def test_campaign_from_upload_to_deletion(ranked: RankingPage, expected: Mapping[str, ScoredRecord]) -> None:
    shown = [name for _, name in ranked.ranking()]
    assert shown == sorted(shown, key=lambda name: score_of(expected[name]), reverse=True)
    assert ranked.ranking()[0][0].startswith("1")
    failed = ranked.page.get_by_role("region", name="Could not be scored")
    expect(failed).to_contain_text("broken.jpg", timeout=1000 * PATIENCE_SECONDS)
    expect(ranked.page.get_by_role("columnheader").filter(has_text="resmem@")).to_contain_text("ρ")
    expect(ranked.page.get_by_role("complementary")).to_contain_text("Not for commercial use")
    assert ranked.serious_issues() == []
    for thumbnail in ranked.page.locator(".thumbnail").all():
        thumbnail.scroll_into_view_if_needed()
        expect(thumbnail).not_to_have_js_property("naturalWidth", 0)
    with ranked.page.expect_download() as download:
        ranked.button("Download CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert all(any(name in line for line in lines) for name in shown)
    ranked.button("Delete this batch").click()
    ranked.button("Delete the batch").click()
    expect(ranked.heading("Batches")).to_be_visible()
    expect(ranked.link("Campaign")).to_be_hidden()


def test_heatmaps_are_shown_and_compared(ranked: RankingPage) -> None:
    first, second = (name for _, name in ranked.ranking()[:2])
    ranked.link(first).click()
    overlay = ranked.page.locator(".overlay")
    expect(overlay).to_be_visible(timeout=1000 * PATIENCE_SECONDS)
    expect(overlay).to_have_js_property("complete", True)
    assert overlay.evaluate("image => image.naturalWidth") > 0
    ranked.button("Put a box in the middle").click()
    expect(ranked.page.locator(".share")).to_contain_text("of what raises the score lies in the box")
    ranked.page.go_back()
    ranked.pick(first, second)
    ranked.link("Compare").click()
    expect(overlay).to_have_count(2, timeout=1000 * PATIENCE_SECONDS)


def test_upload_resumes_after_the_network_was_lost(
    marketer: RankingPage, context: BrowserContext, campaign: Path
) -> None:
    uploads = "**/*uploads*"
    marketer.page.route(uploads, lambda route: route.abort("connectionreset"))
    marketer.choose_folder(campaign)
    expect(marketer.page.locator(".transfers")).to_contain_text("The connection was lost. It is sent again.")
    context.set_offline(True)
    expect(marketer.page.get_by_text("You are offline.")).to_be_visible()
    marketer.page.unroute(uploads)
    context.set_offline(False)
    marketer.expect_scored(N_PHOTOS, PATIENCE_SECONDS)


def test_other_tenants_see_nothing(
    ranked: RankingPage, platform: LocalPlatform, context: BrowserContext, address: str
) -> None:
    own_batch = ranked.page.url
    pool = platform.outputs()["user_pool"]["id"]
    assert ensure_user(platform.emulator.client("cognito-idp"), pool, RIVAL) == asdict(RIVAL)
    rival = signed_in(context, address, RIVAL)
    rival.go("Batches")
    expect(rival.page.get_by_text("There are no batches yet.")).to_be_visible()
    rival.page.goto(own_batch)
    expect(rival.heading("There is no such batch")).to_be_visible()
