"""Makes the pages that ``bench.viewer`` opens, AttnViz's and BertViz's of one attention. Runs in the peers' environment.

    python -m bench.viewer_pages FOLDER

writes each page and ``made.json`` with seconds and bytes.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from bertviz import model_view

import attnviz
from attnviz.models.bundled import MINILM, SMOLLM2
from attnviz.viewer import attention as viewer
from attnviz.viewer.packing import blocks, pack
from bench.measuring import medians, text_of

CASES = ((MINILM, 32), (MINILM, 128), (SMOLLM2, 32), (SMOLLM2, 128), (SMOLLM2, 256))
LARGEST_PEER = 1_500_000
"""Weights of which BertViz still makes a page here: at 20 bytes each, more would not finish here."""


def main() -> None:
    folder = Path(sys.argv[1])
    made = []
    for number, (model_id, length) in enumerate(CASES):
        model = attnviz.load(model_id)
        text = text_of(model.tokenizer, length)
        trace = attnviz.trace(model, text)
        kind = trace.kinds[0]
        heads = trace.layers(kind) * trace.heads(kind)
        results: dict[str, Any] = {}

        def packed(trace=trace, results=results) -> None:
            results["message"] = pack(blocks(trace))

        def page(trace=trace, results=results) -> None:
            data = viewer.payload(trace, messages=[viewer.message(trace)])
            results["page"] = viewer.standalone("attention", data, "bench")

        contestants = {"packed": packed, "page": page}
        if heads * length * length <= LARGEST_PEER:
            module = copy.deepcopy(model.module)
            module.set_attn_implementation("eager")
            with torch.inference_mode():
                ids = model.tokenizer(text, return_tensors="pt")
                attention = module(**ids, output_attentions=True).attentions
            labels = list(trace.tokens.labels)

            def peer(attention=attention, labels=labels, results=results) -> None:
                results["peer"] = model_view(attention, labels, html_action="return").data

            contestants["peer"] = peer
        seconds = medians(contestants, 3)
        for name in ("page", "peer"):
            if name in results:
                (folder / f"{name}_{number}.html").write_text(results[name], encoding="utf-8")
        made.append(
            {
                "model": model.title,
                "heads": heads,
                "layers": trace.layers(kind),
                "tokens": length,
                "seconds": seconds,
                "message": len(results["message"]),
                "peer": len(results.get("peer", "").encode()) or None,
            }
        )
        print(f"{model.title}, {length} tokens: made", file=sys.stderr, flush=True)
    (folder / "made.json").write_text(json.dumps({"when": time.time(), "cases": made}), encoding="utf-8")


if __name__ == "__main__":
    main()
