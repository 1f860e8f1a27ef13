"""What a user can be told: one sentence about what happened, one about the way out."""


class UserError(Exception):
    """Anything that is shown to a user as it stands.

    ``message`` is the fact, ``way_out`` what to do about it; both are whole sentences, free of jargon.
    """

    def __init__(self, message: str, way_out: str = "") -> None:
        super().__init__(message, way_out)
        self.message = message
        self.way_out = way_out

    def __str__(self) -> str:
        return f"{self.message} {self.way_out}".strip()


class TextError(UserError):
    """The text cannot be used: empty, blank, or not of a form the model reads."""


class TooManyTokens(TextError):
    """The text has ``count`` tokens and only ``limit`` are allowed."""

    def __init__(self, count: int, limit: int, reader: str) -> None:
        super().__init__(
            f"Your text has {count:,} tokens; {reader} reads at most {limit:,} here.",
            f"Shorten it by {count - limit:,} tokens, or let the page read the first {limit:,} only.",
        )
        self.count = count
        self.limit = limit


class ModelError(UserError):
    """A model cannot be used."""


class ModelNotFound(ModelError):
    """There is no such model, here or on the hub."""


class ModelRefused(ModelError):
    """The model exists but must not be loaded: gated, no safetensors, too large, not on the list."""


class ModelUnsupported(ModelError):
    """The model's family cannot be traced."""


class ModelFileError(ModelError):
    """A file of weights is cut short, damaged, or of another format."""


class ConfigError(ModelError):
    """A config from which no model can be built."""


class HubUnreachable(ModelError):
    """The Hugging Face hub does not answer."""


class SelectionError(UserError):
    """A layer, head or kind of attention that the model does not have."""


class Busy(UserError):
    """The server has more to compute than it accepts at once."""
