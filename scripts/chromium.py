"""The browser that tests, measurements and pictures of the page are made with."""

import os
import shutil

VARIABLE = "MEMORABILITY_CHROMIUM"
PROGRAMS = ("chromium", "google-chrome")
HOW_TO_GET_IT = f"your system's package manager, e.g. apt-get install chromium, or name it in {VARIABLE}"


def find_chromium() -> str | None:
    """Its path: of what the variable names, else of the first that is installed; None where there is none."""
    named = os.environ.get(VARIABLE)
    found = map(shutil.which, [named] if named else PROGRAMS)
    return next(filter(None, found), None)


def chromium() -> str:
    """Its path.

    Raises:
        SystemExit: it is missing.
    """
    program = find_chromium()
    if program is None:
        raise SystemExit(f"Chromium is missing: get it from {HOW_TO_GET_IT}")
    return program
