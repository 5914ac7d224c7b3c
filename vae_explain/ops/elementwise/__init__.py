"""Ops that work on each element alone: arithmetic, powers, activations, choices."""

from . import (
    activations as activations,
)
from . import (
    arithmetic as arithmetic,
)
from . import (
    clamp as clamp,
)
from . import (
    gelu as gelu,
)
from . import (
    hard_activations as hard_activations,
)
from . import (
    logarithms as logarithms,
)
from . import (
    masked_fill as masked_fill,
)
from . import (
    powers as powers,
)
from . import (
    prelu as prelu,
)
from . import (
    relu as relu,
)
from . import (
    selu as selu,
)
from . import (
    shrink as shrink,
)
from . import (
    sigmoid as sigmoid,
)
from . import (
    trigonometry as trigonometry,
)
from . import (
    unary as unary,
)
from . import (
    where as where,
)
