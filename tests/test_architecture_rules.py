"""The house keeps its order: who may import whom, and how long a page may be."""

import ast
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "app").rglob("*.py")])
PAGES = sorted((ROOT / "app" / "pages").glob("*.py"))


def test_imports_go_one_way(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_is_short_and_leaves_work_to_the_rooms(path):
    source = path.read_text("utf-8")
    assert len(source.splitlines()) <= 120
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else imports(node))
    }
    assert not imported & {"numpy", "plotly", "torch", "transformers"}


def imports(node):
    """The modules of a plain import."""
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def test_no_room_is_called_miscellaneous():
    names = {path.stem for path in SOURCES} | {path.parent.name for path in SOURCES}
    assert not names & {"utils", "util", "common", "helpers", "misc", "manager", "managers"}


def test_no_error_is_swallowed_unseen():
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"bare except in {path}"
