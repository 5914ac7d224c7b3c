"""Ops that bring many elements together: sums, means, norms, extremes, softmax."""

# Each file and the ops that it explains.
FILES = {
    "cumulative": "cumsum cumprod prod logcumsumexp",
    "distances": "pairwise_distance cdist",
    "max_min": "argmax argmin max min amax amin",
    "normalize": "normalize cosine_similarity",
    "norms": "norm linalg_vector_norm linalg_norm",
    "ranking": "topk kthvalue median mode cummax cummin aminmax msort",
    "softmax": "softmax log_softmax softmin logsumexp",
    "sum_mean": "sum mean nansum",
    "variance": "var std var_mean std_mean",
}
