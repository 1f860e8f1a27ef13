"""What a trace keeps, beside the weights of all heads that it derives when they are asked for."""

from __future__ import annotations

import attnviz
from attnviz.models.bundled import MINILM, SMOLLM2
from bench.measuring import megabytes, table, text_of


def main() -> None:
    """Print the table."""
    rows = []
    for model_id in (MINILM, SMOLLM2):
        model = attnviz.load(model_id)
        for length in (16, 64, 256, 512):
            trace = attnviz.trace(model, text_of(model.tokenizer, length))
            kind = trace.kinds[0]
            weights = trace.layers(kind) * trace.heads(kind) * length**2 * 4  # float32
            logits = trace.logits.nbytes if trace.logits is not None else 0
            states = trace.hidden_states.nbytes
            attention = trace.nbytes - logits - states
            rows.append(
                [
                    model.title,
                    str(length),
                    *map(megabytes, (attention, states, logits, trace.nbytes, weights)),
                    f"{weights / attention:.2f}",
                ]
            )
    heads = [
        "Model",
        "Tokens",
        "Queries, keys, values, mask",
        "Hidden states",
        "Logits",
        "Trace",
        "All weights",
    ]
    table("Memory: causes stored, effects derived", [*heads, "weights / queries to mask"], rows)


if __name__ == "__main__":
    main()
