"""The controls of chapter 5, masker and denoiser."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
import torch
from torch import nn

from hpss_lib import madtwinnet, median
from hpss_lib.chapters.pieces import Piece, piece
from hpss_lib.madtwinnet import MaDTwinNet, estimate, gains, load_model
from hpss_lib.measures import sdr
from hpss_lib.stft import COMPACT, SAMPLE_RATE
from hpss_lib.views import plot
from hpss_lib.views.controls import Choice, Control, Slider, View

SECONDS = 6.0
HOP_MS = 1000 * COMPACT.hop / SAMPLE_RATE


@dataclass(frozen=True)
class Separated(Piece):
    """A piece, and what the shipped percussive network makes of it.

    Attributes
    ----------
    V_m, V_d : (F, T) float32
        The percussive magnitudes after the masker and after the denoiser.
    """

    V_m: np.ndarray
    V_d: np.ndarray


def without_denoiser(model: MaDTwinNet) -> MaDTwinNet:
    """The same network, its denoiser taken out."""
    bare = MaDTwinNet.__new__(MaDTwinNet)
    nn.Module.__init__(bare)
    bare.config, bare.masker, bare.denoiser = model.config, model.masker, nn.Identity()
    return bare.eval()


@lru_cache(maxsize=2)  # some 20 MB each
def separated(name: str, seconds: float = SECONDS) -> Separated:
    """The first seconds of an excerpt, separated by the shipped percussive network."""
    t, model = piece(name, seconds), load_model()
    known = {field.name: getattr(t, field.name) for field in fields(t)}
    return Separated(**known, V_m=estimate(without_denoiser(model), t.V), V_d=estimate(model, t.V))


def ideal_mask(s: Piece) -> np.ndarray:
    """The ratio of the true energies, (F, T): chapter 3's ideal."""
    return s.V_p**2 / (s.V_p**2 + s.V_h**2 + 1e-12)


# ------------------------------------------------------------------------- four masks, four songs

SHOWN_SECONDS, SHOWN_KHZ = 2.5, 8.0


def mask_view(excerpt: str, mask: str) -> View:
    """The percussive mask of an excerpt, by one of four makers."""
    s = separated(excerpt)
    M = {
        "median": lambda: median.median_hpss(s.V, COMPACT)[0],
        "masker": lambda: s.V_m / np.maximum(s.V, 1e-9),
        "network": lambda: s.V_d / np.maximum(s.V, 1e-9),
        "ideal": lambda: ideal_mask(s),
    }[mask]()
    s_p = s.with_phase(M * s.V)
    fig, ax = plot.figure(height=2.7)
    near = slice(round(SHOWN_SECONDS * SAMPLE_RATE / COMPACT.hop))
    shown = np.clip(M[:, near], 0, 1)
    plot.mask(shown, COMPACT, ax, top_khz=SHOWN_KHZ, kind="percussive")
    name = {
        "median": "The median filter",
        "masker": "The masker alone",
        "network": "Masker and denoiser",
        "ideal": "The ideal mask",
    }[mask]
    loud = s.V > 1e-2 * s.V.max()
    apart = float(np.average(np.abs(np.clip(M, 0, 1) - ideal_mask(s))[loud], weights=s.V[loud]))
    at_p, at_h = s.scores(s_p, s.x - s_p)
    text = (
        f"{name}: SDR {at_p:.1f} dB percussive, {at_h:.1f} dB "
        f"harmonic. In the loud bins it lies {apart:.2f} from the ideal mask, on average."
    )
    return View(fig, {"percussive": s_p, "harmonic": s.x - s_p}, text.replace(" -", " −"))


mask_control = Control(
    name="ch5-mask",
    title="Four ways to a mask",
    parameters=(
        Choice(
            "excerpt",
            "Excerpt",
            options={
                "rock": "rock",
                "choir over a beat": "choir",
                "funk": "funk",
                "strings with timpani": "strings",
            },
        ),
        Choice(
            "mask",
            "Mask",
            options={
                "median filter (chapter 3)": "median",
                "masker": "masker",
                "masker and denoiser": "network",
                "ideal (knows the truth)": "ideal",
            },
        ),
    ),
    start={"excerpt": "rock", "mask": "network"},
    view=mask_view,
    caption=(
        "The percussive mask of the first 2.5 seconds up to 8 kHz, white 0, dark 1 (the reverse on "
        "a dark page), and both parts with the mixture's phase."
    ),
    question=(
        "Step from the median filter to the ideal mask. Which details of the ideal one does the "
        "network find that no median could? Where does it still draw with a broad brush?"
    ),
    answer=(
        "The strokes of the kick and the toms at the bottom, which ring and which no median "
        "finds; and that a stroke ends. The broad brush is at the partials: where a chord "
        "sounds through a stroke, the ideal mask cuts it out in fine lines, the network by "
        "regions."
    ),
)


# -------------------------------------------------------------------------------- one frame's mask

FRAME_EXCERPT = "rock"


@lru_cache(maxsize=1)
def strongest_hit() -> int:
    """The frame of the steepest rise of the true percussive part, away from both ends."""
    energy = np.sqrt(np.sum(separated(FRAME_EXCERPT).V_p ** 2, axis=0))
    rise = energy[4:] - energy[:-4]
    return 4 + 40 + int(np.argmax(rise[40:-40]))


def frame_view(frames: int) -> View:
    """One frame, so many frames after a hit: what sounds, and who gets it."""
    s, t = separated(FRAME_EXCERPT), strongest_hit() + frames
    khz = np.arange(COMPACT.bins) * SAMPLE_RATE / COMPACT.n_fft / 1000
    top = int(np.searchsorted(khz, 6.0))
    M, M_ideal = s.V_d[:, t] / np.maximum(s.V[:, t], 1e-9), ideal_mask(s)[:, t]
    fig, (upper, lower) = plot.figure(2, 1, height=4.0, sharex=True)
    level = [plot.decibels(v[:top, t], reference=s.V.max()) for v in (s.V, s.V_p)]
    ink = {kind: plot.kind_colour(kind) for kind in ("percussive", "harmonic", "mixture")}
    with plot.style():
        upper.plot(khz[:top], level[0], color=ink["mixture"], label="mixture")
        upper.plot(khz[:top], level[1], color=ink["percussive"], label="true drums")
        upper.set(ylim=(-82, 2), ylabel="level (dB)", xlim=(0, khz[top]))
        upper.legend(loc="upper right", ncols=2)
        lower.plot(khz[:top], M_ideal[:top], color=ink["mixture"], label="ideal mask")
        lower.plot(khz[:top], M[:top], color=ink["percussive"], label="the network's")
        lower.set(ylim=(-0.05, 1.35), ylabel="mask", xlabel="frequency (kHz)")
        lower.legend(loc="upper right", ncols=2)
    share, truth = (float(np.sum(v[:, t] ** 2) / np.sum(s.V[:, t] ** 2)) for v in (s.V_d, s.V_p))
    when = "at the hit" if frames == 0 else f"{abs(frames)} frames {_side(frames)} the hit"
    text = (
        f"The frame {when} ({frames * HOP_MS:+.0f} ms): the network gives the drums "
        f"{100 * share:.0f} % of its energy; true drums have {100 * truth:.0f} %."
    )
    return View(fig, text=text.replace("-", "−"))


def _side(frames: int) -> str:
    return "before" if frames < 0 else "after"


frame_control = Control(
    name="ch5-frame",
    title="A hit, frame by frame",
    parameters=(
        Slider(
            "frames",
            "Frames after the hit",
            values=(-8, -4, -2, -1, 0, 1, 2, 4, 9, 16),
            live=(-30, 40, 1),
        ),
    ),
    start={"frames": 0},
    view=frame_view,
    caption=(
        "One frame of the rock excerpt, before and after its strongest hit. Above, the levels of "
        "mixture and true drums; below, the ideal mask and the network's."
    ),
    question=(
        "How many frames before the hit does the mask begin to rise, and why at all before it? "
        "Which frequencies does the network keep for the drums longest?"
    ),
    answer=(
        "One frame before the hit it is nearly all there, two frames before there is next to "
        "nothing. A frame is 46 ms long and they are 12 ms apart, so that the hit lies in a "
        "frame before the frame's middle has reached it; the true drums rise there too. Look "
        "for yourself which band stays longest: what rings, below, rather than what hisses."
    ),
)


# ------------------------------------------------------------------------------- context, withheld

CONTEXT_EXCERPT, CONTEXT_SECONDS = "rock", 2.5


@lru_cache(maxsize=8)
def with_context(before: int, after: int) -> np.ndarray:
    """The network's V_p (F, T), where it hears each frame with so many true frames around it.

    Beyond them time stands still: the first, or the last, of these frames is repeated.
    """
    model = load_model()
    L = model.config.context
    single = MaDTwinNet(replace(model.config, frames=2 * L + 1)).eval()  # estimates one frame
    single.load_state_dict(model.state_dict())
    V = separated(CONTEXT_EXCERPT, CONTEXT_SECONDS).V
    around = np.clip(np.arange(-L, L + 1), -before, after)
    found = np.empty_like(V)
    for block in np.array_split(np.arange(V.shape[1]), 4):  # all at once would take 150 MB
        heard = np.clip(block[:, None] + around, 0, V.shape[1] - 1)  # (frames, 2L + 1)
        sequences = torch.from_numpy(V.T[heard])  # (frames, 2L + 1, F)
        gain = gains(sequences, single.config)
        with torch.inference_mode():
            found[:, block] = (single(sequences * gain) / gain)[:, 0].numpy().T
    return found


def context_view(before: int, after: int) -> View:
    """The percussive part, when the network is shown little of the past and of the future."""
    s = separated(CONTEXT_EXCERPT, CONTEXT_SECONDS)
    V_p = with_context(before, after)
    s_p = s.with_phase(V_p)
    fig, ax = plot.figure(height=2.5)
    M = np.clip(V_p / np.maximum(s.V, 1e-9), 0, 1)
    plot.mask(M, COMPACT, ax, top_khz=SHOWN_KHZ, kind="percussive")
    text = (
        f"{before} frames before and {after} after ({before * HOP_MS:.0f} and "
        f"{after * HOP_MS:.0f} ms): the network gives the drums "
        f"{100 * np.sum(V_p**2) / np.sum(s.V**2):.0f} % of the energy (true: "
        f"{100 * np.sum(s.V_p**2) / np.sum(s.V**2):.0f} %), SDR {sdr(s.x_p, s_p):.1f} dB."
    )
    return View(fig, {"percussive": s_p}, text.replace(" -", " −"))


context_control = Control(
    name="ch5-context",
    title="What does one frame know?",
    parameters=(
        Slider("before", "Frames heard before", values=(0, 3, 10), live=(0, 10, 1)),
        Slider("after", "Frames heard after", values=(0, 3, 10), live=(0, 10, 1)),
    ),
    start={"before": 0, "after": 0},
    view=context_view,
    caption=(
        "The percussive mask of two and a half seconds of rock. For each frame on its own, the "
        "network is shown only so many true frames before and after it; beyond these, time stands "
        "still."
    ),
    question=(
        "Which is worth more, one frame of the past or one of the future? And ten? Why does a "
        "drum that stands still not look like a drum?"
    ),
    answer=(
        "The future, each time: with three frames after, the network hears more than with ten "
        "before. What stands still is a tone, to the network as to the median along time: that "
        "it ends is what makes a blow a blow, and that is seen afterwards."
    ),
)


# ----------------------------------------------------------------------------------- the two losses


def kl(y: float, y_hat: np.ndarray | float) -> np.ndarray | float:
    """Generalised Kullback-Leibler divergence, number by number, without the small constant."""
    return y * np.log(y / y_hat) + y_hat - y


def loss_view(level_db: float) -> View:
    """What equal mistakes, in decibels, cost at one level, by two losses."""
    error = np.linspace(-20, 20, 161)
    y = 10 ** (level_db / 20)
    g = 10 ** (error / 20)
    fig, axes = plot.figure(1, 2, height=2.7, sharey=True)
    colour, faint = plot.kind_colour("percussive"), plot.kind_colour("mixture")
    losses = (
        ("Kullback-Leibler", lambda a: kl(a, a * g)),
        ("squared error", lambda a: (a * g - a) ** 2),
    )
    with plot.style():
        for ax, (name, loss) in zip(axes, losses, strict=True):
            ax.semilogy(error, loss(1.0) + 1e-12, ":", color=faint, label="bin at 0 dB")
            ax.semilogy(error, loss(y) + 1e-12, color=colour, label="bin at this level")
            ax.set(
                xlim=(-20, 20), ylim=(1e-9, 3e2), xlabel="error of the estimate (dB)", title=name
            )
        axes[0].set_ylabel("loss")
        axes[1].legend(loc="lower right")
    six = 10 ** (6 / 20)
    cost, square = float(kl(y, six * y)), float((six * y - y) ** 2)
    text = (
        f"A bin at {level_db:g} dB, estimated 6 dB too large, costs {cost:.2g} by Kullback-Leibler "
        f"and {square:.2g} by squared error"
    )
    if level_db < 0:
        text += (
            f": {kl(1.0, six) / cost:,.0f} and {(six - 1) ** 2 / square:,.0f} times less than the "
            "same mistake at 0 dB"
        )
    text += "."
    return View(fig, text=text.replace(" -", " −").replace("e-0", "e−"))


loss_control = Control(
    name="ch5-loss",
    title="The price of a mistake",
    parameters=(
        Slider(
            "level_db",
            "Level of the true bin",
            values=(-60, -50, -40, -30, -20, -15, -10, -5, 0),
            unit="dB",
            live=(-60, 0, 1),
        ),
    ),
    start={"level_db": -20},
    view=loss_view,
    caption=(
        "The loss of one bin against the error of its estimate in decibels, for a bin at this "
        "level and one at 0 dB."
    ),
    question=(
        "At -40 dB: how many soft bins weigh as much as one loud bin, by each loss? Is it worse to "
        "estimate 10 dB too much or 10 dB too little?"
    ),
    answer=(
        "By the divergence 100, by the squared error 10,000. Too much is worse than too little, "
        "by both: at 10 dB too much the estimate is more than three times the truth, and who "
        "estimates too little can never miss by more than the truth itself."
    ),
)


# --------------------------------------------------------------------------- scale and saturation

SCALE_FRAMES = 60


@lru_cache(maxsize=1)
def untrained_gru() -> tuple[np.ndarray, np.ndarray]:
    """The forward half of a fresh compact encoder: W_ih, W_hh, (3F, F) each, as numpy arrays."""
    encoder = madtwinnet.Encoder(madtwinnet.COMPACT)
    madtwinnet.initialise(encoder, madtwinnet.COMPACT, seed=0)
    W_ih, W_hh, *_ = (p.detach().numpy() for p in encoder.gru.parameters())
    return W_ih, W_hh


def update_gates(x: np.ndarray, W_ih: np.ndarray, W_hh: np.ndarray) -> np.ndarray:
    """The update gates z (T, F) of a GRU without biases over an input x (T, F)."""
    h, gates = np.zeros(W_hh.shape[1], np.float32), []
    for a in x @ W_ih.T:  # the input's share of reset, update and candidate, (3F,)
        b = W_hh @ h
        (a_r, a_z, a_n), (b_r, b_z, b_n) = np.split(a, 3), np.split(b, 3)
        r, z = sigmoid(a_r + b_r), sigmoid(a_z + b_z)
        h = z * h + (1 - z) * np.tanh(a_n + r * b_n)
        gates.append(z)
    return np.array(gates)


def sigmoid(a: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-a)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * a))


def scale_view(gain: float, compress: bool) -> View:
    """The update gates of an untrained encoder for magnitudes of some scale."""
    W_ih, W_hh = untrained_gru()
    V = separated("rock").V[: W_ih.shape[1], 40 : 40 + SCALE_FRAMES].T
    x = gain * V
    if compress:
        x = 0.3 * np.log1p(30 * x)
    z = update_gates(x, W_ih, W_hh)
    slope = 4 * z * (1 - z)
    stuck = float(np.mean((z < 0.01) | (z > 0.99)))
    fig, ax = plot.figure(height=2.3)
    counts, edges = np.histogram(z, np.linspace(0, 1, 51))
    with plot.style():
        ax.stairs(100 * counts / z.size, edges, color=plot.kind_colour("percussive"), fill=True)
        ax.set(
            xlim=(0, 1),
            ylim=(0, max(8, 110 * counts.max() / z.size)),
            xlabel="update gate $z$",
            ylabel="% of the gates",
        )
    text = (
        f"Magnitudes times {gain:g}{', compressed' if compress else ''}: {100 * stuck:.1f} % of "
        f"the gates are within 0.01 of 0 or 1; the mean slope of the sigmoid is "
        f"{100 * slope.mean():.0f} % of the largest."
    )
    return View(fig, text=text)


scale_control = Control(
    name="ch5-scale",
    title="Gates that stick",
    parameters=(
        Slider(
            "gain",
            "Magnitudes times",
            values=(0.1, 1.0, 5.0, 15.0, 45.0, 150.0),
            live=(0.1, 300.0, 0.1),
            log=True,
        ),
        Choice(
            "compress",
            "Input of the encoder",
            options={"as it is": False, "0.3 log(1 + 30 V)": True},
        ),
    ),
    start={"gain": 45.0, "compress": False},
    view=scale_view,
    caption=(
        "The update gates of a fresh, untrained encoder over 60 frames of rock. 1 is the unitary "
        "STFT of chapter 2; 45 is the square root of 2048, the same STFT without its scale."
    ),
    question=(
        "From which scale on do gates stick? What does the compression do to the soft end, and "
        "what to the loud end?"
    ),
    answer=(
        "Without the compression from about 45 times on (4 % stick), and by 150 times nearly "
        "half of them do. The compression lifts the soft end (for small $V$ it is nearly $9V$) "
        "and bends the loud end to a logarithm, so that even at 150 times next to none sticks."
    ),
)
