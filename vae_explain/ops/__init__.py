"""The rules, listed one by one. To add an op, write its file and add its line here."""

from __future__ import annotations

from .accumulating import CUMPROD, CUMSUM, LOGCUMSUMEXP, PROD
from .activations import ELU, LEAKY_RELU, LOGSIGMOID, SILU, SOFTPLUS, SOFTSIGN, TANHSHRINK
from .adaptive_avg_pool import ADAPTIVE_AVG_POOL1D, ADAPTIVE_AVG_POOL2D, ADAPTIVE_AVG_POOL3D
from .adaptive_max_pool import ADAPTIVE_MAX_POOL1D, ADAPTIVE_MAX_POOL2D, ADAPTIVE_MAX_POOL3D
from .addmm import ADDMM, ADDMV, BADDBMM
from .arithmetic import ADD, ADDCDIV, ADDCMUL, DIV, LERP, MUL, NEG, SUB
from .arranging import DIAG, DIAG_EMBED, DIAGONAL, SORT, TRACE
from .assigning import INDEX_PUT
from .attention import ATTENTION
from .axes import MATRIX_TRANSPOSE, MOVEDIM, PERMUTE, REVERSED, TRANSPOSE, T
from .batch_norm import BATCH_NORM
from .bilinear import BILINEAR
from .binary_cross_entropy import BINARY_CROSS_ENTROPY, BINARY_CROSS_ENTROPY_WITH_LOGITS
from .cholesky_solve import CHOLESKY_SOLVE
from .choosing import MAXIMUM, MINIMUM, WHERE
from .clamp import CLAMP, CLAMP_MAX, CLAMP_MIN
from .convolution import (
    CONV1D,
    CONV2D,
    CONV3D,
    CONV_TRANSPOSE1D,
    CONV_TRANSPOSE2D,
    CONV_TRANSPOSE3D,
)
from .cross_entropy import CROSS_ENTROPY, NLL_LOSS
from .direction import COSINE_SIMILARITY, NORMALIZE
from .distances import CDIST, PAIRWISE_DISTANCE
from .einsum import EINSUM
from .embedding import EMBEDDING
from .embedding_bag import EMBEDDING_BAG
from .extremes import AMAX, AMIN, MAX, MIN
from .functions import (
    ABS,
    CEIL,
    COS,
    DIGAMMA,
    ERF,
    ERFC,
    ERFINV,
    EXPM1,
    FLOOR,
    FMOD,
    FRAC,
    LGAMMA,
    LOG1P,
    NAN_TO_NUM,
    NDTR,
    RECIPROCAL,
    REMAINDER,
    ROUND,
    RSQRT,
    SIGN,
    SIN,
    TRUNC,
)
from .gelu import GELU
from .glu import GLU
from .group_norm import GROUP_NORM
from .hard import HARDSIGMOID, HARDSWISH, HARDTANH, RELU6
from .indexing import INDEX_ADD, INDEX_COPY
from .instance_norm import INSTANCE_NORM
from .interpolate import INTERPOLATE
from .joining import CAT, COLUMN_STACK, DSTACK, HSTACK, STACK, VSTACK
from .kl_div import KL_DIV
from .layer_norm import LAYER_NORM
from .likelihoods import GAUSSIAN_NLL_LOSS, POISSON_NLL_LOSS
from .linear import LINEAR
from .linear_algebra import DET, INV, LOGDET, SLOGDET, SOLVE
from .logarithms import ENTR, EXP2, LOG2, LOG10, LOGADDEXP, LOGADDEXP2, LOGIT, XLOGY
from .losses import HUBER_LOSS, L1_LOSS, SMOOTH_L1_LOSS
from .margins import SOFT_MARGIN_LOSS
from .masking import MASKED_FILL, TRIL, TRIU
from .matmul import BMM, MATMUL
from .moments import STD_MEAN, VAR_MEAN
from .mse_loss import MSE_LOSS
from .nansum import NANSUM
from .noise import (
    BERNOULLI,
    DROPOUT_MASK,
    EXPONENTIAL,
    NORMAL,
    RAND,
    RAND_LIKE,
    RANDN,
    RANDN_LIKE,
    UNIFORM,
)
from .norms import LINALG_NORM, NORM, VECTOR_NORM
from .one_hot import ONE_HOT
from .overwriting import COPY, FILL, ZERO_OUT
from .pad import PAD
from .patches import FOLD, UNFOLD
from .picking import FLIP, MASKED_SELECT, REPEAT_INTERLEAVE, ROLL, TAKE
from .pixel_shuffle import PIXEL_SHUFFLE, PIXEL_UNSHUFFLE
from .pooling import AVG_POOL1D, AVG_POOL2D, AVG_POOL3D, MAX_POOL1D, MAX_POOL2D, MAX_POOL3D
from .positions import ARGMAX, ARGMIN, ARGSORT
from .powers import EXP, LOG, POW, SQRT, SQUARE
from .prelu import PRELU
from .ranking import AMINMAX, CUMMAX, CUMMIN, KTHVALUE, MEDIAN, MODE, MSORT, TOPK
from .reductions import MEAN, SUM
from .relu import RELU
from .rms_norm import RMS_NORM
from .rule import Call, Example, NotExplained, Operand, Rule
from .same import CLONE, DETACH
from .scatter_reduce import SCATTER_REDUCE
from .scattering import GATHER, SCATTER, SCATTER_ADD
from .selecting import GETITEM, INDEX_SELECT, NARROW, SELECT
from .selu import CELU, MISH, SELU
from .shapes import FLATTEN, RESHAPE, SQUEEZE, UNFLATTEN, UNSQUEEZE, VIEW, VIEW_AS
from .shrinking import HARDSHRINK, SOFTSHRINK, THRESHOLD
from .sigmoid import SIGMOID, TANH
from .softmax import LOG_SOFTMAX, LOGSUMEXP, SOFTMAX
from .softmin import SOFTMIN
from .splitting import CHUNK, SPLIT, TENSOR_SPLIT, UNBIND
from .spreading import BROADCAST_TENSORS, BROADCAST_TO, EXPAND, EXPAND_AS, REPEAT
from .triangles import CHOLESKY, SOLVE_TRIANGULAR
from .trigonometry import (
    ACOS,
    ACOSH,
    ASIN,
    ASINH,
    ATAN,
    ATAN2,
    ATANH,
    COSH,
    HYPOT,
    SINH,
    TAN,
)
from .variance import STD, VAR
from .weight_norm import WEIGHT_NORM

ALL: tuple[Rule, ...] = (
    ADD,
    SUB,
    MUL,
    DIV,
    NEG,
    ADDCMUL,
    ADDCDIV,
    LERP,
    POW,
    SQUARE,
    SQRT,
    EXP,
    LOG,
    SUM,
    MEAN,
    NANSUM,
    CUMSUM,
    CUMPROD,
    LOGCUMSUMEXP,
    PROD,
    NORM,
    VECTOR_NORM,
    LINALG_NORM,
    NORMALIZE,
    COSINE_SIMILARITY,
    PAIRWISE_DISTANCE,
    CDIST,
    RELU,
    SIGMOID,
    TANH,
    LINEAR,
    MATMUL,
    BMM,
    EINSUM,
    BILINEAR,
    INV,
    SOLVE,
    DET,
    LOGDET,
    SLOGDET,
    CHOLESKY,
    SOLVE_TRIANGULAR,
    CHOLESKY_SOLVE,
    ATTENTION,
    CONV1D,
    CONV2D,
    CONV3D,
    CONV_TRANSPOSE1D,
    CONV_TRANSPOSE2D,
    CONV_TRANSPOSE3D,
    MAX_POOL1D,
    MAX_POOL2D,
    MAX_POOL3D,
    AVG_POOL1D,
    AVG_POOL2D,
    AVG_POOL3D,
    ADAPTIVE_AVG_POOL1D,
    ADAPTIVE_AVG_POOL2D,
    ADAPTIVE_AVG_POOL3D,
    ADAPTIVE_MAX_POOL1D,
    ADAPTIVE_MAX_POOL2D,
    ADAPTIVE_MAX_POOL3D,
    INTERPOLATE,
    PAD,
    PIXEL_SHUFFLE,
    PIXEL_UNSHUFFLE,
    UNFOLD,
    FOLD,
    GROUP_NORM,
    VIEW,
    RESHAPE,
    LEAKY_RELU,
    PRELU,
    ELU,
    SELU,
    CELU,
    MISH,
    SILU,
    SOFTPLUS,
    LOGSIGMOID,
    SOFTSIGN,
    HARDTANH,
    RELU6,
    HARDSIGMOID,
    HARDSWISH,
    HARDSHRINK,
    SOFTSHRINK,
    THRESHOLD,
    TANHSHRINK,
    GLU,
    GELU,
    ABS,
    SIGN,
    LOG2,
    LOG10,
    LOG1P,
    EXP2,
    LOGIT,
    LOGADDEXP,
    LOGADDEXP2,
    XLOGY,
    ENTR,
    EXPM1,
    RECIPROCAL,
    RSQRT,
    SIN,
    COS,
    TAN,
    ASIN,
    ACOS,
    ATAN,
    SINH,
    COSH,
    ASINH,
    ACOSH,
    ATANH,
    ATAN2,
    HYPOT,
    ERF,
    ERFC,
    ERFINV,
    NDTR,
    LGAMMA,
    DIGAMMA,
    ROUND,
    FLOOR,
    CEIL,
    TRUNC,
    FRAC,
    FMOD,
    REMAINDER,
    NAN_TO_NUM,
    CLAMP,
    CLAMP_MIN,
    CLAMP_MAX,
    MAXIMUM,
    MINIMUM,
    MAX,
    MIN,
    AMAX,
    AMIN,
    AMINMAX,
    TOPK,
    KTHVALUE,
    MEDIAN,
    MODE,
    CUMMAX,
    CUMMIN,
    ARGMAX,
    ARGMIN,
    WHERE,
    MASKED_FILL,
    TRIL,
    TRIU,
    CAT,
    STACK,
    HSTACK,
    VSTACK,
    DSTACK,
    COLUMN_STACK,
    GETITEM,
    SELECT,
    NARROW,
    INDEX_SELECT,
    TAKE,
    MASKED_SELECT,
    EMBEDDING,
    EMBEDDING_BAG,
    ONE_HOT,
    GATHER,
    SCATTER,
    SCATTER_ADD,
    SCATTER_REDUCE,
    INDEX_ADD,
    INDEX_COPY,
    FLIP,
    ROLL,
    REPEAT_INTERLEAVE,
    INDEX_PUT,
    COPY,
    FILL,
    ZERO_OUT,
    DIAGONAL,
    TRACE,
    DIAG,
    DIAG_EMBED,
    SORT,
    MSORT,
    ARGSORT,
    CHUNK,
    SPLIT,
    TENSOR_SPLIT,
    UNBIND,
    TRANSPOSE,
    PERMUTE,
    MOVEDIM,
    T,
    REVERSED,
    MATRIX_TRANSPOSE,
    VIEW_AS,
    FLATTEN,
    UNFLATTEN,
    SQUEEZE,
    UNSQUEEZE,
    CLONE,
    DETACH,
    EXPAND,
    EXPAND_AS,
    BROADCAST_TO,
    BROADCAST_TENSORS,
    REPEAT,
    VAR,
    STD,
    VAR_MEAN,
    STD_MEAN,
    SOFTMAX,
    SOFTMIN,
    LOG_SOFTMAX,
    LOGSUMEXP,
    LAYER_NORM,
    RMS_NORM,
    BATCH_NORM,
    INSTANCE_NORM,
    WEIGHT_NORM,
    L1_LOSS,
    SMOOTH_L1_LOSS,
    HUBER_LOSS,
    BINARY_CROSS_ENTROPY,
    BINARY_CROSS_ENTROPY_WITH_LOGITS,
    CROSS_ENTROPY,
    NLL_LOSS,
    ADDMM,
    BADDBMM,
    ADDMV,
    KL_DIV,
    GAUSSIAN_NLL_LOSS,
    POISSON_NLL_LOSS,
    SOFT_MARGIN_LOSS,
    MSE_LOSS,
    NORMAL,
    RAND,
    RAND_LIKE,
    UNIFORM,
    BERNOULLI,
    EXPONENTIAL,
    DROPOUT_MASK,
    RANDN_LIKE,
    RANDN,
)

RULES: dict[str, Rule] = {rule.name: rule for rule in ALL}

# Further names under which PyTorch records an op that has the same arguments.
ALIASES: dict[str, str] = {
    "absolute": "abs",
    "adjoint": "mT",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "cholesky": "linalg_cholesky",
    "clip": "clamp",
    "concat": "cat",
    "concatenate": "cat",
    "contiguous": "clone",
    "divide": "div",
    "det": "linalg_det",
    "dot": "matmul",
    "double": "clone",
    "fix": "trunc",
    "float": "clone",
    "float_power": "pow",
    # The conjugate of a real number is itself.
    "H": "mT",
    "half": "clone",
    "inverse": "linalg_inv",
    "logsigmoid": "log_sigmoid",
    "long": "clone",
    "mH": "mT",
    "mm": "matmul",
    "moveaxis": "movedim",
    "multiply": "mul",
    "mv": "matmul",
    "negative": "neg",
    "ravel": "flatten",
    "reshape_as": "view_as",
    "row_stack": "vstack",
    "setitem": "index_put",
    "sgn": "sign",
    "slogdet": "linalg_slogdet",
    "special_digamma": "digamma",
    "special_erf": "erf",
    "special_erfc": "erfc",
    "special_erfinv": "erfinv",
    "special_exp2": "exp2",
    "special_expit": "sigmoid",
    "special_expm1": "expm1",
    "special_gammaln": "lgamma",
    "special_log1p": "log1p",
    "special_log_softmax": "log_softmax",
    "special_logit": "logit",
    "special_logsumexp": "logsumexp",
    "special_psi": "digamma",
    "special_round": "round",
    "special_softmax": "softmax",
    "special_xlogy": "xlogy",
    "split_with_sizes": "split",
    "subtract": "sub",
    "swapaxes": "transpose",
    "swapdims": "transpose",
    "to": "clone",
    "true_divide": "div",
    "truediv": "div",
    "type": "clone",
    "type_as": "clone",
    "unsafe_chunk": "chunk",
    "unsafe_split": "split",
    "vdot": "matmul",
}


def rule_of(name: str) -> Rule | None:
    """Return the rule of an op by any of its names; None when there is none."""
    return RULES.get(ALIASES.get(name, name))


__all__ = [
    "ALIASES",
    "ALL",
    "RULES",
    "Call",
    "Example",
    "NotExplained",
    "Operand",
    "Rule",
    "rule_of",
]
