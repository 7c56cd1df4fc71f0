"""How long it takes from dropping 20 photos on the page to the first and to the last score shown.

    python -m tests.benchmarks.page [--deployment build/local.json] [--photos build/demo/photos] [--count 20]
        [--rounds 3]

Drives Chromium on the local platform, which has to run (`make local-up`). The first round warms the scorers up. Figures
to reach on two cores: the first score within 2 s, the last within 10 s. They are printed, and nothing fails by them.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from scripts.chromium import chromium
from scripts.local_platform.layout import ROOT, Layout
from tests.browser.page_object import RankingPage
from tests.platform.photos import photo_variants

TARGETS = "first score at most 2 s, last at most 10 s"
PATIENCE_MS = 180_000
_WATCH = """count => new Promise(resolve => {
    let first = null;
    const look = () => {
        const shown = document.querySelectorAll('.ranking tbody tr').length;
        if (shown && first === null) first = performance.now();
        if (shown === count) resolve([first - window.droppedAt, performance.now() - window.droppedAt]);
        else requestAnimationFrame(look);
    };
    look();
})"""


def measure(browser: Browser, deployment: dict[str, object], photos: Sequence[Path]) -> tuple[float, float]:
    """Seconds from dropping the photos to the first and to the last score; the batch is deleted afterwards."""
    user: dict[str, str] = deployment["user"]  # type: ignore[assignment]
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    person = RankingPage(context.new_page())
    person.open(f"{deployment['page_url']}/")
    person.sign_in(user["email"], user["password"])
    person.page.evaluate("addEventListener('drop', () => (window.droppedAt = performance.now()), true)")
    person.drop(*photos)
    first, last = person.page.evaluate(_WATCH, len(photos))
    person.button("Delete this batch").click()
    person.button("Delete the batch").click()
    person.heading("Batches").wait_for()
    context.close()
    return first / 1000, last / 1000


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deployment", type=Path, default=Layout().deployment_file)
    parser.add_argument("--photos", type=Path, default=ROOT / "build" / "demo" / "photos")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    deployment = json.loads(arguments.deployment.read_text())
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        photo_variants(sorted(arguments.photos.iterdir()), arguments.count, Path(folder))
        photos = sorted(Path(folder).iterdir())
        browser = playwright.chromium.launch(executable_path=chromium())
        for number in range(arguments.rounds):
            first, last = measure(browser, deployment, photos)
            print(f"round {number + 1}: first score after {first:.1f} s, last of {len(photos)} after {last:.1f} s")
        browser.close()
    print(f"to reach: {TARGETS}")


if __name__ == "__main__":
    main()
