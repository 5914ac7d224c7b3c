"""A run in a file: one safetensors file, asked again without PyTorch.

The tensors of the run are the tensors of the file, under the names that the pages have for
them. All else is JSON in its metadata: `Contents`, whose fields docs/recordings.md explains.
Nothing in a file is executed, and nothing in it is believed before it has been checked.
"""

from __future__ import annotations

import errno
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from ...engine.graph import Graph
from ...engine.loss_call import LossCall
from ...engine.run import PRINTED_DECIMALS, Arithmetic, Run, by_hand, full_run
from ...errors import UserError, reason_of
from ...quick_classes import NamedTuple, dataclass
from ...trace import Array, OnDemand, Trace
from ...version import __version__
from ..builtin_config import Architecture
from ..whole_file import write_whole
from .checked_json import Misfit, read, written
from .recorded_trace import Keep, TraceEntry, entry_of, trace_of

VERSION = 1
CONTENTS_KEY = "vae_explain_recording"  # of a file's metadata
# A run in PyTorch's own numbers has no mark before its tensors' names.
MARKS: Mapping[str, str] = {"full": "", "printed": "printed/"}
# NumPy has complex numbers of both sizes, a file of them only one: they are kept as pairs.
AS_PAIRS = " as pairs"
# The types of tensors, as NumPy calls them.
NUMBERS = {
    "BOOL": "?", "I8": "<i1", "U8": "<u1", "I16": "<i2", "U16": "<u2", "F16": "<f2",
    "I32": "<i4", "U32": "<u4", "F32": "<f4", "I64": "<i8", "U64": "<u8", "F64": "<f8",
}  # fmt: skip
MOST_DECIMALS = 17  # that a page is written with
MOST_AXES = 32  # of a tensor: those of PyTorch have at most 64, of NumPy as many
LENGTH = 8  # bytes that say how long the header is
LONGEST_HEADER = 100_000_000  # bytes, as readers of such files have it
LONGEST_REASON = 100  # characters of what the reader of such files says
LONGEST_CONTENTS = 50_000_000  # characters of JSON, of a run of some hundred thousand operations


class BadRecording(UserError):
    """A file that is no recording, or one with an impossible entry; the message says which."""

    option = "--run"


class Contents(NamedTuple):
    """What a recording says in words, by the names that stand in its JSON.

    Attributes
    ----------
    version
        That of the format.
    made_by, numpy
        The versions of vae-explain and of NumPy that wrote it.
    label
        What was run, for a header.
    changed
        The entries that were set by hand.
    architecture
        That of the built-in VAE; None for another model.
    not_printed
        Why there is no run in the arithmetic `printed`; None if there is one.
    runs
        The trace in each arithmetic that the run was recorded in.
    decimals
        What `printed` rounds parameters and noise to.
    weights_given
        Whether the parameters are of a file.
    """

    version: int
    made_by: str
    numpy: str
    label: str
    seed: int | None
    eps_given: bool
    changed: tuple[str, ...]
    loss_call: LossCall | None
    architecture: Architecture | None
    not_printed: str | None
    runs: dict[str, TraceEntry]
    decimals: int = PRINTED_DECIMALS
    weights_given: bool = False


@dataclass(frozen=True)
class Recording:
    """A run with all that its pages need, in each arithmetic that it was recorded in.

    Attributes
    ----------
    architecture
        That of the built-in VAE; None for another model.
    not_printed
        Why it has no run in the arithmetic `printed`; None if it has one.
    doubts
        What the numbers of each run do not agree in, by the names of values and gradients:
        nothing, unless a file was changed.
    """

    runs: Mapping[str, Run] = field(repr=False)
    architecture: Architecture | None = None
    not_printed: str | None = None
    doubts: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def first(self) -> Arithmetic:
        """An arithmetic that it was recorded in."""
        return "full" if "full" in self.runs else "printed"

    def run(self, arithmetic: Arithmetic) -> Run:
        """Return the run in an arithmetic; `MissingArithmetic` if it was not recorded in that."""
        if arithmetic not in self.runs:
            raise MissingArithmetic(arithmetic, self.not_printed)
        return self.runs[arithmetic]


class MissingArithmetic(UserError):
    """A recording that is asked for an arithmetic that it has no run in."""

    option = "--arithmetic"

    def __init__(self, asked: Arithmetic, why: str | None) -> None:
        reason = f": {why}" if why and asked == "printed" else ""
        other = "full" if asked == "printed" else "printed"
        super().__init__(f"the run was recorded only in {other} arithmetic{reason}")


# --- into a file ------------------------------------------------------------------------


def to_bytes(recording: Recording) -> bytes:
    """Return a recording as a file."""
    from safetensors.numpy import save  # only a file that is written needs it

    tensors: dict[str, Array] = {}
    one = next(iter(recording.runs.values()))
    contents = Contents(
        version=VERSION,
        made_by=__version__,
        numpy=np.__version__,
        label=one.label,
        seed=one.seed,
        eps_given=one.eps_given,
        changed=one.changed,
        loss_call=one.loss_call,
        architecture=recording.architecture,
        not_printed=recording.not_printed,
        runs={
            arithmetic: entry_of(run.graph, _keeper(tensors, MARKS[arithmetic]))
            for arithmetic, run in recording.runs.items()
        },
        decimals=one.decimals,
        weights_given=one.weights_given,
    )
    text = json.dumps(written(contents), ensure_ascii=False, allow_nan=False)
    return save(tensors, metadata={CONTENTS_KEY: text})


def save(recording: Recording, path: Path) -> None:
    """Write a recording into a file, whole or not at all."""
    write_whole(path, to_bytes(recording))


def _keeper(tensors: dict[str, Array], mark: str) -> Keep:
    """Return what keeps an array among some tensors, under a name that starts with a mark."""

    def keep(name: str, array: Array) -> str:
        if array.dtype.kind == "c":
            name, array = name + AS_PAIRS, np.stack([array.real, array.imag], axis=-1)
        key = mark + name
        for count in itertools.count(2):
            if key not in tensors:
                break
            key = f"{mark}{name} ({count})"
        # Not np.ascontiguousarray, which gives a number without axes one.
        tensors[key] = np.asarray(array, order="C")
        return key

    return keep


# --- out of a file ----------------------------------------------------------------------


def load(path: Path) -> Recording:
    """Read a recording and check what it says; a run is made when it is first asked for.

    Raises
    ------
    BadRecording
        If it is none, is damaged, or says what cannot be; also when a run is made.
    """
    file = path.expanduser()
    with _damages(path):
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder; name the file in it")
        if not file.is_file():
            raise FileNotFoundError(errno.ENOENT, "there is no such file")
        safe_open(file, framework="np")  # which raises where a file is no whole one
        return _recording(path, file.read_bytes(), is_trusted=False)


def from_bytes(data: bytes | memoryview, path: Path) -> Recording:
    """Return the recording that `to_bytes` has written, whose numbers are known to be those."""
    with _damages(path):
        return _recording(path, data, is_trusted=True)


def _recording(path: Path, data: bytes | memoryview, is_trusted: bool) -> Recording:
    tensors = _Tensors(data)
    contents = _contents(path, tensors.metadata)

    def bound(arithmetic: str) -> Graph:
        with _damages(path):
            trace = trace_of(contents.runs[arithmetic], tensors.take, f"runs.{arithmetic}")
            _require_loss(trace)
            if contents.architecture:
                _require_values(trace, contents.architecture)
            return _bound(trace)

    def doubtful(arithmetic: str) -> tuple[str, ...]:
        if is_trusted:
            return ()
        from ...engine.agreement import DoesNotFit, disagreements

        try:
            return tuple(disagreements(graphs[arithmetic]))
        except DoesNotFit as misfit:
            words = f"values that do not fit their operations: {misfit}"
            raise BadRecording(f"{path} has {words}") from None

    def run(arithmetic: str) -> Run:
        doubts[arithmetic]  # which raises where an operation cannot be computed at all
        given = contents.seed, contents.label, contents.eps_given, contents.loss_call
        graph = graphs[arithmetic]
        shown = contents.decimals, contents.changed, contents.weights_given
        whole = full_run(graph.trace, *given, graph, *shown)
        return by_hand(whole) if arithmetic == "printed" else whole

    names = tuple(contents.runs)
    graphs, doubts = OnDemand(names, bound), OnDemand(names, doubtful)
    return Recording(OnDemand(names, run), contents.architecture, contents.not_printed, doubts)


@contextmanager
def _damages(path: Path) -> Iterator[None]:
    """Turn what is wrong with a file into `BadRecording`, which is one line."""
    try:
        yield
    except Misfit as misfit:
        raise BadRecording(f"{path} is damaged: {misfit}") from None
    except SafetensorError as error:
        words = " ".join(str(error).split())[:LONGEST_REASON]
        raise BadRecording(f"{path} is not a complete safetensors file: {words}") from None
    except OSError as error:
        raise BadRecording(f"{path} cannot be read: {reason_of(error)}") from None


def _contents(path: Path, metadata: Mapping[str, str]) -> Contents:
    text = metadata.get(CONTENTS_KEY)
    if text is None:
        raise BadRecording(
            f"{path} is a safetensors file, but not a recording; "
            "record -o FILE.safetensors makes one"
        )
    if len(text) > LONGEST_CONTENTS:
        raise Misfit("contents", text, f"JSON of at most {LONGEST_CONTENTS:,} characters")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Misfit("contents", str(error), "JSON") from None
    version = data.get("version") if isinstance(data, dict) else None
    if version != VERSION:
        raise BadRecording(
            f"{path} has version {str(version)[:LONGEST_REASON]!r} of the format, and vae-explain "
            f"{__version__} reads version {VERSION}; record the run again"
        )
    contents: Contents = read(Contents, data, "contents")
    if not contents.runs or contents.runs.keys() - MARKS.keys():
        raise Misfit("runs", sorted(contents.runs), " or ".join(MARKS))
    if contents.seed is not None and not 0 <= contents.seed < 2**64:
        raise Misfit("seed", contents.seed, "a seed of PyTorch")
    if not 0 <= contents.decimals <= MOST_DECIMALS:
        raise Misfit("decimals", contents.decimals, f"a number from 0 to {MOST_DECIMALS}")
    if contents.architecture:
        _require_possible(contents.architecture)
    return contents


def _require_possible(architecture: Architecture) -> None:
    dims = architecture.dims
    if len(dims) < 3 or len(dims) % 2 == 0 or min(dims) < 1 or dims[0] != dims[-1]:
        raise Misfit("architecture.dims", list(dims), "an odd number of widths with equal ends")
    if not 0 <= architecture.beta < math.inf:
        raise Misfit("architecture.beta", architecture.beta, "a number from 0 up")


def _bound(trace: Trace) -> Graph:
    try:
        return Graph(trace)
    except Exception as error:  # a rule may fail in any way on what no call has given it
        words = " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST_REASON]
        raise Misfit("an operation", words, "one of PyTorch's calls") from None


def _require_loss(trace: Trace) -> None:
    loss = trace.loss
    if loss.kind != "intermediate" or loss.array.dtype.kind != "f" or loss.array.size != 1:
        raise Misfit("output", loss.label, "the loss, one computed number,")


def _require_values(trace: Trace, architecture: Architecture) -> None:
    """Check the named values against those of the built-in VAE."""
    x = trace.by_name.get("x")
    rows = x.shape[0] if x is not None and x.shape else 0
    for name in ("x", *architecture.parameters, *architecture.steps):
        value, shape = trace.by_name.get(name), architecture.shape(name, rows)
        if value is None or value.shape != shape:
            stored = None if value is None else list(value.shape)
            raise Misfit(f"the shape of {name}", stored, f"{list(shape)} by the architecture")


class _Tensors:
    """The tensors of a file, each taken once and by one value, as read-only arrays."""

    def __init__(self, data: bytes | memoryview) -> None:
        size = int.from_bytes(data[:LENGTH], "little")
        if not 0 < size <= LONGEST_HEADER:
            raise Misfit("the length of its header", size, f"a number up to {LONGEST_HEADER:,}")
        header: dict[str, Any] = json.loads(bytes(data[LENGTH : LENGTH + size]))
        self.metadata: dict[str, str] = header.pop("__metadata__", {})
        self._left, self._data = header, data[LENGTH + size :]

    def take(self, key: str, where: str) -> Array:
        """Return the tensor of a name; `Misfit` if there is none, or none that NumPy can have."""
        entry = self._left.pop(key, None)
        if entry is None:
            raise Misfit(where, key, "the name of a tensor that nothing else has")
        shape, dtype = entry["shape"], NUMBERS.get(entry["dtype"])
        if dtype is None or len(shape) > MOST_AXES:
            raise Misfit(where, f"{entry['dtype']}{shape}", "a tensor of real numbers")
        array = np.frombuffer(self._data, dtype, math.prod(shape), entry["data_offsets"][0])
        array = array.reshape(shape)
        if key.endswith(AS_PAIRS):
            if shape[-1:] != [2] or dtype not in ("<f4", "<f8"):
                raise Misfit(where, f"{entry['dtype']}{shape}", "pairs of floating-point numbers")
            array = array.view(dtype.replace("f4", "c8").replace("f8", "c16"))[..., 0]
        return array
