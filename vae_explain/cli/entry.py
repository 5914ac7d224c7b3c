"""The way in and the way out of the process: streams, exit codes, and nothing in between.

Two shortcuts live here, in the process that is ours alone, and never in the library. The
garbage collector is off: a run is short, and collecting while PyTorch loads costs a tenth
of the load. And the process leaves by `os._exit` once both streams are flushed without
error: tearing PyTorch down costs as much as a quarter of loading it.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NoReturn

from .problems import ExitCode, Problem
from .warned import Shown, say

if TYPE_CHECKING:
    import typer

INTERRUPTED = 130
OF_A_FILE = "--x-file", "--weights"  # what is said of them begins with the file


def main() -> NoReturn:
    """Run the command line and leave the process."""
    gc.disable()
    warnings.showwarning = Shown()
    code = run(sys.argv[1:])
    code = _flush(code)
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; every failure is one line."""
    import typer

    from .app import application

    # Python has None for a stream that was closed by who started the process.
    streams = sys.stdout or io.StringIO(), sys.stderr or io.StringIO()
    closed = sys.stdout is None
    sys.stdout, sys.stderr = streams
    if closed:
        return _say("cannot write to standard output: it is closed")
    try:
        result = application(arguments)(arguments, prog_name="vae-explain", standalone_mode=False)
    except Problem as problem:
        return _say(str(problem))
    except BrokenPipeError:
        return _silence()
    except SystemExit as leaving:
        # Typer and Rich leave this way when the reader has gone, Typer with streams of its own.
        sys.stdout, sys.stderr = streams
        reader_has_gone = isinstance(leaving.__context__, BrokenPipeError)
        return _silence() if reader_has_gone else int(leaving.code or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except typer.TyperException as error:
        return _say(_usage(error))
    except typer.Abort:
        return INTERRUPTED
    except Exception as error:
        return _explain(error, arguments)
    return int(result) if isinstance(result, int) else ExitCode.OK


def _usage(error: typer.TyperException) -> str:
    """Write what is wrong with the words of a command line, and where to look them up."""
    words = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    if context is None:
        return words
    return f"{words}{' See' if words.endswith('?') else '; see'} {context.command_path} --help"


def _explain(error: Exception, arguments: Sequence[str]) -> int:
    """Turn what a run can raise into its line."""
    if isinstance(error, ImportError):
        return _say(f"cannot load what runs the model: {error}; install vae-explain again")
    if isinstance(error, OSError):
        if error.filename:
            return _say(f"cannot open {error.filename}: {error.strerror}")
        return _cannot_write(error)

    option, words = _mendable(error)
    if option:
        return _say(_of_option(option, words, arguments))
    if words:
        return _say(words)
    from ..engine.run import NotFinite

    if isinstance(error, NotFinite) and error.undefined:
        return _say(
            f"the run gives no number: {error.first} is the first value that holds NaN, as of the "
            "logarithm or a root of a negative number; audit shows what went into it"
        )
    if isinstance(error, NotFinite):
        return _say(
            f"the run overflows: {error.first} is the first value that is not finite; "
            "try smaller numbers for --x or --eps"
        )
    if os.environ.get("VAE_EXPLAIN_TRACEBACK"):
        raise error
    return _say(
        f"internal error, please report it: {type(error).__name__}: {error} "
        "(VAE_EXPLAIN_TRACEBACK=1 shows where)"
    )


def _of_option(option: str, words: str, arguments: Sequence[str]) -> str:
    """Write an error as a `Problem` does: with the value of its option, named once."""
    given = [value for name, value in pairwise(arguments) if name == option]
    given += [text.partition("=")[2] for text in arguments if text.startswith(f"{option}=")]
    value = " ".join(given)
    if not value or (option in OF_A_FILE and words.startswith(value)):
        return f"{option}: {words}"
    return str(Problem(option, value, words))


def _mendable(error: Exception) -> tuple[str, str]:
    """Return the option that an error is about and what there is to say; empty for others."""
    from ..models.input_files import CannotRead
    from ..ops import NotExplained

    if isinstance(error, CannotRead):
        return "--x-file", str(error)
    if isinstance(error, NotExplained):
        words = f"an operation has no rule: {error}; forward and backward show what they can"
        return "", words
    from ..analysis.noise_stream import CannotReplay
    from ..models.argument_matching import CannotBind
    from ..models.prepared_model import CannotTrain, NeverWritten, TooCoarse
    from ..models.user_code import CannotLoad, CannotRun
    from ..recording.random_draws import NoiseMismatch
    from ..recording.tensor_arrays import NotDense

    if isinstance(error, CannotLoad):
        return error.option, str(error)
    if isinstance(error, CannotRun):
        return "", f"the model raised {error}"
    if isinstance(error, CannotTrain | NeverWritten | NotDense | TooCoarse):
        return "--model", str(error)
    if isinstance(error, CannotReplay):
        return "", f"sample: {error}; forward and why show one draw"
    if isinstance(error, CannotBind):
        return "--loss", str(error)
    if isinstance(error, NoiseMismatch):
        return "--eps", error.count_words
    return "", ""


def _say(message: str) -> int:
    say(f"error: {message}")
    return ExitCode.BAD_REQUEST


def _silence() -> int:
    # The reader has gone, as `head` does when it has enough: there is no one to tell.
    _drop_output()
    return ExitCode.OK


def _cannot_write(error: OSError) -> int:
    _drop_output()
    return _say(f"cannot write to standard output: {error.strerror}")


def _drop_output() -> None:
    """Let what is still unwritten go nowhere, so that it does not fail a second time."""
    with contextlib.suppress(io.UnsupportedOperation):  # a stream in memory, as tests have it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _flush(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _silence()
    except OSError as error:
        code = _cannot_write(error)
    try:
        sys.stderr.flush()
    except OSError:
        return code  # nobody is left to hear of it; the exit code still says so
    return code
