"""The exercises of chapter 6."""

import numpy as np
import torch

from hpss_lib import madtwinnet, training
from hpss_lib.views.exercises import Exercise, agreement
from hpss_lib.views.questions import Choice, Number, Question

_PLAN = training.COMPACT_PLAN
_HALF = (_PLAN.warm_up + _PLAN.steps) / 2


def _is_twin_loss(distance) -> bool | str:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(2, 3, 5, generator=generator).requires_grad_() for _ in range(2))
    loss = distance(a, b)
    if not isinstance(loss, torch.Tensor):
        return "A tensor is asked for: through anything else no gradient flows at all."
    difference = a - b
    for wrong, words in (
        (difference.square().sum(-1).mean(), "That is the mean of the squared distances."),
        (difference.square().sum().sqrt(), "That is one distance of all, not a mean of many."),
        (difference.square().mean(-1).sqrt().mean(), "A norm sums, and does not average."),
        (difference.abs().sum(-1).mean(), "That is the city-block distance."),
    ):
        if loss.shape == wrong.shape and torch.isclose(loss, wrong):
            return words
    found = agreement(loss, madtwinnet.twin_loss(a, b).detach().numpy(), tolerance=1e-5, show=True)
    if found is not True:
        return found
    if not loss.requires_grad:
        return "No gradient flows at all: the forward decoder would learn nothing."
    loss.backward()
    if b.grad is not None:
        return "The value is right, and a gradient flows into h_twin, which must not move."
    return a.grad is not None or "No gradient flows into mapped, which is to move."


def _stops_in_time(choose) -> bool | str:
    for scores, wait, right in (
        ([1.0, 2.0, 3.0], 2, 2),
        ([1.0, 4.0, 3.0, 2.0, 9.0], 2, 1),
        ([1.0, 4.0, 3.0, 5.0, 4.0, 4.5, 9.0], 2, 3),
        ([2.0, 2.0, 2.0, 3.0], 3, 3),
    ):
        got = choose(list(scores), wait)
        if got == right:
            continue
        about = f"Scores {scores}, wait {wait}: the answer is {right}."
        if got == int(np.argmax(scores)):
            return f"It looked at scores that were never reached. {about}"
        if np.isscalar(got) and got in scores and got not in range(len(scores)):
            return f"An index is asked for, not a score. {about}"
        return f"{about}"
    return True


half_rate = Exercise(
    "half-rate",
    "compute",
    Number(
        {"": _HALF},
        10,
        "",
        {
            _PLAN.steps / 2: "The cosine begins after the warm-up.",
            (_PLAN.steps - _PLAN.warm_up) / 2: "Counted from the end of the warm-up; the steps of "
            "the warm-up count as well.",
            _PLAN.steps * 2 / 3: "A cosine falls to half of its height halfway.",
            _PLAN.warm_up / 2: "There the rate is still on its way up.",
        },
    ),
    (
        "Where is a cosine at its middle?",
        "When half of the steps AFTER the warm-up are done.",
    ),
)
twin_distance = Exercise(
    "twin-distance",
    "explain",
    _is_twin_loss,
    (
        "The norm over the last axis, not squared, then the mean.",
        "And detach() the one that must not move.",
    ),
    Question(
        "idea-twin-distance",
        "compute",
        "Two frames, two units: $\\mathrm{mapped} - h_{\\mathrm{twin}}$ is $(3, 4)$ in the first "
        "and $(0, 1)$ in the second. How large is the twin's loss?",
        Number(
            {"": 3.0},
            0.001,
            "",
            {
                13.0: "That is the mean of the squared distances.",
                6.0: "That is their sum.",
                4.0: "Absolute differences are no Euclidean distance.",
                np.sqrt(26): "That is one distance of all.",
            },
        ),
        "The distances are 5 and 1, and their mean is 3.",
        ("How long is each of the two arrows?", "The mean of the lengths, not of the squares."),
    ),
)
early_stopping = Exercise(
    "early-stopping",
    "extend",
    _stops_in_time,
    (
        "Go through the scores one by one, with the best so far and its index.",
        "As soon as the last `wait` scores have brought no new best, nothing behind them is seen.",
    ),
    Question(
        "idea-early-stopping",
        "predict",
        "Songs held back score 1, 4, 3, 2, 9 dB after each thousand steps, and you stop when two "
        "scores in a row bring no new best. Which weights do you keep?",
        Choice(
            {
                "Those of 4 dB": "3 and 2 dB bring no new best, and you stop: 9 dB is never seen.",
                "Those of 9 dB": "To see them you would have had to train on.",
                "Those of 2 dB": "They are the last, and not the best.",
            },
            0,
        ),
        "The price of stopping early is that you never know what would have come.",
        ("When do you stop?", "Of what you have seen by then, what was best?"),
    ),
)

EXERCISES = (half_rate, twin_distance, early_stopping)
