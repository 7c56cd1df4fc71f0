"""Signing in and out, and tokens that end."""

from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from tests.browser.fake.server import FakePlatform
from tests.browser.page_object import RankingPage


def test_sign_in_leads_back_to_where_people_were(
    marketer: RankingPage, platform: FakePlatform, context: BrowserContext, photos: list[Path]
) -> None:
    marketer.choose(photos[:1])
    marketer.expect_scored(1)
    other_tab = RankingPage(context.new_page())
    other_tab.open(marketer.page.url)
    other_tab.sign_in("ann@acme")
    other_tab.expect_scored(1)
    assert "code=" not in other_tab.page.url


def test_tokens_end_with_the_tab(marketer: RankingPage, platform: FakePlatform, context: BrowserContext) -> None:
    marketer.page.reload()
    expect(marketer.button("Sign out")).to_be_visible()
    stored = marketer.page.evaluate("JSON.stringify(localStorage) + document.cookie")
    assert stored == "{}"
    other_tab = RankingPage(context.new_page())
    other_tab.open(platform.page_url)
    expect(other_tab.button("Sign in")).to_be_visible()


def test_answer_to_another_sign_in_is_refused(visitor: RankingPage, platform: FakePlatform) -> None:
    visitor.page.goto(f"{platform.page_url}?code=stolen&state=another")
    expect(visitor.page.get_by_text("This sign-in was not begun in this tab")).to_be_visible()
    expect(visitor.button("Sign in")).to_be_visible()


def test_token_is_renewed_before_it_ends(marketer: RankingPage, platform: FakePlatform, photos: list[Path]) -> None:
    platform.state.behaviour.token_seconds = 50  # less than the page renews ahead
    marketer.button("Sign out").click()
    marketer.sign_in("ann@acme")
    before = platform.sign_in.n_renewals
    marketer.choose(photos[:1])
    marketer.expect_scored(1)
    assert platform.sign_in.n_renewals > before


def test_session_that_was_ended_asks_to_sign_in(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path]
) -> None:
    platform.sign_in.tokens.clear()
    platform.sign_in.refreshes.clear()
    marketer.choose(photos[:1])
    expect(marketer.page.get_by_text("Your sign-in has ended. Please sign in again.")).to_be_visible()
    expect(marketer.button("Sign in")).to_be_visible()


def test_refusal_that_looks_like_a_lost_connection_ends_the_session(
    marketer: RankingPage, platform: FakePlatform
) -> None:
    marketer.page.reload()  # the page cannot know any more when its token was issued
    platform.sign_in.refreshes.clear()
    marketer.page.route("**/batches", lambda route: route.abort())
    marketer.go("Batches")
    expect(marketer.page.get_by_text("Your sign-in has ended. Please sign in again.")).to_be_visible()


def test_sign_out_forgets_the_tokens(marketer: RankingPage) -> None:
    marketer.button("Sign out").click()
    expect(marketer.button("Sign in")).to_be_visible()
    assert marketer.page.evaluate("sessionStorage.length") == 0
