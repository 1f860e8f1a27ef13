"""The quickstart notebook runs from top to bottom and says what the bundled models really do."""

from pathlib import Path

import nbformat
import pytest

pytest.importorskip("nbclient")
NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "quickstart.ipynb"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_quickstart():
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "commit it without outputs"
    NotebookClient(notebook, timeout=200, kernel_name="python3").execute()
    printed = printed_text(notebook)
    assert "'it' looks 68% at 'animal'" in printed
    assert "Rome: 0.857, without L23H4: 0.146" in printed
    assert "124,439,808" in printed


def printed_text(notebook):
    """All that the cells printed."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.get("text", "") for output in outputs)
