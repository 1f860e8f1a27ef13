"""The views of the page on positions: one module a scheme, and what they share in ``here``."""
