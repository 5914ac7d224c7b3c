"""Matrix products and what solves with matrices. Read `linear.py` first."""

from . import (
    addmm as addmm,
)
from . import (
    bilinear as bilinear,
)
from . import (
    cholesky as cholesky,
)
from . import (
    cholesky_solve as cholesky_solve,
)
from . import (
    einsum as einsum,
)
from . import (
    linear as linear,
)
from . import (
    matmul as matmul,
)
from . import (
    solve as solve,
)
