"""The questions of chapter 6."""

from hpss_lib.training import PAPER_PLAN
from hpss_lib.views.questions import Choice, Number, Order, Question

QUESTIONS = (
    Question(
        "twin-at-work",
        "predict",
        "What does the twin cost when the trained network separates a song?",
        Choice(
            {
                "Twice the time": "It is not run any more.",
                "Nothing": "It is thrown away after training: all that it did was to shape the "
                "decoder's states.",
                "Memory only": "Its weights are not even in the file.",
            },
            1,
        ),
        "The twin is a teacher, not a part.",
        ("Which network writes the file of weights?", "Look at what `MaDTwinNet` consists of."),
    ),
    Question(
        "no-gradient",
        "explain",
        "Why does no gradient flow from the twin's loss into the twin's own states?",
        Choice(
            {
                "To save time": "It would cost little.",
                "Both could agree on states that mean nothing.": "The shortest way to a small "
                "distance would be for both to become constant. A target must not move.",
                "The twin has no weights.": "It has its own GRU and its own mask layer.",
            },
            1,
        ),
        "The forward decoder is to become like the twin, not both like each other.",
        (
            "How could two networks make their distance zero without learning anything?",
            "Think of two archers of whom one paints the target.",
        ),
    ),
    Question(
        "passes",
        "compute",
        "The paper's plan has 280,000 steps of 16 sequences. How many sequences is that, in "
        "millions? Two digits after the point.",
        Number({"": PAPER_PLAN.steps * PAPER_PLAN.batch / 1e6}, 0.006, "million"),
        "$280000 \\cdot 16 = 4.48$ million.",
        ("Steps times batch.", "Divide by a million."),
    ),
    Question(
        "leak",
        "explain",
        "A network scores 9 dB on songs it was trained on and 4 dB on songs held back. What is the "
        "first thing to try?",
        Choice(
            {
                "More steps": "They would widen the gap: it knows its lessons by heart already.",
                "More, and more different, lessons": "The gap is what it has learnt of these songs "
                "and of no others.",
                "A smaller learning rate": "It helps to settle, not to generalise.",
            },
            1,
        ),
        "The distance between the two curves is what more data, or augmentation, can bring down.",
        (
            "What does the network know of songs that it was trained on?",
            "Which of the three adds something it has not seen?",
        ),
    ),
    Question(
        "clip-the-norm",
        "compute",
        "A gradient has the norm 4; the plan clips at 0.5. By what factor is every component "
        "multiplied?",
        Number(
            {"": 0.125},
            0.0006,
            "",
            {0.5: "That is the norm afterwards.", 8.0: "It is made smaller, not larger."},
        ),
        "$0.5 / 4 = 0.125$: the direction stays, the length becomes 0.5.",
        ("What stays the same, and what is bounded?", "New norm over old norm."),
    ),
    Question(
        "one-step",
        "explain",
        "Put what happens in one step of training in order.",
        Order(
            (
                "draw songs and mix them",
                "magnitudes of mixture and source",
                "forward pass",
                "losses",
                "backward pass",
                "clip the gradient",
                "change the weights",
            ),
            "From the first to the last",
        ),
        "Lessons first; the losses need the forward pass, the gradient the losses, and the weights "
        "change last.",
        ("What does the loss need?", "The gradient is clipped before it is used."),
    ),
)
