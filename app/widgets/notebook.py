"""A page's code as a Jupyter notebook (nbformat 4.5)."""

from __future__ import annotations

import json

INSTALL = "Needs AttnViz in the environment of the notebook: `pip install -e .` in a copy of its repository."


def notebook(title: str, lead: str, code: str) -> bytes:
    """A notebook of two cells: what the page is about, and its code."""
    cells = [
        {
            "cell_type": "markdown",
            "id": "about",
            "metadata": {},
            "source": f"# {title}\n\n{lead}\n\n{INSTALL}",
        },
        {
            "cell_type": "code",
            "id": "code",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": code.strip(),
        },
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, ensure_ascii=False, indent=1).encode()
