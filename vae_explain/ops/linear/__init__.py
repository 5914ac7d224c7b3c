"""Matrix products and what solves with matrices. Read `linear.py` first."""

# Each file and the ops that it explains.
FILES = {
    "addmm": "addmm baddbmm addmv",
    "bilinear": "bilinear",
    "cholesky": "linalg_solve_triangular linalg_cholesky",
    "cholesky_solve": "cholesky_solve",
    "einsum": "einsum",
    "linear": "linear",
    "matmul": "matmul bmm",
    "solve": "linalg_inv linalg_det logdet linalg_slogdet linalg_solve",
}
