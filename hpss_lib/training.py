"""Training MaD TwinNet: batches, steps, checkpoints, one log (chapter 6).

    python -m hpss_lib train --data FOLDER [FOLDER...] --target percussive --out DIR

Step s of process r draws its batch from a random generator seeded by (seed, r, s) and by nothing
else.  So a run that was stopped continues exactly as if it had not been.
"""

from __future__ import annotations

import ast
import csv
import json
import math
import operator
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, fields, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hpss_lib import data
from hpss_lib.audio import SOURCES
from hpss_lib.drafts import disk_errors, whole
from hpss_lib.madtwinnet import (
    Config,
    MaDTwinNet,
    TwinNet,
    estimate,
    gains,
    initialise,
    losses,
    read_model,
    save_model,
    trim,
)
from hpss_lib.measures import sdr
from hpss_lib.stft import SETTINGS, istft, stft

TRUTHS = ("magnitude", "ratio", "projection")
COLUMNS = ("step", "seconds", "rate", "norm", "total", "masker", "denoiser", "twin_masker", "twin")
COLUMNS += ("compressed", "squared", "sdr_percussive", "sdr_harmonic")

Draw = Callable[[np.random.Generator], tuple[Tensor, Tensor, Tensor]]  # -> V, V_p, V_h
Excerpt = tuple[str, np.ndarray, np.ndarray]  # name, s_p, s_h


@dataclass(frozen=True)
class Plan:
    """How to train: everything but the network's sizes and the data.

    Parameters
    ----------
    target : str
        The source to estimate.
    steps : int
        How many in all.
    batch : int
        Sequences a step in each process.
    rate : float
        Adam's learning rate after `warm_up` steps, falling to zero along a cosine if `cosine`.
    warm_up : int
        Steps in which the rate rises.
    cosine : bool
        Whether the rate falls.
    clip : float
        The largest norm of the gradient.
    seed : int
        Of weights and batches.
    average : float
        Decay of the running average of the weights (0: none), which is what is scored and kept.
    every : int
        Steps between two scorings.
    bf16 : bool
        Matrix products in bfloat16 where the device has them.
    twin : bool
        Train with the twin.
    compressed, squared : float
        Weights of extra losses, on log(1 + 30 V) and on the squared error.
    truth : str
        What the network learns: "magnitude" ``|S|``, "ratio" ``2|X||S|/(|X| + |S|)`` as in the
        released code, or "projection", the part of S in phase with the mixture,
        ``max(0, Re(S X*)/|X|)``.
    mixing : Mixing
        See `hpss_lib.data.Mixing`.

    Examples
    --------
    >>> Plan(steps=10).target
    'percussive'

    References
    ----------
    Chapter 6.
    """

    target: str = "percussive"
    steps: int = 8000
    batch: int = 16
    rate: float = 1e-3
    warm_up: int = 200
    cosine: bool = True
    clip: float = 5.0
    seed: int = 0
    average: float = 0.999
    every: int = 500
    bf16: bool = True
    twin: bool = True
    compressed: float = 0.0
    squared: float = 0.0
    truth: str = "magnitude"
    mixing: data.Mixing = field(default_factory=data.Mixing)

    def __post_init__(self):
        if self.target not in SOURCES:
            raise ValueError(f"target must be one of {SOURCES}, not {self.target!r}")
        if self.truth not in TRUTHS:
            raise ValueError(f"truth must be one of {TRUTHS}, not {self.truth!r}")
        if self.steps < 1 or self.batch < 1 or self.every < 1:
            raise ValueError("steps, batch and every must be at least 1")


# The published schedule, in single precision and on songs as they are, as released.  100 epochs
# over the 50 training songs of DSD100, a sequence every 40 frames of 384 samples, are about 280,000
# steps of 16 sequences.  (Ours are drawn anew for each step, theirs run through the songs.)
PAPER_PLAN = Plan(
    steps=280_000,
    rate=1e-4,
    warm_up=0,
    cosine=False,
    clip=0.5,
    average=0.0,
    bf16=False,
    truth="ratio",
    mixing=data.AS_RECORDED,
)
# With the target and the losses that the shipped weights ended with: chapter 6 tells why.
COMPACT_PLAN = Plan(truth="projection", squared=50.0)
PLANS = {"paper": PAPER_PLAN, "compact": COMPACT_PLAN}


def change(config: Config, plan: Plan, changes: Sequence[str]) -> tuple[Config, Plan]:
    """Apply changes such as "compressed=0.1", "mixing.speed=0" or "config.hidden=0".

    Parameters
    ----------
    config : Config
    plan : Plan
    changes : sequence of str
        A value is a Python literal; where a word is wanted, the word alone will do
        ("truth=ratio").

    Returns
    -------
    config : Config
    plan : Plan

    Raises
    ------
    ValueError
        For a name that is no setting, or a value that is no Python literal.

    Examples
    --------
    >>> from hpss_lib.madtwinnet import COMPACT
    >>> config, plan = change(COMPACT, COMPACT_PLAN, ["config.hidden=0", "truth=ratio"])
    >>> config.hidden, plan.truth
    (0, 'ratio')

    References
    ----------
    Chapter 6.
    """
    for text in changes:
        name, _, value = text.partition("=")
        owner, _, key = name.rpartition(".")
        old = {"": plan, "mixing": plan.mixing, "config": config}.get(owner)
        if old is None or key not in asdict(old) or key == "mixing":
            raise ValueError(f"{text!r}: there is no setting {name!r}")
        try:
            plain = isinstance(asdict(old)[key], str) and value.isidentifier()  # truth=projection
            meant = value if plain else _of_kind(ast.literal_eval(value), old, key)
            new = replace(old, **{key: meant})
        except (ValueError, SyntaxError) as error:
            raise ValueError(f"{text!r}: {value!r} is no value for {name} ({error})") from error
        if owner == "config":
            config = new
        else:
            plan = new if owner == "" else replace(plan, mixing=new)
    return config, plan


def _of_kind(value: Any, owner: Any, key: str) -> Any:
    """A setting's new value, of the kind that its field declares: steps are whole, no rate NaN."""
    declared = next(known.type for known in fields(owner) if known.name == key)
    kind = declared if isinstance(declared, str) else declared.__name__
    number = type(value) in (int, float) and math.isfinite(value)
    if kind == "int":
        if not number or value != int(value):
            raise ValueError("a whole number is needed")
        return int(value)
    if (kind == "float" and not number) or (kind == "bool" and type(value) not in (bool, int)):
        raise ValueError(f"a {kind} is needed")
    return value


def learning_rate(step: int, plan: Plan) -> float:
    """Compute the learning rate of a step: a linear warm-up, then half a cosine down to zero.

    Parameters
    ----------
    step : int
        From 0.
    plan : Plan

    Returns
    -------
    float

    Examples
    --------
    >>> plan = Plan(steps=100, warm_up=10, rate=1.0)
    >>> learning_rate(0, plan), learning_rate(9, plan), round(learning_rate(55, plan), 3)
    (0.1, 1.0, 0.5)

    References
    ----------
    Chapter 6.
    """
    if step < plan.warm_up:
        return plan.rate * (step + 1) / plan.warm_up
    if not plan.cosine:
        return plan.rate
    done = (step - plan.warm_up) / max(1, plan.steps - plan.warm_up)
    return plan.rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def prepare(
    V: Tensor, V_p: Tensor, V_h: Tensor, config: Config, plan: Plan
) -> tuple[Tensor, Tensor]:
    """Turn drawn magnitudes into the network's input and its target.

    Parameters
    ----------
    V, V_p, V_h : Tensor, (B, T, N)
        As from `data.draw_batch`.
    config : Config
        Of it, the level, the clip and L.
    plan : Plan
        Of it, the target and the truth.

    Returns
    -------
    V : Tensor, (B, T, N)
    V_target : Tensor, (B, T - 2L, N)

    Examples
    --------
    >>> from hpss_lib.madtwinnet import COMPACT
    >>> V = torch.ones(1, 120, 1025)
    >>> heard, target = prepare(V, V / 4, 3 * V / 4, COMPACT, Plan())
    >>> heard.shape, target.shape, round((target.mean() / heard.mean()).item(), 4)
    (torch.Size([1, 120, 1025]), torch.Size([1, 100, 1025]), 0.25)

    References
    ----------
    Chapter 6.
    """
    S = V_p if plan.target == "percussive" else V_h
    if plan.truth == "ratio":
        S = 2 * V * S / (V + S + 1e-12)
    if config.clip is not None:
        V, S = V.clamp(max=config.clip), S.clamp(max=config.clip)
    gain = gains(V, config)
    V, S = V * gain, S * gain
    return V, trim(S, config)


class Learner(nn.Module):
    """The network and its twin as one module, whose output is the losses (what DDP wraps).

    Examples
    --------
    >>> from hpss_lib.madtwinnet import COMPACT
    >>> learner = Learner(COMPACT, Plan(twin=False))
    >>> V = torch.rand(1, 120, 1025)
    >>> bool(learner(V, V[:, 10:-10])["total"] > 0)
    True

    References
    ----------
    Chapter 6.
    """

    def __init__(self, config: Config, plan: Plan):
        super().__init__()
        self.model = MaDTwinNet(config)
        self.twin = TwinNet(config) if plan.twin else None
        self.plan = plan
        initialise(self, config, plan.seed)

    def forward(self, V: Tensor, V_target: Tensor) -> dict[str, Tensor]:
        """Mixtures (B, T, N) and targets (B, T - 2L, N) -> every loss, and their "total"."""
        extra = {"compressed": self.plan.compressed, "squared": self.plan.squared}
        return losses(self.model, self.twin, V, V_target, **extra)


def take_step(
    learner: nn.Module, optimiser: torch.optim.Optimizer, V: Tensor, V_target: Tensor, plan: Plan
) -> tuple[dict[str, Tensor], Tensor]:
    """Take one step of gradient descent on one batch.

    Parameters
    ----------
    learner : Learner
        Changed in place.
    optimiser : torch.optim.Optimizer
        Of its parameters.
    V, V_target : Tensor
        As from `prepare`.
    plan : Plan
        Of it, the bound on the gradient's norm, and the precision.

    Returns
    -------
    terms : dict of str to Tensor
        Every loss before the step, and their "total".
    norm : Tensor
        The gradient's norm before it was bounded.

    Examples
    --------
    >>> from hpss_lib.madtwinnet import COMPACT
    >>> learner = Learner(COMPACT, Plan(twin=False))
    >>> adam = torch.optim.Adam(learner.parameters(), 1e-3)
    >>> V = torch.rand(1, 120, 1025)
    >>> terms, norm = take_step(learner, adam, V, V[:, 10:-10] / 2, Plan())
    >>> bool(terms["total"] > 0), bool(norm > 0)
    (True, True)

    References
    ----------
    Chapter 6.
    """
    low = plan.bf16 and has_bf16(V.device.type)
    with torch.autocast(V.device.type, torch.bfloat16) if low else nullcontext():
        terms = learner(V, V_target)
    optimiser.zero_grad(set_to_none=True)
    terms["total"].backward()
    norm = nn.utils.clip_grad_norm_(learner.parameters(), plan.clip)
    optimiser.step()
    return terms, norm


def has_bf16(kind: str) -> bool:
    """Say whether a kind of device multiplies bfloat16 in hardware.

    Parameters
    ----------
    kind : "cpu", "cuda" or "mps"

    Returns
    -------
    bool

    Examples
    --------
    >>> has_bf16("mps")
    False
    """
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # Where a processor only emulates bfloat16 it is slower than float32.
    return kind == "cpu" and torch.cpu._is_avx512_bf16_supported()


def score_each(
    model: MaDTwinNet, excerpts: Iterable[Excerpt], target: str
) -> Iterator[tuple[str, float, float]]:
    """Score a network on excerpts: plain SDR in dB with the mixture's phase.

    Parameters
    ----------
    model : MaDTwinNet
    excerpts : iterable of (name, s_p, s_h)
        As from `data.excerpts`.
    target : "percussive" or "harmonic"
        What the network estimates; the other source is what is left.

    Yields
    ------
    name, percussive, harmonic : str, float, float

    Examples
    --------
    >>> from hpss_lib.madtwinnet import load_model
    >>> x = np.random.default_rng(0).standard_normal((2, 44100)).astype(np.float32)
    >>> [name for name, p, h in score_each(load_model(), [("noise", *x)], "percussive")]
    ['noise']
    """
    settings = SETTINGS[model.config.setting]
    for name, p, h in excerpts:
        X = stft(p + h, settings)
        V = np.abs(X)
        V_hat = estimate(model, V)
        s_hat = istft(X * (V_hat / np.maximum(V, 1e-12)), settings, len(p))
        p_hat, h_hat = (s_hat, p + h - s_hat) if target == "percussive" else (p + h - s_hat, s_hat)
        yield name, sdr(p, p_hat), sdr(h, h_hat)


def score(model: MaDTwinNet, excerpts: Sequence[Excerpt], target: str) -> tuple[float, float]:
    """The medians of `score_each`.

    Parameters
    ----------
    model, excerpts, target
        As in `score_each`.

    Returns
    -------
    percussive, harmonic : float
        In dB; NaN without excerpts.

    Examples
    --------
    >>> from hpss_lib.madtwinnet import load_model
    >>> score(load_model(), [], "percussive")
    (nan, nan)
    """
    found = [pair for _, *pair in score_each(model, excerpts, target)]
    p, h = np.median(found, axis=0) if found else (math.nan, math.nan)
    return float(p), float(h)


# ------------------------------------------------------------------------------ the whole run


def train(
    draw: Draw,
    out: str | Path,
    *,
    config: Config,
    plan: Plan,
    held_back: Sequence[Excerpt] = (),
    start: str | Path | None = None,
    device: str | None = None,
    stop_after: int | None = None,
    quiet: bool = False,
    facts: dict | None = None,
) -> MaDTwinNet:
    """Train a network, or go on where an earlier call with the same `out` stopped.

    Under torchrun, each process trains on its own batches and the gradients are averaged; a file
    of weights says how many there were.

    Parameters
    ----------
    draw : callable
        A random generator -> V, V_p, V_h, each (B, T, N).
    out : str or Path
        The folder of checkpoint.pt, log.csv, best.safetensors and last.safetensors.
    config : Config
    plan : Plan
    held_back : sequence of (name, s_p, s_h)
        Excerpts to score by.
    start : str or Path, optional
        Weights to begin from.
    device : str, optional
        "cuda", "mps" or "cpu", by default the first there is.
    stop_after : int, optional
        Stop early after so many steps in all.
    quiet : bool
        Show no progress.
    facts : dict, optional
        Goes into the weight files.

    Returns
    -------
    MaDTwinNet
        With the averaged weights.

    Raises
    ------
    ValueError
        If the checkpoint in `out` belongs to another network or plan.
    FloatingPointError
        If the loss is no longer finite.

    Examples
    --------
    >>> import tempfile
    >>> config = Config(bins=9, low_bins=4, frames=6, context=1, hidden=3)
    >>> def draw(rng):
    ...     V_p, V_h = torch.from_numpy(rng.random((2, 2, 6, 9), np.float32))
    ...     return V_p + V_h, V_p, V_h
    >>> with tempfile.TemporaryDirectory() as out:
    ...     plan = Plan(steps=2, batch=2, bf16=False)
    ...     model = train(draw, out, config=config, plan=plan, device="cpu", quiet=True)
    ...     read_log(f"{out}/log.csv")["step"].tolist()
    [1.0, 2.0]

    References
    ----------
    Drossos et al. (2018). Chapter 6.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    device = device or best_device()
    rank, processes = join_processes(device)
    state = _begin(out, config, plan, start, device)
    trained = nn.parallel.DistributedDataParallel(state.learner) if processes > 1 else state.learner
    report = (lambda row: None) if rank else _reporter(out, plan.steps, state.step, quiet)
    story = {"plan": asdict(plan), "processes": processes, **(facts or {})}
    began = time.monotonic() - state.seconds
    last = plan.steps if stop_after is None else min(plan.steps, stop_after)
    while state.step < last:
        row = _advance(state, trained, draw, config, plan, rank)
        state.seconds = row["seconds"] = time.monotonic() - began
        if rank:
            continue
        if state.step % plan.every == 0 or state.step == plan.steps:
            row |= _keep_weights(state, out, config, plan, held_back, story)
            _save(state, out, config, plan)
        report(row)
    if rank == 0 and state.step % plan.every:
        _save(state, out, config, plan)
    if processes > 1:
        torch.distributed.barrier()  # nobody leaves before the last file is written
    state.learner.model.load_state_dict(state.average)
    return state.learner.model.eval()


@dataclass
class _State:
    """How far a run has come: what a checkpoint holds."""

    learner: Learner
    average: dict[str, Tensor]
    optimiser: torch.optim.Optimizer
    step: int = 0
    best: float = -math.inf
    seconds: float = 0.0


def _begin(out: Path, config: Config, plan: Plan, start: str | Path | None, device: str) -> _State:
    """Where training begins: at the checkpoint in `out`, else at `start`, else at random."""
    learner = Learner(config, plan).to(device)
    if start is not None:
        learner.model.load_state_dict(read_model(start)[0].state_dict())
    average = {k: v.detach().clone() for k, v in learner.model.state_dict().items()}
    optimiser = torch.optim.Adam(learner.parameters(), lr=plan.rate, fused=device != "mps")
    state = _State(learner, average, optimiser)
    if (out / "checkpoint.pt").exists():
        _restore(state, out / "checkpoint.pt", config, plan, device)
    return state


def _advance(
    state: _State, trained: nn.Module, draw: Draw, config: Config, plan: Plan, rank: int
) -> dict:
    """One step on a batch of its own, with the running average after it: a line of the log."""
    rate = learning_rate(state.step, plan)
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    rng = np.random.default_rng((plan.seed, rank, state.step))
    device = next(trained.parameters()).device
    V, V_target = (x.to(device) for x in prepare(*draw(rng), config, plan))
    terms, norm = take_step(trained, state.optimiser, V, V_target, plan)
    state.step += 1
    if not torch.isfinite(terms["total"]):
        raise FloatingPointError(
            f"the loss became {terms['total'].item()} at step {state.step}: lower the learning rate"
        )
    _follow(state.average, state.learner.model, plan, state.step)
    return {
        **{k: float(v.detach()) for k, v in terms.items()},
        "step": state.step,
        "rate": rate,
        "norm": float(norm),
    }


def _follow(average: dict[str, Tensor], model: nn.Module, plan: Plan, step: int) -> None:
    """Move the running average of the weights towards the weights; early on, faster."""
    decay = min(plan.average, step / (step + 9))
    state = model.state_dict()
    for name, value in state.items():
        average[name].lerp_(value, 1 - decay)


def _keep_weights(
    state: _State, out: Path, config: Config, plan: Plan, held_back: Sequence[Excerpt], story: dict
) -> dict[str, float]:
    """Score the averaged weights and write them: as the last, and as the best if they are."""
    model = MaDTwinNet(config).to(next(state.learner.parameters()).device)
    model.load_state_dict(state.average)
    p, h = score(model, held_back, plan.target)
    story = {"step": state.step, "sdr": (p, h), **story}
    save_model(out / "last.safetensors", model, target=plan.target, **story)
    if p + h > state.best:
        state.best = p + h
        save_model(out / "best.safetensors", model, target=plan.target, **story)
    return {"sdr_percussive": p, "sdr_harmonic": h}


# ---------------------------------------------------------------------- devices and processes


def best_device() -> str:
    """Name the fastest device that there is: "cuda", "mps" or "cpu".

    Returns
    -------
    str

    Examples
    --------
    >>> best_device() in ("cuda", "mps", "cpu")
    True
    """
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def join_processes(device: str) -> tuple[int, int]:
    """Join the other processes, if torchrun started this one.

    Parameters
    ----------
    device : str
        As in `train`.

    Returns
    -------
    rank, processes : int, int
        This one's number, and how many there are.

    Raises
    ------
    ValueError
        Where there is no such device.

    Examples
    --------
    >>> join_processes("cpu")
    (0, 1)
    """
    there = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if not there.get(device, lambda: True)():
        raise ValueError(
            f"torch finds no device {device!r} here: {best_device()!r} is the fastest that there is"
        )
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1:
        return 0, 1
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    return torch.distributed.get_rank(), processes


# ------------------------------------------------------------------- the checkpoint, the log


def _save(state: _State, out: Path, config: Config, plan: Plan) -> None:
    """Write everything that a resumed run needs, whole or not at all."""
    kept = {
        "learner": state.learner.state_dict(),
        "average": state.average,
        "optimiser": state.optimiser.state_dict(),
        "run": _settings(config, plan),
        "step": state.step,
        "best": state.best,
        "seconds": state.seconds,
    }
    with whole(out / "checkpoint.pt") as (draft,):
        torch.save(kept, draft)


def _restore(state: _State, path: Path, config: Config, plan: Plan, device: str) -> None:
    """Bring the state, in place, to where the checkpoint was written."""
    try:
        kept = torch.load(path, map_location=device, weights_only=True)
        same = json.loads(kept["run"]) == json.loads(_settings(config, plan))
        if same:
            state.learner.load_state_dict(kept["learner"])
            state.optimiser.load_state_dict(kept["optimiser"])
            if set(kept["average"]) != set(state.average):
                raise ValueError("its averaged weights are of another network")
            for k, v in kept["average"].items():
                state.average[k].copy_(v)
            state.step = operator.index(kept["step"])
            state.best, state.seconds = float(kept["best"]), float(kept["seconds"])
            if not (state.step >= 0 and math.isfinite(state.seconds)):
                raise ValueError("its count of steps or seconds is none")
    except Exception as error:  # torch raises half a dozen kinds for a damaged file
        raise ValueError(f"{path} is damaged ({error}): delete it to start again") from error
    if not same:
        raise ValueError(
            f"{path} belongs to a run with other settings. Theirs: {kept['run']}. Continue with"
            " those, or choose another --out (and --start to begin from its weights)."
        )


def _settings(config: Config, plan: Plan) -> str:
    return json.dumps({"config": asdict(config), "plan": asdict(plan)})


def _reporter(out: Path, steps: int, step: int, quiet: bool) -> Callable[[dict], None]:
    """What is done with each step's line: into log.csv, and onto the screen unless `quiet`."""
    writer = _open_log(out / "log.csv", step)
    show = (lambda row: None) if quiet else _progress(steps, step)

    def report(row: dict) -> None:
        with disk_errors(out / "log.csv"):
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
        show(row)

    return report


def _open_log(path: Path, step: int) -> csv.DictWriter:
    """Open log.csv, a line a step; lines after the step that training resumes from are cut.

    So is a line that an interruption has left half written; the others are replaced at once, so
    that none is lost where that is interrupted too.
    """
    rows: list[dict] = []
    if path.exists() and step:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            for row in csv.DictReader(line.replace("\0", "") for line in file):
                number = row.get("step") or ""
                if None not in row.values() and number.isdecimal() and int(number) <= step:
                    rows.append({name: row.get(name) for name in COLUMNS})
    with whole(path) as (draft,), draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return csv.DictWriter(path.open("a", newline="", encoding="utf-8", buffering=1), COLUMNS)


def _progress(steps: int, step: int) -> Callable[[dict], None]:
    """A bar that shows the loss, and the SDR where it was just scored."""
    from tqdm import tqdm

    bar = tqdm(total=steps, initial=step, unit="step", mininterval=5)
    shown: dict[str, str] = {}

    def show(row: dict) -> None:
        shown["loss"] = f"{row['total']:.3f}"
        if "sdr_percussive" in row:
            shown["SDR"] = f"{row['sdr_percussive']:.2f}/{row['sdr_harmonic']:.2f} dB"
        bar.set_postfix(shown, refresh=False)
        bar.update()

    return show


def read_log(path: str | Path, *, every: int = 1) -> dict[str, np.ndarray]:
    r"""Read a log.csv.

    Parameters
    ----------
    path : str or Path
    every : int
        Each value is the mean over so many lines.

    Returns
    -------
    dict of str to ndarray
        Column by name; NaN where it has no value.

    Raises
    ------
    ValueError
        Where it has no lines yet.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "log.csv")
    >>> _ = path.write_text("step,total\n1,4\n2,2\n")
    >>> read_log(path, every=2)["total"].tolist()
    [3.0]
    """
    path = Path(path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise ValueError(f"{path} has no lines yet")
    columns = {}
    for name in rows[0]:
        values = np.array([float(row[name] or "nan") for row in rows])
        blocks = [values[i : i + every] for i in range(0, len(values), every)]
        means = [b[~np.isnan(b)].mean() if not np.isnan(b).all() else math.nan for b in blocks]
        columns[name] = np.array(means)
    return columns


# ------------------------------------------------------------------------- songs in folders


def train_on_folders(
    folders: Sequence[str],
    out: str | Path,
    *,
    config: Config,
    plan: Plan,
    validation: Sequence[str] = (),
    skip: Sequence[str] = (),
    cache: str | Path | None = None,
    seconds: float = 10.0,
    count: int = 3,
    **options,
) -> MaDTwinNet:
    """Train on folders of songs; the options of `train` apply.

    Songs below the `validation` folders are not trained on.

    Parameters
    ----------
    folders : sequence of str
        "FOLDER" or "FOLDER=WEIGHT": how often a source is drawn from it (1 if not given).
    out : str or Path
        As in `train`.
    config : Config
    plan : Plan
    validation : sequence of str
        Folders of songs to score by.
    skip : sequence of str
        Patterns such as "*cowbell*"; songs and sounds of such names are left out.
    cache : str or Path, optional
        Where the decoded samples go (else `out`/cache).
    seconds, count : float, int
        Of each song of `validation`, `count` excerpts of so many seconds are scored.
    **options
        As in `train`.

    Returns
    -------
    MaDTwinNet

    Examples
    --------
    Takes hours, and DSD100: shown, not run.

    >>> network = train_on_folders(
    ...     ["DSD100"], "out", config=CONFIGS["compact"], plan=PLANS["compact"]
    ... )  # doctest: +SKIP

    References
    ----------
    Chapter 6.
    """
    held = [s for path in validation for s in data.find_songs(path)]
    groups, weights = find_groups(folders, held, skip)
    cached = _decode_once(groups, cache or Path(out) / "cache", options.get("device"))
    settings = SETTINGS[config.setting]
    projected = plan.truth == "projection"

    def draw(rng: np.random.Generator):
        size = config.frames, plan.batch
        return data.draw_batch(
            cached, weights, settings, *size, rng, plan.mixing, projected=projected
        )

    excerpts = list(data.excerpts(held, seconds=seconds, count=count))
    facts = {"data": [Path(_split_weight(f)[0]).name for f in folders]}
    facts |= options.pop("facts", None) or {}
    return train(draw, out, config=config, plan=plan, held_back=excerpts, facts=facts, **options)


def find_groups(
    folders: Sequence[str], held: Sequence[data.Song], skip: Sequence[str] = ()
) -> tuple[list[list[data.Song]], list[float]]:
    """Find the songs to train on, folder by folder, and how often each folder is drawn from.

    Parameters
    ----------
    folders, skip
        As in `train_on_folders`.
    held : sequence of Song
        Songs that are scored by, and not trained on, wherever they lie.

    Returns
    -------
    groups : list of list of Song
        As `data.build_cache` takes them.
    weights : list of float

    Raises
    ------
    ValueError
        For a weight that is none.

    Examples
    --------
    >>> import tempfile
    >>> find_groups([f"{tempfile.mkdtemp()}=x"], [])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: ...: no such folder, and 'x' is no weight (0 or more)

    References
    ----------
    Chapter 6.
    """
    away = set[Path]().union(*(_files(s) for s in held))
    groups, weights = [], []
    for folder in folders:
        path, weight = _split_weight(folder)
        songs = [s for s in data.find_songs(path) if not away & _files(s)]
        groups.append([s for s in songs if not any(fnmatch(s.name, p) for p in skip)])
        weights.append(weight)
    return groups, weights


def _split_weight(text: str) -> tuple[str, float]:
    """The folder and the weight of "FOLDER=WEIGHT"; a folder's own name may hold a "=" too."""
    path, equals, weight = str(text).rpartition("=")
    if not equals or Path(text).is_dir():
        return str(text), 1.0
    try:
        number = float(weight)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError(f"{text!r}: no such folder, and {weight!r} is no weight (0 or more)")
    return path, number


def _decode_once(
    groups: Sequence[Sequence[data.Song]], folder: str | Path, device: str | None
) -> data.Cache:
    """The decoded samples: one process of each machine decodes, the others reuse."""
    _, processes = join_processes(device or best_device())
    first = processes == 1 or os.environ["LOCAL_RANK"] == "0"
    if not first:
        torch.distributed.barrier()
    cached = data.build_cache(groups, folder)
    if processes > 1 and first:
        torch.distributed.barrier()
    return cached


def _files(song: data.Song) -> set[Path]:
    return {f.resolve() for f in (*song.percussive, *song.harmonic)}
