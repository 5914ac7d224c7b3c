"""Other processors than the one at hand, emulated: which variables make each.

    python -m tests.processors [arguments of pytest]

runs tests under each of them, by default those that compare text, and fails if one does.

PyTorch, NumPy and their libraries, MKL, oneDNN and OpenBLAS, choose by the processor how they
add up, multiply and take an exponential. They can be told to choose as on an older one, and
then give other last digits.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

# What NumPy has kernels of its own for. Only its own module says so, by names that change.
KERNELS = tuple(import_module("numpy._core._multiarray_umath").__cpu_dispatch__)
OF_AVX512 = tuple(name for name in KERNELS if "512" in name or name.endswith("V4"))

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "the one at hand": {},
    "an old one, without AVX and FMA": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Prescott",
        "NPY_DISABLE_CPU_FEATURES": " ".join(KERNELS),
    },
    "AVX2 with FMA, in two threads": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_CBWR": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": " ".join(OF_AVX512),
        "OMP_NUM_THREADS": "2",
    },
    "another maker's, in one thread": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "MKL_DEBUG_CPU_TYPE": "5",
        "OPENBLAS_CORETYPE": "Zen",
        "OMP_NUM_THREADS": "1",
    },
}
VARIABLES = frozenset(name for setting in SETTINGS.values() for name in setting)


def environment(name: str) -> dict[str, str]:
    """Return the variables of a process on a processor, whatever this one runs on."""
    kept = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    return kept | dict(SETTINGS[name])


def main(arguments: Sequence[str]) -> int:
    """Run pytest on each processor; return how often it failed."""
    failed = []
    for name in SETTINGS:
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", "pytest", "-m", "text", *arguments]
        if subprocess.run(command, env=environment(name)).returncode != 0:
            failed.append(name)
    print(f"failed on: {'; '.join(failed)}" if failed else "passed on each", flush=True)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
