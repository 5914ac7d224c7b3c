"""Examples of the rules of the layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from vae_explain.trace import Array, Slot

from .example import Example, Examples, called, examples, on

SOLID = (np.arange(2 * 2 * 4 * 3 * 5) * 7 % 23 - 11.0).reshape(2, 2, 4, 3, 5) / 16
IMAGE, SIGNAL = SOLID[..., 0, :], SOLID[..., 0, 0, :]
Q = (np.arange(2 * 3 * 2) * 7 % 23 - 11.0).reshape(2, 3, 2) / 16
K = (np.arange(2 * 4 * 2) * 5 % 19 - 9.0).reshape(2, 4, 2) / 8
V = (np.arange(2 * 4 * 3) * 11 % 29 + 1.0).reshape(2, 4, 3) / 8
ADDED = (np.arange(12) * 5 % 7 - 3.0).reshape(3, 4) / 4
CHOICE = ADDED > -0.5
SLOTS = Slot(0), Slot(1), Slot(2)
X = (np.arange(24) * 5 % 23 - 11.0).reshape(4, 6) / 16
WEIGHT, BIAS = np.array([0.5, -1.25, 2.0]), np.array([3.0, -4.0, 6.0])
ROWS = X[:, :3]
IMAGES = X.reshape(2, 3, 4)
TRAINED = (Slot(0), None, None)  # in training, means and variances are the batch's own
MEAN, VARIANCE = np.array([0.25, -0.5, 0.125]), np.array([1.5, 0.75, 0.25])


def sixteenths(*shape: int) -> Array:
    """Make numbers that look irregular and add up exactly."""
    return (np.arange(np.prod(shape)) * 7 % 23 - 11.0).reshape(shape) / 16


def convolved(*operands: Array, **settings: Any) -> Example:
    return called(operands, *(Slot(i) for i in range(len(operands))), **settings)


CONV_SIGNAL, CONV_IMAGE, CONV_BIAS = sixteenths(2, 2, 5), sixteenths(2, 2, 4, 3), sixteenths(4)
CONV_SOLID = sixteenths(2, 2, 2, 3, 3)
TABLE = np.array([[0.25, -1.0, 3.0, 0.5], [2.0, 0.5, -0.75, 1.5]])
BAG_TABLE = np.array([[0.25, -1.0, 3.0], [2.0, 0.5, -0.75], [1.5, -0.5, 0.125], [0.75, 1.0, -2.0]])
PLACES = np.array([[1, 0, 1], [3, 3, 2]])
WEIGHTS = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]])
LINE, OFFSETS = np.array([1, 0, 3, 1, 2]), np.array([0, 2, 2, 5])
HALVES = np.array([[0.25, -1.0, 3.0, 0.5], [2.0, 0.5, -0.75, -20.0]])
GROUPS = (np.arange(2 * 4 * 3) * 7 % 23 - 11.0).reshape(2, 4, 3) / 16
GROUP_WEIGHT, GROUP_BIAS = np.array([0.5, -1.25, 2.0, 1.0]), np.array([0.125, -1.0, 0.5, 0.75])
# No blend of these cancels, so that each is held to its last digits.
SMALL_IMAGE = (np.arange(2 * 2 * 4 * 3) * 7 % 23 + 1.0).reshape(2, 2, 4, 3) / 16
BRIGHT = SMALL_IMAGE + 3  # some of a cubic's shares are negative
WIDE_IMAGE = (np.arange(2 * 2 * 4 * 5) * 7 % 23 - 11.0).reshape(2, 2, 4, 5) / 16
WIDE_SIGNAL, WIDE_SOLID = WIDE_IMAGE[..., 0, :], WIDE_IMAGE.reshape(1, 2, 4, 2, 5)
COLUMNS = (np.arange(2 * 8 * 12) * 7 % 23 - 11.0).reshape(2, 8, 12) / 16


def unfolded(
    x: Array, kernel: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Example:
    """Make an example of a call of `unfold` as it is recorded, with every setting."""
    return on(x, kernel, dilation=dilation, padding=padding, stride=stride)


DIRECTION = (np.arange(12) * 5 % 23 - 11.0).reshape(3, 4) / 16
LENGTH = np.array([[0.5], [-1.25], [2.0]])

LAYERS: dict[str, Examples] = {
    "adaptive_avg_pool1d": examples(on(SIGNAL, 1), on(SIGNAL, (3,)), on(SIGNAL[0], 4)),
    "adaptive_avg_pool2d": examples(on(IMAGE, 1), on(IMAGE, (3, 2)), on(IMAGE[0], (None, 4))),
    "adaptive_avg_pool3d": examples(on(SOLID, 1), on(SOLID, (3, 2, 4)), on(SOLID[0], (None, 2, 3))),
    "adaptive_max_pool1d": examples(
        on(SIGNAL, 3),
        on(np.round(SIGNAL), (2,)),  # with ties
        on(SIGNAL[0], 4),
        not_analytic="it has a corner wherever two are equal",
    ),
    "adaptive_max_pool2d": examples(
        on(IMAGE, 1),
        on(np.round(IMAGE), (3, 2)),  # with ties
        on(IMAGE[0], (None, 4)),
        not_analytic="it has a corner wherever two are equal",
    ),
    "adaptive_max_pool3d": examples(
        on(np.round(SOLID), 2),
        on(SOLID[0], (3, None, 2)),
        not_analytic="it has a corner wherever two are equal",
    ),
    "scaled_dot_product_attention": examples(
        called((Q, K, V), *SLOTS),
        called((Q[0], K[0], V[0]), *SLOTS, scale=0.25),
        called((Q, K, V), *SLOTS, is_causal=True),
        called((Q, K, V, ADDED), *SLOTS, attn_mask=Slot(3)),
        called((Q, K, V, ADDED[:, :1]), *SLOTS, attn_mask=Slot(3)),
        called((Q, K, V, CHOICE), *SLOTS, attn_mask=Slot(3)),
        called((Q[:, None], K[:, None], V[None, :]), *SLOTS, None, 0.0),
    ),
    "batch_norm": examples(
        called((ROWS, WEIGHT, BIAS), *TRAINED, weight=Slot(1), bias=Slot(2), training=True),
        called((IMAGES, WEIGHT), *TRAINED, Slot(1), None, True),
        called((ROWS,), *TRAINED, training=True, eps=0.125),
        called(
            (ROWS, MEAN, VARIANCE, WEIGHT, BIAS),
            *map(Slot, range(5)),
            fixed=(1, 2),
        ),
        called((IMAGES, MEAN, VARIANCE), *map(Slot, range(3)), fixed=(1, 2)),
    ),
    "conv1d": examples(
        convolved(CONV_SIGNAL, sixteenths(3, 2, 2), CONV_BIAS[:3]),
        convolved(CONV_SIGNAL[0], sixteenths(2, 1, 2), stride=2, padding=1, dilation=2, groups=2),
    ),
    "conv2d": examples(
        convolved(CONV_IMAGE, sixteenths(4, 2, 2, 3), CONV_BIAS),
        convolved(CONV_IMAGE, sixteenths(1, 2, 3, 3), stride=2, padding=(1,)),
        convolved(CONV_IMAGE, sixteenths(4, 1, 3, 1), CONV_BIAS, padding="same", groups=2),
        convolved(CONV_IMAGE[0], sixteenths(1, 2, 3, 2), padding="same", dilation=(1, 2)),
        convolved(CONV_IMAGE[0], sixteenths(2, 2, 2, 2), stride=(2, 1), padding=(1, 2), dilation=2),
    ),
    "conv3d": examples(
        convolved(CONV_SOLID, sixteenths(3, 2, 2, 2, 2), CONV_BIAS[:3]),
        convolved(
            CONV_SOLID,
            sixteenths(4, 1, 1, 2, 3),
            stride=(1, 2, 1),
            padding=(0, 1, 1),
            dilation=(1, 2, 1),
            groups=2,
        ),
        convolved(CONV_SOLID[0], sixteenths(1, 2, 1, 3, 1), padding="same"),
    ),
    "conv_transpose1d": examples(
        convolved(
            CONV_SIGNAL, sixteenths(2, 3, 3), CONV_BIAS[:3], stride=2, padding=1, output_padding=1
        )
    ),
    "conv_transpose2d": examples(
        convolved(CONV_IMAGE, sixteenths(2, 3, 2, 2), CONV_BIAS[:3]),
        convolved(CONV_IMAGE, sixteenths(2, 1, 3, 3), stride=2, padding=1, output_padding=1),
        convolved(
            CONV_IMAGE[0],
            sixteenths(2, 2, 2, 1),
            CONV_BIAS,
            stride=(1, 3),
            dilation=(2, 1),
            output_padding=(0, 2),
            groups=2,
        ),
    ),
    "conv_transpose3d": examples(
        convolved(CONV_SOLID, sixteenths(2, 2, 1, 2, 2), CONV_BIAS[:2]),
        convolved(
            CONV_SOLID[0],
            sixteenths(2, 1, 2, 1, 3),
            stride=(2, 1, 2),
            padding=(1, 0, 1),
            output_padding=(1, 0, 1),
            groups=2,
        ),
    ),
    "embedding": examples(called((TABLE, np.array([1, 0, 1])), Slot(1), Slot(0))),
    "embedding_bag": examples(
        called((BAG_TABLE, PLACES), Slot(1), Slot(0)),
        called((BAG_TABLE, PLACES), Slot(1), Slot(0), mode="sum", padding_idx=3),
        called(
            (BAG_TABLE, PLACES, WEIGHTS),
            Slot(1),
            Slot(0),
            mode="sum",
            per_sample_weights=Slot(2),
        ),
        called(
            (BAG_TABLE, LINE, OFFSETS),
            Slot(1),
            Slot(0),
            Slot(2),
            include_last_offset=True,
        ),
        called(
            (BAG_TABLE, LINE, OFFSETS, WEIGHTS.reshape(-1)[:5]),
            Slot(1),
            Slot(0),
            Slot(2),
            mode="sum",
            per_sample_weights=Slot(3),
        ),
    ),
    "glu": examples(Example((HALVES,), {"dim": -1}), Example((HALVES,), {"dim": 0})),
    "group_norm": examples(
        called(
            (GROUPS, GROUP_WEIGHT, GROUP_BIAS), Slot(0), 2, weight=Slot(1), bias=Slot(2), eps=1e-05
        ),
        called((GROUPS.reshape(2, 2, 2, 3), GROUP_WEIGHT[:2]), Slot(0), 1, Slot(1)),
        called((GROUPS, GROUP_WEIGHT, GROUP_BIAS), Slot(0), 4, Slot(1), Slot(2), 0.125),
        on(GROUPS.reshape(4, 6), 3),
    ),
    "instance_norm": examples(
        called((IMAGES, WEIGHT, BIAS), Slot(0), weight=Slot(1), bias=Slot(2)),
        on(IMAGES.reshape(2, 3, 2, 2), eps=0.125),
        called(
            (IMAGES, MEAN, VARIANCE, WEIGHT, BIAS),
            *map(Slot, range(5)),
            use_input_stats=False,
            fixed=(1, 2),
        ),
    ),
    "interpolate": examples(
        on(SMALL_IMAGE, scale_factor=2),
        on(SMALL_IMAGE, size=(7, 2)),
        on(SMALL_IMAGE[0], size=5),
        on(SMALL_IMAGE, scale_factor=(1.5, 0.7), recompute_scale_factor=True),
        on(SMALL_IMAGE, scale_factor=1.7, mode="nearest-exact"),
        on(SMALL_IMAGE[0], scale_factor=2, mode="linear"),
        on(SMALL_IMAGE[0], size=5, mode="linear", align_corners=True),
        on(SMALL_IMAGE, scale_factor=2, mode="bilinear"),
        on(SMALL_IMAGE, scale_factor=(1.5, 0.7), mode="bilinear", align_corners=True),
        on(SMALL_IMAGE, scale_factor=(1.7, 0.7), mode="bilinear"),
        on(SMALL_IMAGE, size=(1, 3), mode="bilinear", align_corners=True),
        on(SMALL_IMAGE[:, :1, None], size=(2, 3, 4), mode="trilinear"),
        on(BRIGHT, scale_factor=2, mode="bicubic"),
        on(BRIGHT, size=(7, 2), mode="bicubic", align_corners=True),
        on(BRIGHT, scale_factor=(1.6, 0.7), mode="bicubic"),
        on(BRIGHT[:, :, :1], size=(3, 5), mode="bicubic"),
    ),
    "layer_norm": examples(
        called((ROWS, WEIGHT, BIAS), Slot(0), (3,), weight=Slot(1), bias=Slot(2)),
        called((ROWS, WEIGHT), Slot(0), (3,), Slot(1), None, 0.125),
        on(IMAGES, (3, 4)),
        on(X[0], (6,)),
    ),
    "max_pool1d": examples(
        on(WIDE_SIGNAL, 2),
        on(np.round(WIDE_SIGNAL), 3, stride=1, padding=1),  # with ties
        on(WIDE_SIGNAL[0], (2,), stride=1, dilation=2),
        on(WIDE_SIGNAL, 2, ceil_mode=True),
        not_analytic="it has a corner wherever two are equal",
    ),
    "max_pool2d": examples(
        on(WIDE_IMAGE, 2),
        on(np.round(WIDE_IMAGE), (3, 2), stride=1, padding=1),  # with ties
        on(WIDE_IMAGE[0], 2, stride=(2, 1), dilation=(1, 2)),
        on(WIDE_IMAGE, 2, ceil_mode=True),
        not_analytic="it has a corner wherever two are equal",
    ),
    "max_pool3d": examples(
        on(WIDE_SOLID, 2),
        on(np.round(WIDE_SOLID), (3, 1, 2), stride=1, padding=(1, 0, 1)),  # with ties
        on(WIDE_SOLID[0], (2, 2, 1), stride=(2, 1, 3), dilation=(2, 1, 1), ceil_mode=True),
        not_analytic="it has a corner wherever two are equal",
    ),
    "avg_pool1d": examples(
        on(WIDE_SIGNAL, 2),
        on(WIDE_SIGNAL[0], (3,), stride=1, padding=1),
        on(WIDE_SIGNAL, 3, stride=2, padding=1, count_include_pad=False),
        on(WIDE_SIGNAL, 2, ceil_mode=True),
    ),
    "avg_pool2d": examples(
        on(WIDE_IMAGE, 2),
        on(WIDE_IMAGE[0], (3, 2), stride=(1, 2), padding=1),
        on(WIDE_IMAGE, 3, stride=2, padding=1, count_include_pad=False),
        on(WIDE_IMAGE, 3, stride=2, padding=1, ceil_mode=True),
        on(WIDE_IMAGE, 2, divisor_override=3),
    ),
    "avg_pool3d": examples(
        on(WIDE_SOLID, 2),
        on(WIDE_SOLID[0], (3, 2, 2), stride=(1, 2, 2), padding=1, ceil_mode=True),
        on(WIDE_SOLID, 2, stride=1, padding=1, count_include_pad=False),
        on(WIDE_SOLID, 2, divisor_override=3),
    ),
    "rms_norm": examples(
        called((X[:, :3], WEIGHT), Slot(0), (3,), weight=Slot(1), eps=1e-06),
        on(X.reshape(2, 3, 4), (3, 4), None, 0.125),
        on(X[0], (6,)),
    ),
    "unfold": examples(
        unfolded(WIDE_IMAGE, 2),
        unfolded(WIDE_IMAGE[0], (3, 2), padding=(1, 0), stride=2),
        unfolded(WIDE_IMAGE, 2, dilation=(2, 1), padding=1, stride=(1, 3)),
    ),
    "fold": examples(
        on(COLUMNS, (4, 5), 2),
        on(COLUMNS[0], (3, 4), (2, 2), padding=(1, 0)),
        on(COLUMNS, (7, 5), 2, stride=2, padding=1),
    ),
    "weight_norm": examples(
        called((DIRECTION, LENGTH), Slot(0), Slot(1), 0),
        called((DIRECTION.reshape(3, 2, 2), LENGTH[:2].reshape(1, 2, 1)), Slot(0), Slot(1), 1),
        called((DIRECTION, np.array(1.5)), Slot(0), Slot(1), -1),
    ),
}
