"""Home is drawn before the heavy libraries are there."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "huggingface_hub", "attnviz.figures.theme")
"""Streamlit imports Plotly by itself; the template that every figure needs is built on top of it."""


def imports_of(script):
    """What a page imports at its top."""
    for node in ast.parse((ROOT / script).read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def test_home_and_its_frame_import_nothing_heavy():
    names = ["app.navigation"]
    for module, name in imports_of("app/pages/home.py"):
        names += [module, f"{module}.{name}"]
    code = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    try: importlib.import_module(name)\n"
        "    except ModuleNotFoundError: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
