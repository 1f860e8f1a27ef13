"""Runs the unit tests of the pictures' pure functions, written for node's own test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = sorted(Path(__file__).parent.glob("*.test.mjs"))


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_under_node(file: Path) -> None:
    done = subprocess.run(
        ["node", "--test", str(file)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_tests() -> None:
    assert len(TESTS) >= 5
