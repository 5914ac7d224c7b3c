"""Matrix products and what solves with matrices. Read `linear.py` first."""

# Each file and the ops that it explains.
FILES = {
    "cholesky": "linalg_solve_triangular linalg_cholesky",
    "cholesky_solve": "cholesky_solve",
    "einsum": "einsum bilinear",
    "linear": "linear",
    "matmul": "matmul bmm addmm baddbmm addmv",
    "solve": "linalg_inv linalg_det logdet linalg_slogdet linalg_solve",
}
