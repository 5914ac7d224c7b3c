"""The way in and the way out of the process: streams, exit codes, and nothing in between.

Four shortcuts live here, in the process that is ours alone, and never in the library. The
garbage collector is off: a run is short, and collecting while PyTorch loads costs a tenth
of the load. Functions of shared libraries are looked up when they are first called: PyTorch has
43,000, of which a run calls few, and a fiftieth of its load is looking up all of them. The process
leaves by `os._exit` once both streams are flushed without error: tearing PyTorch down costs as much
as a quarter of loading it. And a recorded run is computed on one thread: its products take a
millisecond, and threads of a busy machine wait for each other ten times as long.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from ..errors import UserError
from .errors import ExitCode, line_of
from .messages import WarningPrinter, say
from .streams import keep_descriptor

if TYPE_CHECKING:
    import typer

INTERRUPTED = 130
WITH_CODE = "--model", "--loss", "--objective", "--config"  # what may name code of the user's


def main() -> NoReturn:
    """Run the command line and leave the process."""
    gc.disable()
    if hasattr(os, "RTLD_LAZY"):  # Windows has none
        sys.setdlopenflags(os.RTLD_LAZY)
    if "--run" in sys.argv:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    warnings.showwarning = WarningPrinter()
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a stream that is closed
        keep_descriptor()
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were loaded
        code = INTERRUPTED
    code = _flush(code)
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; every failure is one line."""
    import typer

    from .app import COMMANDS, application
    from .first_word import command_of

    # Python has None for a stream that was closed by who started the process.
    streams = sys.stdout or io.StringIO(), sys.stderr or io.StringIO()
    closed = sys.stdout is None
    sys.stdout, sys.stderr = streams
    if closed:
        return _say("cannot write to standard output: it is closed")
    try:
        words = command_of(arguments, tuple(COMMANDS))
        result = application(words)(words, prog_name="vae-explain", standalone_mode=False)
    except UserError as error:
        return _say(line_of(error, arguments))
    except BrokenPipeError:
        return _silence()
    except SystemExit as leaving:
        # Typer and Rich leave this way when the reader has gone, Typer with streams of its own.
        sys.stdout, sys.stderr = streams
        reader_has_gone = isinstance(leaving.__context__, BrokenPipeError)
        code = leaving.code
        return _silence() if reader_has_gone else code if isinstance(code, int) else ExitCode.OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except typer.TyperException as error:
        return _say(_usage(error))
    except typer.Abort:
        return INTERRUPTED
    except Exception as error:
        return _unexpected(error, arguments)
    return int(result) if isinstance(result, int) else ExitCode.OK


def _usage(error: typer.TyperException) -> str:
    """Write what is wrong with the words of a command line, and where to look them up."""
    words = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    if context is None:
        return words
    return f"{words}{' See' if words.endswith('?') else '; see'} {context.command_path} --help"


def _unexpected(error: Exception, arguments: Sequence[str]) -> int:
    """Write what a user's own code raised out of turn, or what no mistake of theirs explains.

    That is a broken installation, a full disk, or our bug.
    """
    if any(each.startswith(WITH_CODE) for each in arguments) and "torch" in sys.modules:
        from ..models.loading.user_code import CannotRun, is_users

        if is_users(error):
            return _say(CannotRun(error).command_line_words)
    if isinstance(error, ImportError):
        return _say(f"cannot load what runs the model: {error}; install vae-explain again")
    if isinstance(error, OSError):
        if error.filename:
            return _say(f"cannot open {error.filename}: {error.strerror}")
        return _cannot_write(error)
    if os.environ.get("VAE_EXPLAIN_TRACEBACK"):
        raise error
    return _say(
        f"internal error, please report it: {type(error).__name__}: {error} "
        "(VAE_EXPLAIN_TRACEBACK=1 shows where)"
    )


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
