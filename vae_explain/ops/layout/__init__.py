"""Ops that move elements without computing with them: shapes, axes, parts, joins."""

# Each file and the ops that it explains.
FILES = {
    "clone": "clone detach copy fill zero",
    "concatenate": "cat stack hstack vstack dstack column_stack",
    "diagonal": "diagonal diag diag_embed trace tril triu",
    "expand": "expand broadcast_to expand_as broadcast_tensors repeat",
    "one_hot": "one_hot",
    "pad": "pad",
    "pixel_shuffle": "pixel_shuffle pixel_unshuffle",
    "random": "randn_like randn normal rand rand_like uniform bernoulli exponential dropout_mask",
    "reshape": (
        "view reshape view_as flatten unflatten squeeze unsqueeze transpose permute movedim t T mT"
    ),
    "scatter": "gather scatter",
    "scatter_reduce": "scatter_reduce scatter_add index_add index_copy",
    "select": "getitem select narrow index_select",
    "setitem": "index_put",
    "sort": "sort argsort",
    "take": "flip roll take masked_select repeat_interleave chunk split tensor_split unbind",
}
