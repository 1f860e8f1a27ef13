"""What the browser is sent to see every head at once, beside BertViz's model view. Runs in the peers' environment."""

from __future__ import annotations

import contextlib
import copy
import gzip
import io
from typing import Any

import numpy as np
import torch
from bertviz import model_view

import attnviz
from attnviz.analysis.attention_view import thumbnails
from attnviz.figures import weight_colours
from attnviz.figures.all_heads import all_heads
from attnviz.models.bundled import MINILM, SMOLLM2
from attnviz.viewer.packing import blocks, pack
from bench.measuring import medians, megabytes, milliseconds, table, text_of


def main() -> None:
    """Print the table."""
    rows = []
    for model_id in (MINILM, SMOLLM2):
        model = attnviz.load(model_id)
        module = copy.deepcopy(model.module)
        module.set_attn_implementation("eager")
        for length in (16, 64, 128):
            text = text_of(model.tokenizer, length)
            trace = attnviz.trace(model, text)
            kind = trace.kinds[0]
            with torch.inference_mode():
                ids = model.tokenizer(text, return_tensors="pt")
                attention = module(**ids, output_attentions=True).attentions
            labels = list(trace.tokens.labels)
            made: dict[str, Any] = {}

            def figure(trace=trace, kind=kind, made=made) -> None:
                places = weight_colours.place(thumbnails(trace, kind))
                made["figure"] = all_heads(places, "light").to_json()

            def packed(trace=trace, made=made) -> None:
                made["packed"] = pack(blocks(trace))

            def page(attention=attention, labels=labels, made=made) -> None:
                with contextlib.redirect_stdout(io.StringIO()):
                    made["page"] = model_view(attention, labels, html_action="return").data

            seconds = medians({"figure": figure, "packed": packed, "page": page}, 3)
            sizes = {
                "figure": len(made["figure"].encode()),
                "packed": len(made["packed"]),
                "page": len(made["page"].encode()),
            }
            compressed = len(gzip.compress(made["page"].encode(), 6))
            rows.append(
                [
                    f"{model.title}, {int(np.prod((trace.layers(kind), trace.heads(kind))))} heads",
                    str(length),
                    *(
                        f"{megabytes(sizes[name])}, {milliseconds(seconds[name])}"
                        for name in ("figure", "packed", "page")
                    ),
                    megabytes(compressed),
                    f"{sizes['page'] / sizes['figure']:.0f}",
                    f"{sizes['page'] / sizes['packed']:.0f}",
                ]
            )
    heads = [
        "Model",
        "Tokens",
        "All heads, a figure",
        "All weights, packed",
        "BertViz model_view",
        "the same, gzip",
    ]
    table(
        "Payload: every head of the model in the browser (size, time to make)",
        [*heads, "BertViz / figure", "BertViz / packed"],
        rows,
    )


if __name__ == "__main__":
    main()
