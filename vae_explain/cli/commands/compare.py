"""`vae-explain compare`: two runs beside each other, and only what differs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

from ...errors import UserError
from ...pages.document_formats import FORMATS, write
from .. import output
from ..declared import Declare, output_option, own_option
from ..errors import ExitCode, Problem, line, unknown_name
from ..job import Job
from ..options import Options
from ..parsing import flag
from ..shared_options import with_options
from ..style import OF_PAGES, Formats

if TYPE_CHECKING:
    from ...analysis.comparison import Comparison
    from ...engine.run import Run

# The options that a second run may have others of; each is called so, and a 2.
OF_SECOND = (
    "x", "x_file", "seed", "eps", "set", "dims", "hidden", "latent", "activation", "recon",
    "reduction", "beta", "weights", "strip_prefix", "model", "model_arg", "loss", "loss_arg",
    "objective", "run",
)  # fmt: skip
# Of two ways to say the same, the one takes the place of the other.
IN_PLACE_OF = {"x": ("x_file",), "x_file": ("x",), "dims": ("hidden", "latent")}
DOCUMENTS = ("markdown", "html", "latex")
ENDINGS: Formats = {**OF_PAGES, **{name: FORMATS[name].suffixes for name in DOCUMENTS}}
KEEPS_NONE = "compare saves no run; use record"
SUCH = "--x2, --beta2, --set2, --seed2 or --run2"


def _of_second(command: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """Give the command each option of a second run; it receives those that were given."""
    hints = get_type_hints(Options, include_extras=True)

    def second(name: str) -> inspect.Parameter:
        kind, shared = get_args(hints[name])[:2]
        declared = Declare("Second run")(shared.metavar, f"{flag(name)} for the second run.")
        wanted: Any = str | None
        for of_many, whole in (("Path", Path | None), ("list", list[str] | None)):
            wanted = whole if of_many in str(kind) else wanted
        annotation = Annotated[wanted, declared]
        return inspect.Parameter(
            f"{name}2", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
        )

    def wrapped(*, options: Options, **values: Any) -> ExitCode:
        given = {name: values.pop(f"{name}2") for name in OF_SECOND}
        changed = {name: value for name, value in given.items() if value not in (None, [])}
        return command(**values, changed=changed, options=options)

    own = inspect.signature(command, eval_str=True).parameters.values()
    kept = [parameter for parameter in own if parameter.name not in ("changed", "options")]
    options = [parameter for parameter in own if parameter.name == "options"]
    signature = inspect.Signature([*kept, *map(second, OF_SECOND), *options])
    wrapped.__signature__ = signature  # type: ignore[attr-defined]  # functions may have one
    return wrapped


@partial(with_options, refused={"record": KEEPS_NONE})
@_of_second
def compare(
    only: Annotated[
        list[str] | None,
        own_option(
            "NAME",
            "Show in full how this value differs, or its gradient as NAME.grad; may be repeated.",
        ),
    ] = None,
    format: Annotated[
        str | None,
        output_option(
            "NAME",
            f"{', '.join(ENDINGS)}.  [default: from the extension of FILE, else text]",
            "--format",
        ),
    ] = None,
    *,
    changed: dict[str, Any],
    options: Options,
) -> ExitCode:
    if not changed:
        of_second = {flag(name) for name in OF_SECOND}
        typed = [words for words in options.as_typed() if words[0] in of_second]
        other = [word for option, *values in typed for word in (f"{option}2", *values)]
        such = f": {line('compare', *other)}" if other else f", such as {SUCH}"
        raise UserError(f"compare needs a second run: say what differs in it{such}")
    if options.run is not None and changed.keys() != {"run"}:
        wrong = next((name for name in changed if name != "run"), "run")
        mend = "a recorded run stays as it is; compare it with another one, with --run2"
        raise Problem(f"--{wrong.replace('_', '-')}2", changed[wrong], mend)
    style = replace(options, format=format).style(ENDINGS, _read_by_second(changed))

    first = Job(options, style, "printed")
    second = _second(options, changed, lambda other: Job(other, style, "printed"))
    comparison = _compared(first, second, options, changed)
    for name in only or ():
        _require_known(comparison, name)
    passed = (
        first.agrees
        and second.agrees
        and comparison.first.is_finite
        and comparison.second.is_finite
    )
    if style.format == "json":
        from ...pages.render.structured import reports

        return output.write(reports.dump_comparison(comparison, only or ()), style, passed)

    from ...pages.walkthrough import comparing as page

    walkthrough = page.comparing(comparison, only or ())
    if style.format == "text":
        return output.show(walkthrough, style, passed)
    return output.write(write(style.format, walkthrough, style.digits), style, passed)


def _compared(first: Job, second: Job, options: Options, changed: dict[str, Any]) -> Comparison:
    from ...analysis.comparison import Comparison

    if "run" in changed and options.run is None and options.arithmetic is None:
        # A model beside a recording takes the arithmetic that both can have.
        first.arithmetic = second.arithmetic
    ours = first.run(finite=False)
    theirs: Run = _second(options, changed, lambda _: second.run(finite=False))
    return Comparison(ours, theirs, _how(options, changed))


def _second(options: Options, changed: dict[str, Any], make: Callable[[Options], Any]) -> Any:
    """Make something of the second run's options; an error is said of these."""
    others = (other for name in changed for other in IN_PLACE_OF.get(name, ()))
    replaced = {other: None for other in others if other not in changed}
    if "run" in changed:
        kept = {name: getattr(options, name) for name in ("arithmetic", "digits", "no_cache")}
        other = Options(**kept, run=changed["run"], given=frozenset({"run"}))
    else:
        given = options.given | changed.keys()
        other = replace(options, **replaced, **changed, given=given)  # type: ignore[arg-type]
    try:
        return make(other)
    except UserError as error:
        if error.option.lstrip("-").replace("-", "_") not in changed:
            raise
        words = error.command_line_words.replace(f"{error.option} ", f"{error.option}2 ")
        value = error.value
        if value is None:
            value = changed[error.option.lstrip("-").replace("-", "_")]
        raise Problem(f"{error.option}2", value, words) from None


def _how(options: Options, changed: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """Return what was asked for otherwise and no header says: all but x, seed and recordings."""
    said = "x", "seed", "run", "set", "dims", "hidden", "latent"
    return tuple(
        (f"--{name.replace('_', '-')}", _written(getattr(options, name)), _written(value))
        for name, value in changed.items()
        if name not in said
    )


def _written(value: Any) -> str:
    if value in (None, "", []):
        return "none"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _read_by_second(changed: dict[str, Any]) -> dict[str, Path | None]:
    """Return the files that the second run is read from, by option."""
    paths = {f"--{name.replace('_', '-')}2": value for name, value in changed.items()}
    return {option: path for option, path in paths.items() if isinstance(path, Path)}


def _require_known(comparison: Comparison, name: str) -> None:
    plain = name.removesuffix(".grad")
    pairs = comparison.pairs if plain == name else comparison.with_gradient
    names = [pair.name for pair in pairs]
    if plain not in names:
        kind = "value that both runs have in one shape" if plain == name else "gradient of both"
        raise unknown_name("--only", name, kind, names)
