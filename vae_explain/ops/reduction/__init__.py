"""Ops that bring many elements together: sums, means, norms, extremes, softmax."""

from . import (
    argmax as argmax,
)
from . import (
    cumulative as cumulative,
)
from . import (
    distances as distances,
)
from . import (
    max_min as max_min,
)
from . import (
    nansum as nansum,
)
from . import (
    normalize as normalize,
)
from . import (
    norms as norms,
)
from . import (
    ranking as ranking,
)
from . import (
    softmax as softmax,
)
from . import (
    softmin as softmin,
)
from . import (
    sum_mean as sum_mean,
)
from . import (
    var_mean as var_mean,
)
from . import (
    variance as variance,
)
