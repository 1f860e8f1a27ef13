"""Every claim of speed or size: `make bench` prints the tables that stand in bench/README.md."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench import classroom, memory, pages, startup, translation, viewer
from bench.measuring import machine

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv-bench" / "bin" / "python"


def beside_peers(module: str) -> None:
    """Run a module where the peers are installed, with the same AttnViz."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    subprocess.run([PEERS, "-m", module], check=True, cwd=ROOT, env=environment)


def main() -> None:
    """Run all, or those that are named: tracing, memory, viewer, translation, startup, pages, classroom."""
    chosen = sys.argv[1:] or ["tracing", "memory", "viewer", "translation", "startup", "pages", "classroom"]
    print(machine(), flush=True)
    for name in chosen:
        if name == "tracing":
            beside_peers(f"bench.{name}")
        else:
            modules = {
                "classroom": classroom,
                "memory": memory,
                "pages": pages,
                "startup": startup,
                "translation": translation,
                "viewer": viewer,
            }
            modules[name].main()
        sys.stdout.flush()


if __name__ == "__main__":
    main()
