"""The exercises of chapter 5."""

import numpy as np

from hpss_lib.madtwinnet import COMPACT
from hpss_lib.views.exercises import Exercise, agreement
from hpss_lib.views.questions import Number, Order, Question

_N = 372  # the compact encoder's inputs, and its units in each direction
assert _N == COMPACT.low_bins


def _is_best_constant(best) -> bool | str:
    rng = np.random.default_rng(5)
    V = rng.random((6, 9)) + 0.1
    y = V * rng.random((6, 9))
    got = best(y, V)
    if np.isscalar(got) and np.isclose(got, np.sum(y * V) / np.sum(V**2)):
        return "That is the best of the squared error."
    if np.isscalar(got) and np.isclose(got, np.mean(y / V)):
        return "A mean of quotients gives a bin of silence as much say as the loudest."
    return agreement(got, np.sum(y) / np.sum(V), tolerance=1e-6, show=True)


def _is_skip_filtering(step) -> bool | str:
    rng = np.random.default_rng(0)
    h, W, b, v = (
        rng.standard_normal(744),
        rng.standard_normal((1025, 744)),
        rng.standard_normal(1025),
        rng.random(1025),
    )
    got, linear = step(h, W, b, v), W @ h + b
    for wrong, words in (
        (linear * v, "Some are below 0: the ReLU is missing."),
        (np.maximum(linear * v, 0) / v, "That is the mask: the mixture is missing."),
        (np.maximum(linear, 0) + v, "A mask multiplies."),
        (np.maximum(W @ h, 0) * v, "The biases are missing."),
    ):
        if np.shape(got) == v.shape and np.allclose(got, wrong):
            return words
    return agreement(got, np.maximum(linear, 0) * v, tolerance=1e-6)


encoder_size = Exercise(
    "encoder-size",
    "compute",
    Number(
        {"": 2 * 3 * (2 * _N * _N + 2 * _N)},
        0.5,
        "",
        {
            3 * (2 * _N * _N + 2 * _N): "That is one direction.",
            6 * _N * _N: "Each gate has two matrices, and biases.",
            2 * 3 * 2 * _N * _N: "The biases are missing.",
            2 * 3 * (2 * _N * _N + _N): "Each gate has two biases, one beside each matrix.",
            2 * 4 * (2 * _N * _N + 2 * _N): "Four gates has an LSTM.",
        },
    ),
    (
        "Three gates, r, z and n; each has a matrix for x, one for h, and two biases.",
        "Two directions.",
    ),
)
best_constant = Exercise(
    "best-constant",
    "explain",
    _is_best_constant,
    (
        "Set the derivative of sum(y log(y / (g V)) + g V - y) with respect to g to zero.",
        "It is -sum(y) / g + sum(V).",
    ),
    Question(
        "idea-best-constant",
        "compute",
        "Two bins: $V = (1, 3)$ and $y = (1, 1)$. Which $g$ has the smallest Kullback-Leibler "
        "loss for $gV$? One digit after the point.",
        Number(
            {"": 0.5},
            0.01,
            "",
            {
                0.4: "That is the best of the squared error, $\\sum yV / \\sum V^2$.",
                2 / 3: "That is the mean of the quotients.",
            },
        ),
        "$\\sum y / \\sum V = 2 / 4$: the estimate is right in total.",
        ("What must the sum of $gV$ be?", "The derivative is $-\\sum y / g + \\sum V$."),
    ),
)
mask_layer = Exercise(
    "mask-layer",
    "extend",
    _is_skip_filtering,
    (
        "A linear layer, W h + b, and what comes behind it.",
        "A ReLU, which sets what is negative to zero; then times the mixture.",
    ),
    Question(
        "idea-mask-layer",
        "explain",
        "Put the network's last step before the denoiser in order.",
        Order(
            (
                "multiply the decoder's state by the weights",
                "add the biases",
                "set what is negative to zero",
                "multiply by the mixture's magnitudes",
            ),
            "From the decoder's state to the estimate",
        ),
        "A linear layer, a ReLU, and the skip: the mixture comes in at the very end.",
        ("What is a linear layer?", "The mask is finished before it meets the mixture."),
    ),
)
EXERCISES = (encoder_size, best_constant, mask_layer)
