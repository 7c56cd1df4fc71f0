"""The page as people use it, for tests against the stand-in and against the platform alike."""

from collections.abc import Sequence
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

SERIOUS = {"serious", "critical"}


class RankingPage:
    """The page in one tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.url = ""

    def open(self, url: str) -> None:
        """Goes there."""
        self.url = url
        self.page.goto(url)

    def sign_in(self, user: str, password: str | None = None) -> None:
        """By the hosted pages."""
        self.button("Sign in").click()
        self.page.get_by_label("Username").fill(user)
        if password is not None:
            self.page.get_by_label("Password").fill(password)
        self.button("Sign in").click()
        expect(self.button("Sign out")).to_be_visible()

    def button(self, name: str) -> Locator:
        """A button by its words."""
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        """A link by its words."""
        return self.page.get_by_role("link", name=name, exact=True)

    def heading(self, name: str) -> Locator:
        """A heading by its words."""
        return self.page.get_by_role("heading", name=name)

    def choose(self, photos: Sequence[Path]) -> None:
        """Takes photos by the file dialogue."""
        self.page.get_by_label("Choose photos").set_input_files(photos)

    def choose_folder(self, folder: Path) -> None:
        """Takes a folder by the file dialogue."""
        self.page.get_by_label("Choose a folder").set_input_files(folder)

    def drop(self, *paths: Path) -> None:
        """Drags files and folders from outside the browser onto the page."""
        area = self.page.locator(".drop").bounding_box()
        assert area
        place = {"x": area["x"] + area["width"] / 2, "y": area["y"] + 20}
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        tools = self.page.context.new_cdp_session(self.page)
        for kind in ("dragEnter", "dragOver", "drop"):
            tools.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
        tools.detach()

    @property
    def rows(self) -> Locator:
        """The ranking's rows."""
        return self.page.locator(".ranking tbody tr")

    def row(self, name: str) -> Locator:
        """A photo's row."""
        return self.rows.filter(has=self.page.get_by_role("link", name=name, exact=True))

    def expect_scored(self, count: int, timeout_seconds: float = 20) -> None:
        """Waits until so many photos are ranked."""
        expect(self.rows).to_have_count(count, timeout=1000 * timeout_seconds)

    def ranking(self) -> list[tuple[str, str]]:
        """Rank and name of every photo, as they are shown."""
        ranks = self.page.locator(".ranking td.rank").all_inner_texts()
        names = self.page.locator(".ranking td.photo .name").all_inner_texts()
        return list(zip(ranks, names, strict=True))

    def pick(self, *names: str) -> None:
        """Ticks photos."""
        for name in names:
            self.page.get_by_label(f"Pick {name}", exact=True).check()

    def go(self, view: str) -> None:
        """Chooses from the head of the page."""
        self.page.get_by_role("navigation").get_by_role("link", name=view, exact=True).click()

    def serious_issues(self) -> list[str]:
        """What axe finds that keeps people from using the page."""
        # The engine goes in as the browser's own tools do: the page's security policy holds for the page alone.
        found = Axe().run(self.page).response["violations"]
        return [
            f"{issue['id']}: {[node['target'] for node in issue['nodes']]}"
            for issue in found
            if issue["impact"] in SERIOUS
        ]

    def overflow_pixels(self) -> int:
        """By how much the page is wider than the window."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return width
