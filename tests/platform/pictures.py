"""Takes the README's two pictures of the page, as it is on the local platform.

    python -m tests.platform.pictures [--deployment build/local.json] [--photos build/demo/photos] [--out docs/images]

Needs `make local-up`. The photos are ranked with a heatmap of each, and the batch is deleted afterwards.
"""

import argparse
import io
import json
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from scripts.chromium import chromium
from scripts.local_platform.layout import ROOT, Layout
from tests.browser.page_object import RankingPage

PATIENCE_MS = 180_000
# Pictures below the window's end are not fetched before somebody scrolls to them.
SHOWN_PICTURES_ARE_THERE = """[...document.images]
    .filter(image => image.getBoundingClientRect().top < innerHeight)
    .every(image => image.complete && image.naturalWidth > 0)"""
WIDTH, HEIGHT = 1280, 860
JPEG_QUALITY = 82


def save(page: RankingPage, path: Path) -> None:
    """Writes what the window shows, once its pictures have come."""
    page.page.wait_for_function(SHOWN_PICTURES_ARE_THERE)
    shot = Image.open(io.BytesIO(page.page.screenshot()))
    shot.convert("RGB").save(path, quality=JPEG_QUALITY, optimize=True)
    print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB)")


def main() -> None:
    """Uploads, takes the ranking and two heatmaps side by side, and clears up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deployment", type=Path, default=Layout().deployment_file)
    parser.add_argument("--photos", type=Path, default=ROOT / "build" / "demo" / "photos")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    arguments = parser.parse_args()
    deployment = json.loads(arguments.deployment.read_text())
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        context = browser.new_context(locale="en-GB", viewport={"width": WIDTH, "height": HEIGHT})
        context.set_default_timeout(PATIENCE_MS)
        marketer = RankingPage(context.new_page())
        marketer.open(f"{deployment['page_url']}/")
        marketer.sign_in(deployment["user"]["email"], deployment["user"]["password"])
        marketer.page.get_by_label("Make a heatmap of every photo along with its score").check()
        marketer.choose_folder(arguments.photos)
        marketer.expect_scored(sum(path.is_file() for path in arguments.photos.iterdir()), PATIENCE_MS / 1000)
        expect(marketer.page.locator(".thumbnail")).to_have_count(marketer.rows.count())
        save(marketer, arguments.out / "page-ranking.jpg")
        first, second = (name for _, name in marketer.ranking()[:2])
        marketer.pick(first, second)
        marketer.link("Compare").click()
        expect(marketer.page.locator(".overlay")).to_have_count(2)
        save(marketer, arguments.out / "page-heatmaps.jpg")
        marketer.page.go_back()
        marketer.button("Delete this batch").click()
        marketer.button("Delete the batch").click()
        expect(marketer.heading("Batches")).to_be_visible()
        browser.close()


if __name__ == "__main__":
    main()
