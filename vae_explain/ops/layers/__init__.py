"""Layers of networks: convolutions, pools, normalizations, embeddings, attention."""

# Each file and the ops that it explains.
FILES = {
    "attention": "scaled_dot_product_attention",
    "convolution": "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d",
    "embedding": "embedding",
    "embedding_bag": "embedding_bag",
    "glu": "glu",
    "interpolate": "interpolate",
    "norm_layers": "batch_norm instance_norm layer_norm group_norm rms_norm",
    "pooling": (
        "max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d "
        "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d "
        "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d"
    ),
    "unfold": "unfold fold",
    "weight_norm": "weight_norm",
}
