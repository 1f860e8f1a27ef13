"""One head step by step on the self-attention page: one module a part of it, and what they share in ``walk``."""
