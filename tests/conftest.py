"""What holds for every test."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# a slow or shared machine is no error; what takes too long is caught by the timeout of each test
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


class BrowserTogether(LoadScopeScheduling):
    """All browser tests go to one worker: they share one server, and two browsers at once only make each other wait.

    Groups of xdist would do the same, but do not reach it in this version of pytest.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/browser/") else nodeid


def pytest_xdist_make_scheduler(config, log):
    """How tests are shared out when several workers run them."""
    return BrowserTogether(config, log)


@pytest.fixture(autouse=True, scope="session")
def plotly_checks_figures():
    """Every figure that a test draws is checked by Plotly, which must change nothing in it."""
    from plotly import graph_objects as go

    from attnviz.figures import theme

    def checked(traces, layout, **unchecked):
        made = go.Figure(traces, layout, **unchecked)
        assert json.loads(made.to_json()) == json.loads(go.Figure(traces, layout).to_json())
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theme, "go", SimpleNamespace(Figure=checked))
        yield
