"""One text, what an encoder-decoder made of it, and the attention between the two: one module a part of the page, and what
they share in ``record``."""
