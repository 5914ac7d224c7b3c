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


def reason_of(error: OSError) -> str:
    """Return what the system says of a file, for the end of an error."""
    return (error.strerror or str(error)).lower()


def did_you_mean(typed: str, names: Iterable[str]) -> str:
    """Return a guess at what was meant, for the middle of an error; empty if none is near."""
    near = nearest(typed, names)
    return f"did you mean {near}? " if near else ""


def nearest(text: str, names: Iterable[str]) -> str | None:
    """Return what a word was mistyped for: a name that is one or two slips of a key away."""
    word = text.casefold()
    ranked = []
    for name in dict.fromkeys(names):
        lengths = sorted((len(word.lstrip("-")), len(name.lstrip("-"))))
        most = min(1 if lengths[0] < 5 else 2, lengths[1] - 1)  # else nothing is left of it
        if (count := slips(word, name.casefold())) <= most:
            ranked.append((count, name))
    return min(ranked)[1] if ranked else None


def slips(a: str, b: str) -> int:
    """Return how many slips make one word of another: a key left out, added, changed, swapped.

    Examples
    --------
    >>> slips("wieght", "weight"), slips("json", "recon")
    (1, 3)
    """
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, previous, row = row, before, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and (x, y) == (b[j - 2], a[i - 2]):
                cost = min(cost, previous[j - 2] + 1)
            row.append(cost)
    return row[-1]
