"""Layers of networks: convolutions, pools, normalizations, embeddings, attention."""

from . import (  # noqa: F401 # the registry takes their rules
    adaptive_avg_pool,
    adaptive_max_pool,
    attention,
    batch_norm,
    convolution,
    embedding,
    embedding_bag,
    glu,
    group_norm,
    instance_norm,
    interpolate,
    layer_norm,
    pooling,
    rms_norm,
    unfold,
    weight_norm,
)
