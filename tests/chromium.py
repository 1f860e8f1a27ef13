"""Where Chromium is; `python -m tests.chromium` says whether browser tests will run."""

from __future__ import annotations

import os
import shutil

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def find() -> str | None:
    """The path of Chromium or Chrome, or None. CHROMIUM names another one."""
    names = (
        os.environ.get("CHROMIUM", ""),
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    )
    return next((path for name in names if name and (path := shutil.which(name))), None)


if __name__ == "__main__":
    found = find()
    print(
        f"Browser tests use {found}."
        if found
        else "No Chromium was found: browser tests are skipped (set CHROMIUM)."
    )
