"""All heads of a model and of a layer on the multi-head page: one module a part of it, and what they share in ``layer``."""
