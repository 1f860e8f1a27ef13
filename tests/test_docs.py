"""What the documents say about the code is so."""

import json
import re
import subprocess
from pathlib import Path

from attnviz.settings import Settings

ROOT = Path(__file__).parents[1]


def test_every_setting_is_in_the_readme_with_its_default():
    rows = dict(re.findall(r"^\| `ATTNVIZ_(\w+)` \| (.+?) \|", (ROOT / "README.md").read_text("utf-8"), re.M))
    fields = Settings.model_fields
    assert {name.lower() for name in rows} == set(fields)
    for name, field in fields.items():
        if field.default_factory is None and field.default is not None:
            assert rows[name.upper()].strip("`") == json.dumps(field.default).strip('"')


def test_every_setting_has_its_reason():
    source = (ROOT / "src/attnviz/settings.py").read_text("utf-8")
    for name in Settings.model_fields:
        assert re.search(rf'^    {name}: .*?\n    """', source, re.M | re.S), name


def test_documents_name_only_what_is_there():
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text("utf-8")
        for path in re.findall(r"`((?:app|src|tests|deploy|notebooks|static|docs|bench)/[\w./-]+)`", text):
            assert (ROOT / path).exists(), f"{document} names {path}"
        for target in re.findall(r"`make ([a-z-]+)", text):
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.M), target


def test_nothing_large_is_committed():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix != ".safetensors":
            assert path.stat().st_size < 1_000_000, name
