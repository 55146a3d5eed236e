"""Questions that the page itself answers: a number, a choice or an order, checked at once.

A question is declared once (hpss_lib/chapters/questions) and shown in a notebook as on the page.
What static/questions.js needs to judge an answer travels in one attribute, encoded, so that nobody
reads the solution before having tried. Progress stays in the reader's browser.
"""

import base64
import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hpss_lib.views import output

KINDS = ("predict", "compute", "explain", "extend")


@dataclass(frozen=True)
class Number:
    """A number, or several, each in a box of its own.

    Attributes
    ----------
    values
        What is right, by the label of its box; one box may go without a label ("").
    unit
        Stands behind each box; what is typed must not repeat it.
    tolerance
        Of the value; half a unit of the last digit that the question asks for.
    mistakes
        Usual wrong values of the first box, each with what to say to it. Sign, factors of two and
        powers of ten, the inverse, swapped values and too few digits are known without.
    """

    values: Mapping[str, float]
    tolerance: float
    unit: str = ""
    mistakes: Mapping[float, str] = field(default_factory=dict)

    def __post_init__(self):
        if not self.values or not all(math.isfinite(v) for v in self.values.values()):
            raise ValueError(f"values must be finite numbers, not {dict(self.values)}")
        if not self.tolerance > 0:
            raise ValueError(f"tolerance is {self.tolerance}; it must be above 0")
        first = next(iter(self.values.values()))
        for wrong in self.mistakes:
            if abs(wrong - first) <= self.tolerance:
                raise ValueError(f"the mistake {wrong} is within the tolerance of {first}")
        told = sorted(self.mistakes)
        if any(
            b - a <= self.tolerance and self.mistakes[a] != self.mistakes[b]
            for a, b in itertools.pairwise(told)
        ):
            raise ValueError(f"of the mistakes {told} two cannot be told apart")


@dataclass(frozen=True)
class Choice:
    """One of several sentences.

    Attributes
    ----------
    options
        Each sentence, and what to say to who chooses it: why it is right or wrong.
    right
        The number of the right one, from 0.
    """

    options: Mapping[str, str]
    right: int

    def __post_init__(self):
        if not 0 <= self.right < len(self.options) or len(self.options) < 2:
            raise ValueError(f"right is {self.right} of {len(self.options)} options")


@dataclass(frozen=True)
class Order:
    """Things to be put in order.

    Attributes
    ----------
    items
        As they belong, at least three.
    by
        From what to what, such as "From the first step to the last".
    """

    items: Sequence[str]
    by: str

    def __post_init__(self):
        if len(set(self.items)) != len(self.items) or len(self.items) < 3:
            raise ValueError(f"an order needs three or more different items, not {self.items}")


@dataclass(frozen=True)
class Question:
    """A question with its answer.

    Attributes
    ----------
    name
        Letters, digits and hyphens, unique in the book.
    kind
        One of KINDS: "predict" before it is shown, "compute" a number, "explain" why, "extend" to
        what the chapter did not say.
    text, solution
        Prose; may hold $math$, `code` and *emphasis*.
    answer
        A Number, Choice or Order.
    hints
        The first says where to look, the second how to go on.
    """

    name: str
    kind: str
    text: str
    answer: Number | Choice | Order
    solution: str
    hints: tuple[str, str]

    def __post_init__(self):
        output.identifier(self.name)
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}; accepted are {', '.join(KINDS)}")


def ask(questions: Sequence[Question], *, first: int = 1) -> None:
    """Show questions, numbered from `first`."""
    markup = "".join(question_html(q, k) for k, q in enumerate(questions, start=first))
    text = "\n".join(f"[Question {k}: {q.text}]" for k, q in enumerate(questions, start=first))
    output.emit(markup, text, "questions")


def question_html(question: Question, number: int | str) -> str:
    """One question as HTML, with its number or another title."""
    title = f"Question {number}" if isinstance(number, int) else output.escape(number)
    # Several of one title are no landmarks of a page, whose names tell them apart.
    role = "" if isinstance(number, int) else ' role="group"'
    anchor = f"question-{question.name}"
    fields = {Number: _boxes, Choice: _options, Order: _list}[type(question.answer)]
    buttons = "".join(
        f'<button type="{"submit" if key == "check" else "button"}" data-action="{key}">'
        f"{shown}</button>"
        for key, shown in (("check", "Check"), ("hint", "Hint"), ("solution", "Solution"))
    )
    return (
        f'<section{role} class="hpss hpss-control hpss-ask" id="{anchor}" data-hpss="question" '
        f'data-answer="{_sealed(question)}" aria-labelledby="{anchor}-title" '
        'data-lm-suppress-shortcuts="true">'
        f'<p class="hpss-title" id="{anchor}-title">{title} '
        f'<span class="hpss-ask-kind">{question.kind}</span> '
        '<span class="hpss-ask-done" data-part="done" hidden>✓ answered</span></p>'
        f'<p class="hpss-ask-text" id="{anchor}-text">{output.inline(question.text)}</p>'
        f'<form autocomplete="off" novalidate>{fields(question.answer, anchor)}'
        f'<div class="hpss-ask-row hpss-js-only">{buttons}</div></form>'
        '<div class="hpss-ask-said" role="status" aria-live="polite" data-part="said"></div>'
        '<p class="hpss-note hpss-no-js">Without JavaScript the page cannot check an answer.</p>'
        "</section>"
    )


def _boxes(answer: Number, anchor: str) -> str:
    unit = f" <span>{output.escape(answer.unit)}</span>" if answer.unit else ""
    return '<div class="hpss-ask-row">' + "".join(
        f"<label>{output.inline(label or 'Your answer')} "
        f'<input type="text" inputmode="decimal" size="9"{_name(label)} '
        f'aria-describedby="{anchor}-text">{unit}'
        "</label>"
        for label in answer.values
    ) + "</div>"  # fmt: skip


def _name(label: str) -> str:
    """The name of a box whose label is mathematics, which names nothing once it is drawn."""
    plain = re.sub(r"[$\\{}]", "", label)
    return f' aria-label="{output.escape(plain)}"' if plain != label else ""


def _options(answer: Choice, anchor: str) -> str:
    return f'<fieldset aria-describedby="{anchor}-text"><legend class="hpss-hidden">Choose one' \
        "</legend>" + "".join(
        f'<label><input type="radio" name="{anchor}" value="{k}"> {output.inline(text)}</label>'
        for k, text in enumerate(answer.options)
    ) + "</fieldset>"  # fmt: skip


def _list(answer: Order, anchor: str) -> str:
    shown = _shuffled(answer.items, anchor)
    moves = "".join(
        f'<button type="button" class="hpss-js-only" data-move="{step}" '
        f'aria-label="Move {{item}} {word}">{arrow}</button>'
        for step, word, arrow in ((-1, "up", "↑"), (1, "down", "↓"))
    )
    rows = "".join(
        f'<li data-item="{answer.items.index(item)}"><span>{output.inline(item)}</span>'
        f"{moves.replace('{item}', output.escape(item))}</li>"
        for item in shown
    )
    return f'<p class="hpss-note">{output.inline(answer.by)}</p><ol>{rows}</ol>'


def _shuffled(items: Sequence[str], seed: str) -> list[str]:
    """The items in another order than theirs, always the same one."""
    shown = sorted(items, key=lambda item: base64.b64encode((seed + item).encode())[::-1])
    return shown if shown != [*items] else [*shown[1:], shown[0]]


def _sealed(question: Question) -> str:
    """What the script needs to judge and to explain: JSON as base64."""
    answer = question.answer
    facts: dict = {
        "hints": [output.inline(hint) for hint in question.hints],
        "solution": output.inline(question.solution),
    }
    if isinstance(answer, Number):
        facts |= {
            "values": list(answer.values.values()),
            "tolerance": answer.tolerance,
            "unit": answer.unit,
            "mistakes": [[wrong, output.inline(why)] for wrong, why in answer.mistakes.items()],
        }
    elif isinstance(answer, Choice):
        facts |= {
            "right": answer.right,
            "why": [output.inline(why) for why in answer.options.values()],
        }
    else:
        facts |= {"order": len(answer.items)}
    return base64.b64encode(json.dumps(facts).encode()).decode("ascii")
