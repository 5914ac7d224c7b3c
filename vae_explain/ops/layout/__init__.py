"""Ops that move elements without computing with them: shapes, axes, parts, joins."""

# Each file and the ops that it explains.
FILES = {
    "clone": "clone detach",
    "concatenate": "cat stack hstack vstack dstack column_stack",
    "diagonal": "diagonal diag diag_embed trace tril triu",
    "expand": "expand broadcast_to expand_as broadcast_tensors repeat",
    "index_add": "index_add index_copy",
    "one_hot": "one_hot",
    "overwrite": "copy fill zero",
    "pad": "pad",
    "pixel_shuffle": "pixel_shuffle pixel_unshuffle",
    "random": ("randn_like randn normal rand rand_like uniform bernoulli exponential dropout_mask"),
    "reshape": "view reshape view_as flatten unflatten squeeze unsqueeze",
    "scatter": "gather scatter",
    "scatter_reduce": "scatter_reduce scatter_add",
    "select": "getitem select narrow index_select",
    "setitem": "index_put",
    "sort": "sort argsort",
    "split": "chunk split tensor_split unbind",
    "take": "flip roll take masked_select repeat_interleave",
    "transpose": "transpose permute movedim t T mT",
}
