"""The controls of chapter 8, PU-iter, and the tables of its experiment."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import numpy as np

from hpss_lib import puiter
from hpss_lib.audio import SOURCES
from hpss_lib.chapters.pieces import piece
from hpss_lib.subtraction import apply_phase
from hpss_lib.views import plot
from hpss_lib.views.controls import Choice, Control, Slider, View
from hpss_lib.workers import elsewhere

SECONDS = 2.5  # of the excerpts in the controls
Pair = tuple[float, float]  # percussive, harmonic


def relative_error(S_p: np.ndarray, S_h: np.ndarray, X: np.ndarray) -> float:
    """The energy of the mixing error in dB of the mixture's, at least -120."""
    E = np.sum(np.abs(puiter.mixing_error(X, np.stack([S_p, S_h]))) ** 2, dtype=float)
    return float(10 * np.log10(max(E / np.sum(np.abs(X) ** 2, dtype=float), 1e-12)))


def by_network(V: np.ndarray) -> np.ndarray:
    """The percussive magnitudes (F, T) that the shipped network finds in V (F, T).

    Elsewhere, so that this chapter's loops and torch are not in one process.
    """
    return elsewhere(_by_network, V)


def _by_network(V: np.ndarray) -> np.ndarray:
    from hpss_lib.madtwinnet import estimate, load_model

    return estimate(load_model(), V)


# ------------------------------------------------------------------------------------- iterations

ITERATIONS = (0, 1, 2, 5, 10, 20, 50, 500)


@lru_cache(maxsize=8)
def after(iterations: int) -> tuple[float, Pair, np.ndarray, np.ndarray]:
    """Error (dB), SDRs (dB) and signals after so many iterations with the true magnitudes."""
    t = piece("jazz", SECONDS)
    S = puiter.pu_iter(t.X, (t.V_p, t.V_h), t.settings, iterations=iterations)
    s_p, s_h = map(t.signal, S)
    return relative_error(S[0], S[1], t.X), t.scores(s_p, s_h), s_p, s_h


@lru_cache(maxsize=1)
def limits() -> tuple[Pair, Pair, float]:
    """SDRs (dB) with the mixture's phase and in closed form, and the latter's error (dB)."""
    t = piece("jazz", SECONDS)
    S = puiter.pu(t.X, t.V_p, t.V_h, t.settings)
    mixture = t.scores(t.with_phase(t.V_p), t.with_phase(t.V_h))
    return mixture, t.scores(*map(t.signal, S)), relative_error(*S, t.X)


def iterations_view(iterations: float) -> View:
    """Mixing error and SDR after so many iterations, against the closed form."""
    iterations = round(iterations)
    error, now, s_p, s_h = after(iterations)
    (mix_p, mix_h), (end_p, end_h), end_error = limits()
    places = np.arcsinh(np.array(ITERATIONS) / 0.8)  # nearly logarithmic, and holds 0
    here = np.arcsinh(iterations / 0.8)
    fig, (left, right) = plot.figure(1, 2, height=2.9)
    with plot.style():
        grey = plot.kind_colour("mixture")
        left.plot(places, [after(n)[0] for n in ITERATIONS], color=grey)
        left.plot([here], [error], "o", color=grey, markersize=8)
        left.axhline(end_error, color=grey, linestyle=":", linewidth=1.2)
        left.set_title("mixing error (dB of the mixture)")
        for j, (kind, end) in enumerate((("percussive", end_p), ("harmonic", end_h))):
            ink = plot.kind_colour(kind)
            right.plot(places, [after(n)[1][j] for n in ITERATIONS], color=ink, label=kind)
            right.plot([here], [now[j]], "o", color=ink, markersize=8)
            right.axhline(end, color=ink, linestyle=":", linewidth=1.2)
        right.set_title("SDR (dB); dotted: closed form")
        right.legend(loc="lower right")
        shown = (0, 1, 5, 20, 50, 500)
        for ax in (left, right):
            ax.set_xticks(np.arcsinh(np.array(shown) / 0.8), [str(n) for n in shown])
            ax.set(xlabel="iterations")
    text = (
        f"{iterations} iterations: mixing error {error:.1f} dB, SDR {now[0]:.1f} dB percussive and "
        f"{now[1]:.1f} dB harmonic (mixture's phase {mix_p:.1f} and {mix_h:.1f}, closed form "
        f"{end_p:.1f} and {end_h:.1f})."
    )
    sounds = {"percussive": s_p, "harmonic": s_h, "true percussive": piece("jazz", SECONDS).x_p}
    return View(fig, sounds, text.replace(" -", " −"))


iterations_control = Control(
    name="ch8-iterations",
    title="How many iterations?",
    parameters=(Slider("iterations", "Iterations", values=ITERATIONS, live=(0, 500, 1)),),
    start={"iterations": 50},
    view=iterations_view,
    caption=(
        "The first seconds of the jazz trio with the true magnitudes, in the compact setting. "
        "Left: the energy that the two sources leave of the mixture, or add to it. Right: how good "
        "they are. The dotted lines are the closed form's."
    ),
    question=(
        "From 50 iterations to 500: which of the two pictures would tell you to go on? Why is the "
        "score poor with no iteration at all, and for which source?"
    ),
    answer=(
        "The mixing error, which still falls by 6 dB; the score of the harmonic part moves by "
        "half a decibel only, that of the percussive part by more than one. With no iteration "
        "the harmonic source has the predicted phases alone, which know nothing of the mixture "
        "(0.3 dB); the percussive one starts at the mixture's phase and is as good as that."
    ),
)


# ------------------------------------------------------------------------- errors of the magnitudes

NOISE_DB = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
EXCERPTS = {"jazz trio": "jazz", "rock band": "rock"}


@lru_cache(maxsize=8)
def spoilt(name: str, level_db: float) -> dict[str, tuple[Pair, np.ndarray]]:
    """SDRs, percussive and harmonic, and the harmonic signal, by method, at an error in dB."""
    t = piece(name, SECONDS)
    rng = np.random.default_rng(8)
    V_p, V_h = (
        (V * 10 ** (level_db * rng.standard_normal(V.shape, dtype=np.float32) / 20)).astype("f4")
        for V in (t.V_p, t.V_h)
    )
    G_p, G_h = puiter.mixing_weights(np.stack([V_p, V_h]))
    methods = {
        "mixture": (apply_phase(V_p, t.X), apply_phase(V_h, t.X)),
        "wiener": (G_p * t.X, G_h * t.X),
        "recovered": puiter.pu(t.X, V_p, V_h, t.settings),
    }
    found = {}
    for method, S in methods.items():
        s_p, s_h = map(t.signal, S)
        found[method] = t.scores(s_p, s_h), s_h
    return found


def noise_view(level_db: float, excerpt: str) -> View:
    """What phase recovery gains when every magnitude is wrong by chance."""
    fig, axes = plot.figure(1, 2, height=2.9, sharey=True)
    curve = [spoilt(excerpt, level) for level in NOISE_DB]
    now = spoilt(excerpt, level_db)
    rivals = {"mixture": "the mixture's phase", "wiener": "Wiener gains"}
    with plot.style():
        for ax, (rival, title) in zip(axes, rivals.items(), strict=True):
            for j, kind in enumerate(SOURCES):
                ink = plot.kind_colour(kind)
                ax.plot(
                    NOISE_DB,
                    [c["recovered"][0][j] - c[rival][0][j] for c in curve],
                    color=ink,
                    label=kind,
                )
                gain = now["recovered"][0][j] - now[rival][0][j]
                ax.plot([level_db], [gain], "o", color=ink, markersize=8, clip_on=False)
            ax.axhline(0, color="#8b919c", linewidth=0.8, linestyle=":")
            ax.set(xlim=(-0.3, 12.3), ylim=(-8, 8), xlabel="random error of the magnitudes (dB)")
            ax.set_title(f"gain over {title} (dB)")
        axes[0].legend(loc="lower left")
    p, h = ([now[method][0][j] for method in ("recovered", "mixture", "wiener")] for j in range(2))
    text = (
        f"Magnitudes off by {level_db:g} dB. Harmonic: recovered phase {h[0]:.1f} dB, mixture's "
        f"phase {h[1]:.1f} dB, Wiener gains {h[2]:.1f} dB. Percussive: {p[0]:.1f}, {p[1]:.1f} and "
        f"{p[2]:.1f} dB."
    )
    sounds = {
        "harmonic, recovered": now["recovered"][1],
        "harmonic, mixture's": now["mixture"][1],
        "harmonic, Wiener": now["wiener"][1],
        "true harmonic": piece(excerpt, SECONDS).x_h,
    }
    return View(fig, sounds, text.replace(" -", " −"))


noise_control = Control(
    name="ch8-noise",
    title="How good must the magnitudes be?",
    parameters=(
        Slider("level_db", "Error", values=NOISE_DB, unit="dB", live=(0.0, 12.0, 0.25)),
        Choice("excerpt", "Excerpt", options=EXCERPTS),
    ),
    start={"level_db": 2.0, "excerpt": "jazz"},
    view=noise_view,
    caption=(
        "The true magnitudes of both sources, each value multiplied by a random factor (normally "
        "distributed in decibels, with the given standard deviation). The curves show what the "
        "closed form gains over two rivals that are given the same magnitudes: the mixture's "
        "phase, and the gains $G_j X$. Below −8 dB they leave the picture."
    ),
    question=(
        "From which error on is it better to use bad magnitudes as weights than to insist on them? "
        "Does the left picture alone tell you?"
    ),
    answer=(
        "From about 2 dB on, a little earlier or later by excerpt and source. The left picture, "
        "the gain over the mixture's phase, does not tell: it hardly falls below zero to the "
        "very end. Only beside the Wiener gains can one see that the magnitudes were better "
        "used as weights."
    ),
)


# ------------------------------------------------------------------------------- the experiment

Rows = list[dict[str, str]]


def read(path: str | Path) -> Rows:
    """The rows of a file that tools/phase_experiment.py has written."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def gains(rows: Rows, *, over: str = "mixture", **wanted: str) -> dict[str, dict[str, np.ndarray]]:
    """What each phase method gains over another one: phase -> source -> (songs,) in dB of SDR.

    over: the other one. wanted: columns and the values that a row must have, such as setting="1".
    """
    rows = [r for r in rows if all(r[key] == value for key, value in wanted.items())]
    base = {_piece(r): float(r["sdr"]) for r in rows if r["phase"] == over}
    found: dict[str, dict[str, list[float]]] = {}
    for r in rows:
        if _piece(r) in base and r["sdr"]:
            lists = found.setdefault(r["phase"], {source: [] for source in SOURCES})
            lists[r["source"]].append(float(r["sdr"]) - base[_piece(r)])
    return {phase: {s: np.array(v) for s, v in lists.items()} for phase, lists in found.items()}


def _piece(row: dict[str, str]) -> tuple[str, ...]:
    """What two phase methods have in common where they are compared."""
    return tuple(
        row[key] for key in ("data", "song", "setting", "magnitudes", "level", "source", "weights")
    )


def medians(rows: Rows, column: str, **wanted: str) -> Pair:
    """The medians of a column over the songs, percussive and harmonic; NaN where it is empty."""
    result = []
    for source in SOURCES:
        values = [
            float(r[column])
            for r in rows
            if r["source"] == source
            and r[column]
            and all(r[key] == value for key, value in wanted.items())
        ]
        result.append(float(np.median(values)) if values else np.nan)
    return result[0], result[1]


def in_order(rows: Rows, column: str) -> list[str]:
    """The different values of a column, in the order in which they first stand."""
    return list(dict.fromkeys(r[column] for r in rows))


def curve(
    rows: Rows, phase: str, source: str, *, over: str = "mixture", **wanted: str
) -> tuple[np.ndarray, np.ndarray]:
    """Median quality of the magnitudes (dB) and median gain (dB), one point a level, best first.

    The true magnitudes, of infinite quality, are left out.
    """
    points = []
    for level in in_order(rows, "level"):
        quality = medians(rows, "magnitude_snr", phase=phase, level=level, **wanted)
        gain = gains(rows, over=over, level=level, **wanted).get(phase)
        at = quality[SOURCES.index(source)]
        if gain is not None and len(gain[source]) and np.isfinite(at):
            points.append((at, float(np.median(gain[source]))))
    points.sort(reverse=True)
    quality, gain = np.array(points).T if points else np.empty((2, 0))
    return quality, gain


def break_even(quality: np.ndarray, gain: np.ndarray) -> float:
    """The quality in dB below which the gain is no longer positive; NaN without such a point.

    quality: descending; gain: of the same length. Between two points, a straight line.
    """
    for k in range(1, len(gain)):
        if gain[k - 1] > 0 >= gain[k]:
            share = gain[k - 1] / (gain[k - 1] - gain[k])
            return float(quality[k - 1] + share * (quality[k] - quality[k - 1]))
    return float("nan")
