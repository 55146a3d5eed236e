"""The questions of the bridge before chapter 5."""

from hpss_lib.views.questions import Choice, Number, Order, Question

QUESTIONS = (
    Question(
        "weight-zero",
        "predict",
        "With $w = 0$ and $b = 0$, what is the mask of a bin in which a drum is 40 dB above all "
        "else?",
        Number({"": 0.5}, 0.001, "", {1.0: "That would need a weight that lets the witnesses in."}),
        "$\\sigma(0) = 1/2$, in every bin: with the weight zero, nobody listens to the witnesses.",
        ("What is $w q + b$, whatever $q$ is?", "$\\sigma(a) = 1 / (1 + e^{-a})$."),
    ),
    Question(
        "weight-ratio",
        "compute",
        "In a bin $P = 3H$. What is the mask at $w = 2$, $b = 0$?",
        Number({"": 0.9}, 0.005, "", {0.75: "That is the mask at $w = 1$."}),
        "$1 / (1 + (H/P)^2) = 1 / (1 + 1/9) = 0.9$.",
        ("Write the sigmoid of $2 \\log 3$ with powers of 3.", "$e^{-2 \\log 3} = 1/9$."),
    ),
    Question(
        "weight-step",
        "compute",
        "The weight is 1, the derivative of the loss there is $-0.2$, the learning rate 0.5. Where "
        "does one step lead?",
        Number(
            {"": 1.1},
            0.001,
            "",
            {
                0.9: "That is uphill: the loss falls to the right, where its slope is negative.",
                1.2: "The step is the learning rate times the slope.",
            },
        ),
        "$1 - 0.5 \\cdot (-0.2) = 1.1$.",
        ("Against the gradient.", "Minus times minus."),
    ),
    Question(
        "weight-loop",
        "explain",
        "Put one step of learning into its order.",
        Order(
            (
                "make a mask with the present numbers",
                "compare mask times mixture with the true drums: the loss",
                "follow the chain back: a derivative for each number",
                "move each number against its derivative",
            ),
            "From the first to the last",
        ),
        "Forward, loss, backward, step. `zero_grad` may stand anywhere between two steps, as long "
        "as it is before `backward`.",
        ("What must be known before there is a loss?", "What must be known before a step?"),
    ),
    Question(
        "weight-layer",
        "compute",
        "A linear layer takes 3 numbers to 2. How many numbers are there in it to be learned?",
        Number(
            {"": 8.0},
            0.5,
            "",
            {6.0: "The matrix has 6; there are biases, too.", 5.0: "Each output sees each input."},
        ),
        "A matrix of 2 times 3, and 2 biases.",
        ("Each output is a sum over all inputs, and something more.", "Matrix and biases."),
    ),
    Question(
        "weight-overfit",
        "extend",
        "The loss on what is learned from falls on and on. The loss on a song held back falls, "
        "and then rises. What would you ship?",
        Choice(
            {
                "The numbers after the last step: their loss is the smallest.": "On what they "
                "were learned from, which nobody needs to have separated.",
                "The numbers where the loss held back was smallest.": "That is early stopping; "
                "chapter 6 does it. And the score to be believed then comes from a third set of "
                "songs, since the second has chosen.",
                "The numbers of the first step: they have overfitted least.": "They have learned "
                "nothing, either.",
            },
            1,
        ),
        "What is asked for is the error on songs nobody has seen; what is held back stands in for "
        "them.",
        ("On which songs will it be used?", "Which of the two curves speaks of those?"),
    ),
)
