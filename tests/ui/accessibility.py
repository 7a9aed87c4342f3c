"""What axe finds wrong with a part of a page, in words."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SERIOUS = ("serious", "critical")


def violations(page: Page, selector: str, *, unless: tuple[str, ...] = ()) -> list[str]:
    """The serious violations within a selector; ``unless`` names rules that are not asked."""
    options: dict[str, Any] = {"resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in unless}}
    found = Axe().run(page, context=selector, options=options).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]
