"""The machine's own Chromium, for tests and for pictures."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


def find() -> str | None:
    """The path of the browser, or None where there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def launch(playwright: Playwright) -> Browser:
    """A browser without a window. Raises LookupError where there is no Chromium."""
    path = find()
    if path is None:
        raise LookupError(f"No Chromium here: none of {', '.join(NAMES)} is on PATH. On Debian: apt install chromium.")
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
