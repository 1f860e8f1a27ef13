"""How pictures are joined into modules and pages, and that nothing a learner types can become markup."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnviz import viewer

FOLDER = Path(viewer.__file__).parent
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>&amp;<img src=x onerror=alert(1)>",
    "\"'`${1+1}",
    "line\nend\r\u2028\u2029",
    "nul\0",
    "👩‍👩‍👧 مرحبا {{script}} {{payload}}",
    "\ud800 broken",
]
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


class _Page(html.parser.HTMLParser):
    """Collects what a browser would see: tags, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.scripts: dict[str, str] = {}
        self.title = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = dict(attrs).get("type") or "" if tag == "script" else tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data
        else:
            self.scripts[self._inside] = self.scripts.get(self._inside, "") + data


@pytest.mark.parametrize("picture", viewer.PICTURES)
@needs_node
def test_script_is_one_module_with_a_default_export(picture: str, tmp_path: Path) -> None:
    module = tmp_path / "picture.mjs"
    module.write_text(
        viewer.script(picture).replace("return mounting(", "return (() => 'mounted')(", 1), encoding="utf-8"
    )
    check = f"import picture from {json.dumps(module.as_uri())}; console.log(picture)"
    done = subprocess.run(
        ["node", "--input-type=module", "-e", check], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "mounted", done.stderr


@pytest.mark.parametrize("picture", viewer.PICTURES)
def test_modules_are_joined_once_each_without_imports(picture: str) -> None:
    text = viewer.script(picture)
    assert not re.search(r"^import ", text, re.MULTILINE)
    assert re.findall(r"^export .*$", text, re.MULTILINE) == ["export default attnviz();"]
    assert text.count("function mounting(") == 1
    assert text.count(f"const {picture} = {{") == 1


def test_unknown_picture_is_named() -> None:
    with pytest.raises(ValueError, match="no picture 'other'; there are sentence"):
        viewer.script("other")
    with pytest.raises(ValueError, match="no picture"):
        viewer.standalone("../core", {}, "")


def test_every_picture_packs_and_draws() -> None:
    for picture in viewer.PICTURES:
        assert (FOLDER / f"{picture}.js").is_file()
        assert (FOLDER / f"{picture}.py").is_file()


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.js")), ids=lambda file: file.name)
def test_no_javascript_writes_markup_or_reaches_outside(file: Path) -> None:
    text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "createContextualFragment",
    ):
        assert word not in text
    for word in ("eval(", "new Function", "https://", "http://", "XMLHttpRequest", "WebSocket", "sendBeacon"):
        assert word not in text
    assert "</script" not in text
    assert "<!--" not in text


def test_style_touches_only_what_is_ours() -> None:
    rules = re.sub(r"/\*.*?\*/", "", viewer.style(), flags=re.DOTALL)
    selectors = [selector.strip() for selector in re.findall(r"([^{}]+)\{", rules)]
    for selector in selectors:
        if not selector.startswith("@") and selector not in ("from", "to"):
            assert all("av" in part or "data-picture" in part for part in selector.split(",")), selector
    assert "url(" not in rules
    assert "@import" not in rules


@pytest.mark.parametrize("hostile", HOSTILE)
def test_standalone_keeps_hostile_text_as_data(hostile: str) -> None:
    payload = {"title": hostile, hostile: [hostile, {"text": hostile}]}
    text = viewer.standalone("sentence", payload, hostile)
    page = _Page(text)
    plain = _Page(viewer.standalone("sentence", {}, "x"))
    assert page.tags == plain.tags
    assert page.scripts["module"] == plain.scripts["module"]
    assert json.loads(page.scripts["application/json"]) == payload
    text.encode("utf-8")


@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
@settings(max_examples=50, deadline=None)
def test_any_payload_comes_back(value: object) -> None:
    text = viewer.standalone("block", {"value": value}, "A title")
    assert json.loads(_Page(text).scripts["application/json"]) == {"value": value}


def test_title_is_escaped() -> None:
    assert _Page(viewer.standalone("block", {}, "<b>a & b</b>")).title == "<b>a & b</b>"


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        viewer.standalone("block", {"weight": float("nan")}, "")


def test_page_may_reach_nothing() -> None:
    page = viewer.standalone("explorer", {}, "")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert not re.search(r"(src|href)=\"", page.split('<script type="module">')[0])
