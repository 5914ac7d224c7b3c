"""Loss functions, each element by element with a reduction around it."""

from . import (
    binary_cross_entropy as binary_cross_entropy,
)
from . import (
    cross_entropy as cross_entropy,
)
from . import (
    elementwise_loss as elementwise_loss,
)
from . import (
    kl_div as kl_div,
)
from . import (
    likelihoods as likelihoods,
)
from . import (
    mse_loss as mse_loss,
)
from . import (
    soft_margin as soft_margin,
)
