"""Ops that move elements without computing with them: shapes, axes, parts, joins."""

from . import (
    clone as clone,
)
from . import (
    concatenate as concatenate,
)
from . import (
    diagonal as diagonal,
)
from . import (
    expand as expand,
)
from . import (
    index_add as index_add,
)
from . import (
    one_hot as one_hot,
)
from . import (
    overwrite as overwrite,
)
from . import (
    pad as pad,
)
from . import (
    pixel_shuffle as pixel_shuffle,
)
from . import (
    random as random,
)
from . import (
    reshape as reshape,
)
from . import (
    scatter as scatter,
)
from . import (
    scatter_reduce as scatter_reduce,
)
from . import (
    select as select,
)
from . import (
    setitem as setitem,
)
from . import (
    sort as sort,
)
from . import (
    split as split,
)
from . import (
    take as take,
)
from . import (
    transpose as transpose,
)
