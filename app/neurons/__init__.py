"""The neurons of a model on the feed-forward page: one module a part of it, and what they share in ``here``."""
