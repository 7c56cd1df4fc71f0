"""Chromium, the stand-in for the platform, and photos to drop on the page."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Playwright, expect, sync_playwright

from scripts.chromium import HOW_TO_GET_IT, find_chromium
from tests.browser.fake.server import FakePlatform, running
from tests.browser.page_object import RankingPage

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
PATIENCE_MS = 10_000


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The browser that is installed on this machine."""
    program = find_chromium()
    if not program:
        pytest.fail(f"Chromium is missing: get it from {HOW_TO_GET_IT}")
    browser = playwright.chromium.launch(executable_path=program)
    yield browser
    browser.close()


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    """A stand-in of this test's own; what broke the API's description fails the test."""
    with running() as platform:
        yield platform
    assert platform.state.problems == []


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser without memory; what the page breaks in it fails the test."""
    context = chromium.new_context(locale="en-GB", timezone_id="UTC", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    broken: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            broken.append(message.text)

    context.on("console", note)
    context.on("weberror", lambda error: broken.append(str(error.error)))
    yield context
    context.close()
    assert broken == []


@pytest.fixture
def visitor(context: BrowserContext, platform: FakePlatform) -> RankingPage:
    """Somebody who opens the page."""
    visitor = RankingPage(context.new_page())
    visitor.open(platform.page_url)
    return visitor


@pytest.fixture
def marketer(visitor: RankingPage) -> RankingPage:
    """Somebody who has signed in."""
    visitor.sign_in("ann@acme")
    return visitor


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Six photos of different shapes."""
    return make_photos(tmp_path / "spring", ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.png", "f.webp"])


def make_photos(folder: Path, names: Sequence[str], side: int = 400) -> list[Path]:
    """Pictures of coloured waves, each of its own colour and shape."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        width, height = ((side, side * 2 // 3), (side * 2 // 3, side), (side, side))[number % 3]
        rows, columns = np.mgrid[0:height, 0:width]
        waves = [128 + 100 * np.sin((rows * (c + 1) + columns * (number % 5 + 1)) / 60 + number) for c in range(3)]
        Image.fromarray(np.stack(waves, axis=-1).astype(np.uint8)).save(folder / name)
    return [folder / name for name in names]


def make_large_photo(path: Path, n_bytes: int) -> Path:
    """A photo whose file has at least that many bytes: noise does not compress."""
    path.parent.mkdir(parents=True, exist_ok=True)
    side = int((n_bytes / 3) ** 0.5) + 1
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, "BMP" if path.suffix == ".bmp" else None)
    return path
