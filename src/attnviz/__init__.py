"""AttnViz opens up real transformer models: every query, key, value, weight and hidden state of a forward pass.

    import attnviz

    model = attnviz.load("sentence-transformers/all-MiniLM-L6-v2")
    trace = attnviz.trace(model, "The animal didn't cross the street because it was too tired.")
    trace.weights("encoder", layer=3, head=1)  # (query, key)

Names are imported when they are first used, so that ``import attnviz`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attnviz.engine import Engine
    from attnviz.errors import UserError
    from attnviz.models.architecture import Architecture, architecture
    from attnviz.models.catalog import catalog
    from attnviz.models.loading import LoadedModel, load
    from attnviz.models.parameters import ParameterCount, count_parameters
    from attnviz.tracing.forward import trace
    from attnviz.tracing.tokens import Tokens
    from attnviz.tracing.trace import AttentionCall, Edits, Trace

__version__ = "0.1.0"

_HOMES = {
    "Architecture": "models.architecture",
    "AttentionCall": "tracing.trace",
    "Edits": "tracing.trace",
    "Engine": "engine",
    "LoadedModel": "models.loading",
    "ParameterCount": "models.parameters",
    "Tokens": "tracing.tokens",
    "Trace": "tracing.trace",
    "UserError": "errors",
    "architecture": "models.architecture",
    "catalog": "models.catalog",
    "count_parameters": "models.parameters",
    "load": "models.loading",
    "trace": "tracing.forward",
}

__all__ = [
    "Architecture",
    "AttentionCall",
    "Edits",
    "Engine",
    "LoadedModel",
    "ParameterCount",
    "Tokens",
    "Trace",
    "UserError",
    "architecture",
    "catalog",
    "count_parameters",
    "load",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'attnviz' has no attribute {name!r}")
    value = getattr(import_module(f"attnviz.{_HOMES[name]}"), name)
    globals()[name] = value
    if name in ("trace", "Trace"):
        _show_in_notebooks()
    return value


def _show_in_notebooks() -> None:
    """A trace at the end of a notebook's cell is shown as the viewer."""
    from attnviz.tracing.trace import Trace

    def shown(trace: Trace) -> str:
        from attnviz.viewer.attention import frame, html

        return frame(html(trace))

    Trace.notebook = staticmethod(shown)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
