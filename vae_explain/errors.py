"""What a user can mend: the one base of every error that the command line writes as one line."""

from __future__ import annotations

from collections.abc import Iterable


class UserError(ValueError):
    """A request that cannot be done; the message says what to change.

    A subclass sets `option` where all of its errors are about the same one, and overrides
    `command_line_words` where the command line says more than the library.

    Attributes
    ----------
    option
        The command-line option that it is about, such as `--x-file`; empty for none.
    value
        What that option got; None where only the command line knows.
    """

    option = ""

    def __init__(self, message: str, option: str | None = None, value: object = None) -> None:
        super().__init__(message)
        if option is not None:
            self.option = option
        self.value = value

    @property
    def command_line_words(self) -> str:
        """What the command line says, behind the option and its value."""
        return str(self)


def did_you_mean(typed: str, names: Iterable[str]) -> str:
    """Return a guess at what was meant, for the middle of an error; empty if none is near."""
    import difflib

    plain = {name.lower(): name for name in reversed(list(names))}
    close = difflib.get_close_matches(typed.lower(), plain, n=1, cutoff=0.5)
    return f"did you mean {plain[close[0]]}? " if close else ""
