"""Layers of networks: convolutions, pools, normalizations, embeddings, attention."""

from . import (
    adaptive_avg_pool as adaptive_avg_pool,
)
from . import (
    adaptive_max_pool as adaptive_max_pool,
)
from . import (
    attention as attention,
)
from . import (
    batch_norm as batch_norm,
)
from . import (
    convolution as convolution,
)
from . import (
    embedding as embedding,
)
from . import (
    embedding_bag as embedding_bag,
)
from . import (
    glu as glu,
)
from . import (
    group_norm as group_norm,
)
from . import (
    instance_norm as instance_norm,
)
from . import (
    interpolate as interpolate,
)
from . import (
    layer_norm as layer_norm,
)
from . import (
    pooling as pooling,
)
from . import (
    rms_norm as rms_norm,
)
from . import (
    unfold as unfold,
)
from . import (
    weight_norm as weight_norm,
)
