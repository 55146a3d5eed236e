"""May the network learn the phase, too? A trial at equal steps (chapter 8).

    python tools/phase_trial.py --data DIR[=W]... --held DIR... --out DIR --csv FILE
        [--steps 800] [--trials NAME...] [--seeds 0 1] [--skip PATTERN...]

Four ways to train the shipped network on, from the same weights, with the same lessons in the same
order. The estimate is a mask M on the mixture's spectrogram X, and what has to come out is the time
signal of M X:

    go on       M >= 0, the losses and the target (the projection) that it was trained with
    time error  M >= 0, the same network, trained on the error of the time signal
    cosine      a head on top adds a real number between -1 and 1 to the mask at every bin
    complex     the head adds a complex number, and hears the phases

The head is two layers of convolutions. It sees the mixture's magnitude, the mask and, for "complex"
only, how the mixture's phase moves from frame to frame and from bin to bin (its first differences:
they do not change when the whole signal is turned). Its last layer starts at zero, so that every
trial starts with the shipped network's own estimate.

Scores: plain SDR in dB of excerpts of ten seconds held back, as tools/ablation.py scores, and the
share of what no real mask can reach that the estimate explains, in percent of its energy: the part
of the drums at right angles to the mixture's phase. A real mask explains 0 of it. Trials that the
csv holds already are left out; a trial that was stopped begins again.
"""

import argparse
import csv
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from hpss_lib import data, training
from hpss_lib.madtwinnet import Config, MaDTwinNet, cut_sequences, gains, load_model, losses, trim
from hpss_lib.measures import sdr
from hpss_lib.stft import SETTINGS, StftSettings, analysis_window, istft, stft

TRIALS = ("go on", "time error", "cosine", "complex")
COLUMNS = (
    "trial", "seed", "steps", "seconds", "excerpt", "sdr_percussive", "sdr_harmonic", "across",
)  # fmt: skip
HEAD_RATE = 10  # times the rate of the network, which is trained already
FLOOR = 1e-3  # of the mixture's energy: an error of -30 dB is good enough
# What the shipped network's last stage had, with a rate for a short while.
PLAN = (
    "truth='projection'", "squared=50.0", "twin=False", "batch=8", "rate=2e-4", "warm_up=50",
    "mixing.across=0.35",
)  # fmt: skip


def in_bf16(wanted: bool = True) -> torch.autocast:
    """As the library trains: matrix products in bfloat16 where the processor has them."""
    return torch.autocast("cpu", torch.bfloat16, enabled=wanted and training.has_bf16("cpu"))


class Head(nn.Module):
    """What is added to the mask: a number for each bin from what is around it, at most 1."""

    def __init__(self, hears_phase: bool, units: int = 16):
        super().__init__()
        self.hears_phase = hears_phase
        channels, numbers = (6, 2) if hears_phase else (2, 1)
        self.layers = nn.Sequential(
            nn.Conv2d(channels, units, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(units, numbers, 3, padding=1),
        )
        nn.init.zeros_(self.layers[-1].weight)
        nn.init.zeros_(self.layers[-1].bias)

    def forward(self, X: Tensor, V: Tensor, mask: Tensor, settings: StftSettings) -> Tensor:
        """X complex (B, T', N), V = |X| at the network's level, mask -> (B, T', N)."""
        channels = [0.3 * torch.log1p(30 * V), mask.clamp(max=2)]
        if self.hears_phase:
            channels += phase_steps(X, settings)
        found = torch.tanh(self.layers(torch.stack(channels, dim=1)))
        return torch.complex(found[:, 0], found[:, 1]) if self.hears_phase else found[:, 0]


def phase_steps(X: Tensor, settings: StftSettings) -> list[Tensor]:
    """Cosine and sine of the phase's steps in time and in frequency, without what each bin adds.

    A steady sinusoid in the middle of its bin steps by 0 in time; an impulse in the middle of its
    frame steps by 0 in frequency.
    """
    unit = X / X.abs().clamp(min=1e-9)
    bins = torch.arange(X.shape[-1], dtype=torch.float64)
    advance = 2 * np.pi * (bins * settings.hop / settings.n_fft % 1)  # of each bin's centre
    turn = torch.polar(torch.ones_like(advance), -advance).to(X.dtype)
    in_time, in_frequency = torch.zeros_like(unit), torch.zeros_like(unit)
    in_time[:, 1:] = unit[:, 1:] * unit[:, :-1].conj() * turn
    in_frequency[..., 1:] = -unit[..., 1:] * unit[..., :-1].conj()  # half a frame: -1 a bin
    return [in_time.real, in_time.imag, in_frequency.real, in_frequency.imag]


class Trial(nn.Module):
    """The network, and the head of those trials that have one: a mask for each sequence."""

    def __init__(self, name: str):
        super().__init__()
        self.model: MaDTwinNet = deepcopy(load_model())  # that one is shared
        self.head = Head(name == "complex") if name in ("cosine", "complex") else None
        self.settings = SETTINGS[self.model.config.setting]

    def forward(self, X: Tensor) -> Tensor:
        """Mixtures (B, T, N), complex -> masks (B, T - 2L, N)."""
        config = self.model.config
        V = X.abs()
        V = V * gains(V, config)
        inner = trim(V, config)
        with in_bf16(self.training):
            V_hat = self.model(V)
        mask = V_hat.float() / inner.clamp(min=1e-9)
        if self.head is None:
            return mask
        return mask + self.head(trim(X, config), inner, mask, self.settings)


def to_signals(X: Tensor, settings: StftSettings) -> Tensor:
    """Overlap-add of frames (B, T', N) -> (B, samples), where all windows overlap."""
    n, hop = settings.n_fft, settings.hop
    w = torch.from_numpy(analysis_window(settings)).to(X.real.dtype)
    covered = slice(n - hop, X.shape[1] * hop)

    def added(frames: Tensor) -> Tensor:
        samples = (X.shape[1] - 1) * hop + n
        columns = frames.transpose(1, 2)  # (B, n, T')
        return nn.functional.fold(columns, (1, samples), (1, n), stride=(1, hop))[:, 0, 0, covered]

    return added(torch.fft.irfft(X, n) * w) / added(w.square().expand(1, X.shape[1], n))


def time_error(trial: Trial, X: Tensor) -> Tensor:
    """The time signal's error against the mixture in dB, the mean over X's sequences."""
    mixture, drums, _ = (trim(part, trial.model.config) for part in X.unbind(1))
    wrong = to_signals(trial(X[:, 0]) * mixture - drums, trial.settings)
    there = to_signals(mixture, trial.settings)
    share = wrong.square().sum(-1) / there.square().sum(-1).clamp(min=1e-9)
    return (10 * torch.log10(share + FLOOR)).mean()


def as_trained(trial: Trial, X: Tensor, plan: training.Plan) -> Tensor:
    """The losses that the shipped network was trained with, on its projection target."""
    parts = data.magnitudes(X, projected=True)
    heard, target = training.prepare(*parts, trial.model.config, plan)
    with in_bf16():
        return losses(trial.model, None, heard, target, squared=plan.squared)["total"]


def train(name: str, seed: int, cache: data.Cache, weights: list[float], steps: int) -> Trial:
    """One trial of so many steps; what is scored is the running average of its weights."""
    torch.manual_seed(seed)
    trial = Trial(name)
    config, plan = training.change(
        trial.model.config, training.PLANS["compact"], [f"steps={steps}", f"seed={seed}", *PLAN]
    )
    average = {k: v.detach().clone() for k, v in trial.state_dict().items()}
    parts = [(1, trial.model)] + ([(HEAD_RATE, trial.head)] if trial.head is not None else [])
    adam = torch.optim.Adam([{"params": [*part.parameters()]} for _, part in parts])
    for step in range(steps):
        for group, (factor, _) in zip(adam.param_groups, parts, strict=True):
            group["lr"] = factor * training.learning_rate(step, plan)
        rng = np.random.default_rng((seed, 0, step))
        X = data.draw_spectra(
            cache, weights, trial.settings, config.frames, plan.batch, rng, plan.mixing
        )
        loss = as_trained(trial, X, plan) if name == "go on" else time_error(trial, X)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(trial.parameters(), plan.clip)
        adam.step()
        for k, v in trial.state_dict().items():
            average[k].lerp_(v, 1 - min(0.99, step / (step + 9)))
        if step % 100 == 99:
            print(f"{name}, seed {seed}: step {step + 1}, loss {loss.item():.3f}", flush=True)
    trial.load_state_dict(average)
    return trial.eval()


def masks(trial: Trial, X: np.ndarray) -> np.ndarray:
    """The mask of a whole excerpt's X (N, T)."""
    config: Config = trial.model.config
    parts = (cut_sequences(part, config, 0, X.shape[1]) for part in (X.real, X.imag))
    with torch.inference_mode():
        M = torch.cat([trial(x) for x in torch.complex(*parts).split(4)])
    return M.reshape(-1, config.bins).numpy().T[:, : X.shape[1]]


def scores(trial: Trial, songs: list[data.Song]) -> Iterator[tuple[str, float, float, float]]:
    """Name, SDR of the drums, of the rest, and the share explained across the mixture's phase."""
    for name, p, h in data.excerpts(songs, count=3):
        X, P = stft(p + h, trial.settings), stft(p, trial.settings)
        M = masks(trial, X)
        p_hat = istft((M * X).astype(np.complex64), trial.settings, len(p))
        aside = (P * X.conj()).imag / np.maximum(np.abs(X), 1e-12)
        missed = aside - (M * np.abs(X)).imag
        explained = 100 * (1 - np.sum(missed**2, dtype=float) / np.sum(aside**2, dtype=float))
        yield name, sdr(p, p_hat), sdr(h, p + h - p_hat), explained


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", nargs="+", required=True, metavar="DIR[=W]")
    parser.add_argument("--held", nargs="+", required=True, metavar="DIR")
    parser.add_argument("--skip", nargs="+", default=(), metavar="PATTERN")
    parser.add_argument("--out", required=True, type=Path, help="folder for the decoded samples")
    parser.add_argument("--csv", required=True, type=Path)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--trials", nargs="+", choices=TRIALS, default=TRIALS)
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1))
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    done = set()
    if options.csv.exists():
        with options.csv.open(newline="") as file:
            done = {(row["trial"], row["seed"]) for row in csv.DictReader(file)}
    else:
        options.csv.write_text(",".join(COLUMNS) + "\n")

    def add(name: str, seed: int, steps: int, seconds: float, trial: Trial) -> None:
        found = list(scores(trial, held))
        with options.csv.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            for excerpt, *values in found:
                numbers = (f"{value:.3f}" for value in values)
                writer.writerow([name, seed, steps, round(seconds), excerpt, *numbers])
        p, h, across = np.median([row[1:] for row in found], axis=0)
        print(f"{name}, seed {seed}: {p:.2f} / {h:.2f} dB, across {across:.1f} %", flush=True)

    held = [song for folder in options.held for song in data.find_songs(folder)]
    groups, weights = training.find_groups(options.data, held, options.skip)
    cache = data.build_cache(groups, options.out)
    if ("shipped", "0") not in done:
        add("shipped", 0, 0, 0, Trial("go on").eval())
    for seed in options.seeds:
        for name in options.trials:
            if (name, str(seed)) not in done:
                began = time.monotonic()
                trial = train(name, seed, cache, weights, options.steps)
                add(name, seed, options.steps, time.monotonic() - began, trial)


if __name__ == "__main__":
    main()
