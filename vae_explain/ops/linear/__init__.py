"""Matrix products and what solves with matrices. Read `linear.py` first."""

from . import (  # noqa: F401 # the registry takes their rules
    addmm,
    bilinear,
    cholesky,
    cholesky_solve,
    einsum,
    linear,
    matmul,
    solve,
)
