"""The names that notebooks rely on."""

import subprocess
import sys

import pytest

import attnviz


def test_every_public_name_is_there():
    for name in attnviz.__all__:
        assert getattr(attnviz, name) is not None
    assert sorted(attnviz.__all__) == attnviz.__all__
    assert {"load", "trace", "Edits", "count_parameters", "UserError"} <= set(attnviz.__all__)
    assert set(attnviz.__all__) <= set(dir(attnviz))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        attnviz.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("attnviz", ("torch", "transformers", "plotly", "numpy")),
        ("attnviz.tracing.trace", ("torch", "transformers", "plotly")),
        ("attnviz.tracing.tokens", ("torch", "transformers", "plotly")),
        ("attnviz.analysis.reading", ("torch", "transformers", "plotly")),
        ("attnviz.viewer.sentence", ("torch", "transformers", "plotly", "streamlit")),
        ("attnviz.engine", ("torch", "transformers")),
        ("app.navigation", ("torch", "transformers", "plotly.graph_objs._figure")),
    ],
)
def test_importing_costs_no_more_than_it_must(module, heavy):
    code = f"import {module}, sys; print([m for m in {heavy!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip().splitlines()[-1] == "[]"
