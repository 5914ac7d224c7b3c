"""What do we know of one op?

The rules, listed one by one. To add an op, write its file in the family that it belongs to
and add its line here. Read `rule.py` first.
"""

from __future__ import annotations

from .elementwise.activations import (
    ELU,
    LEAKY_RELU,
    LOGSIGMOID,
    SILU,
    SOFTPLUS,
    SOFTSIGN,
    TANHSHRINK,
)
from .elementwise.arithmetic import ADD, ADDCDIV, ADDCMUL, DIV, LERP, MUL, NEG, SUB
from .elementwise.clamp import CLAMP, CLAMP_MAX, CLAMP_MIN
from .elementwise.gelu import GELU
from .elementwise.hard_activations import HARDSIGMOID, HARDSWISH, HARDTANH, RELU6
from .elementwise.logarithms import (
    ENTR,
    EXP2,
    LOG2,
    LOG10,
    LOGADDEXP,
    LOGADDEXP2,
    LOGIT,
    XLOGY,
)
from .elementwise.masked_fill import MASKED_FILL
from .elementwise.powers import EXP, LOG, POW, SQRT, SQUARE
from .elementwise.prelu import PRELU
from .elementwise.relu import RELU
from .elementwise.selu import CELU, MISH, SELU
from .elementwise.shrink import HARDSHRINK, SOFTSHRINK, THRESHOLD
from .elementwise.sigmoid import SIGMOID, TANH
from .elementwise.trigonometry import (
    ACOS,
    ACOSH,
    ASIN,
    ASINH,
    ATAN,
    ATAN2,
    ATANH,
    COS,
    COSH,
    HYPOT,
    SIN,
    SINH,
    TAN,
)
from .elementwise.unary import (
    ABS,
    CEIL,
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
    TRUNC,
)
from .elementwise.where import MAXIMUM, MINIMUM, WHERE
from .layers.adaptive_avg_pool import (
    ADAPTIVE_AVG_POOL1D,
    ADAPTIVE_AVG_POOL2D,
    ADAPTIVE_AVG_POOL3D,
)
from .layers.adaptive_max_pool import (
    ADAPTIVE_MAX_POOL1D,
    ADAPTIVE_MAX_POOL2D,
    ADAPTIVE_MAX_POOL3D,
)
from .layers.attention import ATTENTION
from .layers.batch_norm import BATCH_NORM
from .layers.convolution import (
    CONV1D,
    CONV2D,
    CONV3D,
    CONV_TRANSPOSE1D,
    CONV_TRANSPOSE2D,
    CONV_TRANSPOSE3D,
)
from .layers.embedding import EMBEDDING
from .layers.embedding_bag import EMBEDDING_BAG
from .layers.glu import GLU
from .layers.group_norm import GROUP_NORM
from .layers.instance_norm import INSTANCE_NORM
from .layers.interpolate import INTERPOLATE
from .layers.layer_norm import LAYER_NORM
from .layers.pooling import (
    AVG_POOL1D,
    AVG_POOL2D,
    AVG_POOL3D,
    MAX_POOL1D,
    MAX_POOL2D,
    MAX_POOL3D,
)
from .layers.rms_norm import RMS_NORM
from .layers.unfold import FOLD, UNFOLD
from .layers.weight_norm import WEIGHT_NORM
from .layout.clone import CLONE, DETACH
from .layout.concatenate import CAT, COLUMN_STACK, DSTACK, HSTACK, STACK, VSTACK
from .layout.diagonal import DIAG, DIAG_EMBED, DIAGONAL, TRACE, TRIL, TRIU
from .layout.expand import BROADCAST_TENSORS, BROADCAST_TO, EXPAND, EXPAND_AS, REPEAT
from .layout.index_add import INDEX_ADD, INDEX_COPY
from .layout.one_hot import ONE_HOT
from .layout.overwrite import COPY, FILL, ZERO_OUT
from .layout.pad import PAD
from .layout.pixel_shuffle import PIXEL_SHUFFLE, PIXEL_UNSHUFFLE
from .layout.random import (
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
from .layout.reshape import (
    FLATTEN,
    RESHAPE,
    SQUEEZE,
    UNFLATTEN,
    UNSQUEEZE,
    VIEW,
    VIEW_AS,
)
from .layout.scatter import GATHER, SCATTER, SCATTER_ADD
from .layout.scatter_reduce import SCATTER_REDUCE
from .layout.select import GETITEM, INDEX_SELECT, NARROW, SELECT
from .layout.setitem import INDEX_PUT
from .layout.sort import SORT
from .layout.split import CHUNK, SPLIT, TENSOR_SPLIT, UNBIND
from .layout.take import FLIP, MASKED_SELECT, REPEAT_INTERLEAVE, ROLL, TAKE
from .layout.transpose import MATRIX_TRANSPOSE, MOVEDIM, PERMUTE, REVERSED, TRANSPOSE, T
from .linear.addmm import ADDMM, ADDMV, BADDBMM
from .linear.bilinear import BILINEAR
from .linear.cholesky import CHOLESKY, SOLVE_TRIANGULAR
from .linear.cholesky_solve import CHOLESKY_SOLVE
from .linear.einsum import EINSUM
from .linear.linear import LINEAR
from .linear.matmul import BMM, MATMUL
from .linear.solve import DET, INV, LOGDET, SLOGDET, SOLVE
from .losses.binary_cross_entropy import (
    BINARY_CROSS_ENTROPY,
    BINARY_CROSS_ENTROPY_WITH_LOGITS,
)
from .losses.cross_entropy import CROSS_ENTROPY, NLL_LOSS
from .losses.elementwise_loss import HUBER_LOSS, L1_LOSS, SMOOTH_L1_LOSS
from .losses.kl_div import KL_DIV
from .losses.likelihoods import GAUSSIAN_NLL_LOSS, POISSON_NLL_LOSS
from .losses.mse_loss import MSE_LOSS
from .losses.soft_margin import SOFT_MARGIN_LOSS
from .reduction.argmax import ARGMAX, ARGMIN, ARGSORT
from .reduction.cumulative import CUMPROD, CUMSUM, LOGCUMSUMEXP, PROD
from .reduction.distances import CDIST, PAIRWISE_DISTANCE
from .reduction.max_min import AMAX, AMIN, MAX, MIN
from .reduction.nansum import NANSUM
from .reduction.normalize import COSINE_SIMILARITY, NORMALIZE
from .reduction.norms import LINALG_NORM, NORM, VECTOR_NORM
from .reduction.ranking import (
    AMINMAX,
    CUMMAX,
    CUMMIN,
    KTHVALUE,
    MEDIAN,
    MODE,
    MSORT,
    TOPK,
)
from .reduction.softmax import LOG_SOFTMAX, LOGSUMEXP, SOFTMAX
from .reduction.softmin import SOFTMIN
from .reduction.sum_mean import MEAN, SUM
from .reduction.var_mean import STD_MEAN, VAR_MEAN
from .reduction.variance import STD, VAR
from .rule import Call, NotExplained, Operand, Rule

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
    "NotExplained",
    "Operand",
    "Rule",
    "rule_of",
]
