"""The page for everybody: narrow and wide, light and dark, with keys alone, with a screen reader; and its weight.

Writes pictures of the main states to build/screenshots.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from scripts.demo_photos import copy_photos
from tests.browser.conftest import SCREENSHOTS
from tests.browser.fake.server import WEB, FakePlatform
from tests.browser.page_object import RankingPage

MOST_BYTES = 150_000  # of everything the page is made of, compressed

# The focused element, what surrounds a hidden file input, or what stands for a hidden radio button.
IS_OUTLINED = """() => {
    const focused = document.activeElement;
    const shown = [focused, focused.parentElement, focused.nextElementSibling];
    return shown.map((element) => element !== null && getComputedStyle(element).outlineStyle !== 'none');
}"""
FETCH_PICTURES_OUT_OF_SIGHT = "for (const image of document.images) image.loading = 'eager'"
SCORES = {"rocket.jpg": 0.871, "coffee.png": 0.869, "chelsea.png": 0.837, "astronaut.png": 0.79, "camera.png": 0.781}


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """Real photos, a file that is none, and two that the batch does not take."""
    folder = tmp_path / "Spring campaign"
    copy_photos(folder)
    (folder / "price-list.jpg").write_bytes(b"PK\3\4 a document")
    (folder / "notes.txt").write_text("no photo")
    (folder / "poster ${final}.jpg").write_bytes(b"a name that S3 would change")
    return folder


@pytest.fixture(params=[("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)], ids=lambda p: f"{p[0]}-{p[1]}")
def viewer(request: pytest.FixtureRequest, chromium: Browser, platform: FakePlatform) -> Iterator[RankingPage]:
    """Somebody with a window of some width, who likes it light or dark."""
    scheme, width = request.param
    context = chromium.new_context(
        locale="en-GB", timezone_id="UTC", viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    viewer = RankingPage(context.new_page())
    viewer.open(platform.page_url)
    yield viewer
    context.close()


class Camera:
    """Looks at states: none may be wider than the window, or have an issue that keeps people from using it."""

    def __init__(self, viewer: RankingPage, name: str) -> None:
        self._viewer = viewer
        self._name = name

    def look(self, state: str) -> None:
        """At the present state."""
        expect(self._viewer.page.get_by_text("Loading …")).to_have_count(0)
        self._viewer.page.evaluate(FETCH_PICTURES_OUT_OF_SIGHT)
        for picture in self._viewer.page.locator(".picture, .overlay, .thumbnail").all():
            expect(picture).not_to_have_js_property("naturalWidth", 0)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self._viewer.page.screenshot(path=SCREENSHOTS / f"{state}-{self._name}.png", full_page=True)
        assert self._viewer.serious_issues() == [], state
        assert self._viewer.overflow_pixels() <= 0, state


def test_every_state_is_readable(
    viewer: RankingPage, platform: FakePlatform, campaign: Path, request: pytest.FixtureRequest
) -> None:
    platform.state.behaviour.scores = SCORES
    platform.state.behaviour.more_ensembles = ["default@1", "outdoor@1"]
    camera = Camera(viewer, request.node.callspec.id)
    camera.look("sign-in")
    viewer.sign_in("ann@acme")
    camera.look("new-batch")
    viewer.go("Batches")
    expect(viewer.page.get_by_text("There are no batches yet.")).to_be_visible()
    camera.look("no-batches")
    viewer.go("New batch")
    platform.state.behaviour.upload_bytes_per_second = 100_000
    viewer.choose_folder(campaign)
    viewer.expect_scored(2)
    camera.look("uploading")
    platform.state.behaviour.upload_bytes_per_second = None
    viewer.expect_scored(7)
    viewer.pick("coffee.png", "chelsea.png")
    camera.look("ranking")
    viewer.link("Compare").click()
    viewer.button("Make 2 heatmaps").click()
    expect(viewer.page.locator(".overlay")).to_have_count(2)
    camera.look("compare")
    viewer.link("coffee.png").click()
    viewer.button("Put a box in the middle").click()
    expect(viewer.page.get_by_text("of what raises the score lies in the box")).to_be_visible()
    camera.look("heatmap")
    viewer.go("Models")
    camera.look("models")
    viewer.go("Batches")
    viewer.button("Delete Spring campaign").click()
    camera.look("delete")
    viewer.button("Keep it").click()
    viewer.page.context.set_offline(True)
    expect(viewer.page.get_by_text("You are offline.")).to_be_visible()
    assert viewer.serious_issues() == []


def test_everything_can_be_done_with_keys(marketer: RankingPage, photos: list[Path]) -> None:
    keyboard = marketer.page.keyboard
    with marketer.page.expect_file_chooser() as chooser:
        marketer.page.get_by_label("Choose photos").focus()
        keyboard.press("Enter")
    chooser.value.set_files(photos)
    marketer.expect_scored(len(photos))
    expect(marketer.page.get_by_role("heading", level=1)).to_be_focused()
    marketer.page.get_by_label("Pick a.jpg").focus()
    keyboard.press("Space")
    marketer.link("Look at its heatmap").press("Enter")
    marketer.button("Make the heatmap").press("Enter")
    expect(marketer.page.locator(".overlay")).to_be_visible()
    marketer.page.get_by_role("radio", name="Grad-CAM").focus()
    keyboard.press("ArrowRight")
    expect(marketer.page.get_by_role("radio", name="Integrated gradients")).to_be_checked()


def test_focus_is_visible(marketer: RankingPage) -> None:
    for _ in range(10):  # as many as there are
        marketer.page.keyboard.press("Tab")
        outlined: list[bool] = marketer.page.evaluate(IS_OUTLINED)
        assert any(outlined), marketer.page.evaluate("document.activeElement.outerHTML")


def test_screen_readers_are_told_the_progress(
    marketer: RankingPage, platform: FakePlatform, photos: list[Path]
) -> None:
    platform.state.behaviour.scoring_seconds = 1
    marketer.choose(photos)
    announcer = marketer.page.locator("#announcer")
    expect(announcer).to_have_text("Photos are uploaded and scored.")
    expect(announcer).to_have_text("All 6 photos are done: 6 scored, 0 could not be scored.")


def test_page_that_cannot_start_says_so(visitor: RankingPage) -> None:
    visitor.page.route("**/settings.json", lambda route: route.fulfill(status=404))
    visitor.page.reload()
    expect(visitor.heading("The page could not start")).to_be_visible()
    visitor.page.unroute("**/settings.json")
    visitor.button("Try again").click()
    expect(visitor.button("Sign in")).to_be_visible()


def test_page_is_light() -> None:
    weights = {path: len(gzip.compress(path.read_bytes())) for path in WEB.rglob("*") if path.is_file()}
    print(f"the page weighs {sum(weights.values()) / 1000:.0f} kB compressed, in {len(weights)} files")
    assert sum(weights.values()) < MOST_BYTES


def test_nothing_is_said_to_be_remembered_by_a_share_of_people() -> None:
    for path in (*WEB.glob("app/**/*.js"), WEB / "index.html"):
        assert "% will remember" not in path.read_text()
