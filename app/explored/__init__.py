"""What the model explorer looks at: a model and its count, what it costs, own sizes, and what can be asked about it."""

from app.explored.model import Explored, counted

__all__ = ["Explored", "counted"]
