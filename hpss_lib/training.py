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
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from hpss_lib import data
from hpss_lib.audio import SOURCES
from hpss_lib.evaluation import sdr
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
from hpss_lib.stft import SETTINGS, istft, stft

TRUTHS = ("magnitude", "ratio", "projection")
COLUMNS = ("step", "seconds", "rate", "norm", "total", "masker", "denoiser", "twin_masker", "twin")
COLUMNS += ("compressed", "squared", "sdr_percussive", "sdr_harmonic")


@dataclass(frozen=True)
class Plan:
    """How to train: everything but the network's sizes and the data (chapter 6).

    target: the source to estimate; steps: how many in all; batch: sequences a step in each process;
    rate: Adam's learning rate after `warm_up` steps, falling to zero along a cosine if `cosine`;
    clip: the largest norm of the gradient; seed: of weights and batches; average: decay of the
    running average of the weights (0: none), which is what is scored and kept; every: steps
    between two scorings; bf16: matrix products in bfloat16 where the device has them; twin: train
    with the twin; compressed, squared: weights of extra losses, on log(1 + 30 V) and on the squared
    error; truth: what the network learns, "magnitude" |S|, "ratio" 2|X||S|/(|X| + |S|) as in the
    released code, or "projection", the part of S in phase with the mixture, max(0, Re(S X*)/|X|);
    mixing: see `data.Mixing`.
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


# The published schedule.  100 epochs over the 50 training songs of DSD100, a sequence every 40
# frames of 384 samples, are about 280,000 steps of 16 sequences.
PAPER_PLAN = Plan(
    steps=280_000, rate=1e-4, warm_up=0, cosine=False, clip=0.5, average=0.0, truth="ratio"
)
# With the target and the losses that the shipped weights ended with: chapter 6 tells why.
COMPACT_PLAN = Plan(truth="projection", squared=50.0)
PLANS = {"paper": PAPER_PLAN, "compact": COMPACT_PLAN}


def change(config: Config, plan: Plan, changes: Sequence[str]) -> tuple[Config, Plan]:
    """Apply changes such as "compressed=0.1", "mixing.speed=0" or "config.hidden=0" (chapter 6).

    A value is a Python literal; where a word is wanted, the word alone will do ("truth=ratio").
    Raises ValueError for a name that is no setting, or a value that is no Python literal.
    """
    for text in changes:
        name, _, value = text.partition("=")
        owner, _, key = name.rpartition(".")
        old = {"": plan, "mixing": plan.mixing, "config": config}.get(owner)
        if old is None or key not in asdict(old) or key == "mixing":
            raise ValueError(f"{text!r}: there is no setting {name!r}")
        try:
            plain = isinstance(asdict(old)[key], str) and value.isidentifier()  # truth=projection
            new = replace(old, **{key: value if plain else ast.literal_eval(value)})
        except (ValueError, SyntaxError) as error:
            raise ValueError(f"{text!r}: {value!r} is no value for {name} ({error})") from error
        if owner == "config":
            config = new
        else:
            plan = new if owner == "" else replace(plan, mixing=new)
    return config, plan


def learning_rate(step: int, plan: Plan) -> float:
    """The learning rate of step 0, 1, ...: a linear warm-up, then half a cosine down to zero."""
    if step < plan.warm_up:
        return plan.rate * (step + 1) / plan.warm_up
    if not plan.cosine:
        return plan.rate
    done = (step - plan.warm_up) / max(1, plan.steps - plan.warm_up)
    return plan.rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def prepare(
    V: Tensor, V_p: Tensor, V_h: Tensor, config: Config, plan: Plan
) -> tuple[Tensor, Tensor]:
    """Turn drawn magnitudes (B, T, N) into the network's input and its target (B, T - 2L, N)."""
    S = V_p if plan.target == "percussive" else V_h
    if plan.truth == "ratio":
        S = 2 * V * S / (V + S + 1e-12)
    if config.clip is not None:
        V, S = V.clamp(max=config.clip), S.clamp(max=config.clip)
    gain = gains(V, config)
    V, S = V * gain, S * gain
    return V, trim(S, config)


class Learner(nn.Module):
    """The network and its twin as one module, whose output is the losses (what DDP wraps)."""

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
    """Take one step of gradient descent on one batch: the losses before it, the gradient's norm."""
    low = plan.bf16 and has_bf16(V.device.type)
    with torch.autocast(V.device.type, torch.bfloat16) if low else nullcontext():
        terms = learner(V, V_target)
    optimiser.zero_grad(set_to_none=True)
    terms["total"].backward()
    norm = nn.utils.clip_grad_norm_(learner.parameters(), plan.clip)
    optimiser.step()
    return terms, norm


def has_bf16(kind: str) -> bool:
    """Say whether a kind of device, "cpu", "cuda" or "mps", multiplies bfloat16 in hardware."""
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # Where a processor only emulates bfloat16 it is slower than float32.
    return kind == "cpu" and torch.cpu._is_avx512_bf16_supported()


def score_each(
    model: MaDTwinNet, excerpts: Iterable[tuple[str, np.ndarray, np.ndarray]], target: str
) -> Iterator[tuple[str, float, float]]:
    """Yield each excerpt's name and plain SDR in dB, percussive and harmonic.

    excerpts: (name, s_p, s_h).  The target comes from the model with the mixture's phase, the other
    source is what is left.
    """
    settings = SETTINGS[model.config.setting]
    for name, p, h in excerpts:
        X = stft(p + h, settings)
        V = np.abs(X)
        V_hat = estimate(model, V)
        s_hat = istft(X * (V_hat / np.maximum(V, 1e-12)), settings, len(p))
        p_hat, h_hat = (s_hat, p + h - s_hat) if target == "percussive" else (p + h - s_hat, s_hat)
        yield name, sdr(p, p_hat), sdr(h, h_hat)


def score(
    model: MaDTwinNet, excerpts: Sequence[tuple[str, np.ndarray, np.ndarray]], target: str
) -> tuple[float, float]:
    """Median of `score_each`, percussive and harmonic; NaN without excerpts."""
    found = [pair for _, *pair in score_each(model, excerpts, target)]
    p, h = np.median(found, axis=0) if found else (math.nan, math.nan)
    return float(p), float(h)


# ------------------------------------------------------------------------------ the whole run


def train(
    draw: Callable[[np.random.Generator], tuple[Tensor, Tensor, Tensor]],
    out: str | Path,
    *,
    config: Config,
    plan: Plan,
    held_back: Sequence[tuple[str, np.ndarray, np.ndarray]] = (),
    start: str | Path | None = None,
    device: str | None = None,
    stop_after: int | None = None,
    quiet: bool = False,
    facts: dict | None = None,
) -> MaDTwinNet:
    """Train a network, or go on where an earlier call with the same `out` stopped (chapter 6).

    draw: a generator -> V, V_p, V_h, each (B, T, N); out: the folder of checkpoint.pt, log.csv,
    best.safetensors and last.safetensors; held_back: excerpts (name, s_p, s_h) to score by;
    start: weights to begin from; device: "cuda", "mps" or "cpu", by default the first there is;
    stop_after: stop early after so many steps in all; facts: goes into the weight files.
    Under torchrun, each process trains on its own batches and the gradients are averaged; a file of
    weights says how many there were.
    Raises ValueError if the checkpoint in `out` belongs to another network or plan.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    device = device or best_device()
    rank, processes = join_processes(device)
    learner = Learner(config, plan).to(device)
    if start is not None:
        learner.model.load_state_dict(read_model(start)[0].state_dict())
    average = {k: v.detach().clone() for k, v in learner.model.state_dict().items()}
    optimiser = torch.optim.Adam(learner.parameters(), lr=plan.rate, fused=device != "mps")
    step, best, seconds = _resume(out, learner, average, optimiser, config, plan, device)
    trained = learner
    if processes > 1:
        trained = nn.parallel.DistributedDataParallel(learner)
    log = _Log(out / "log.csv", step) if rank == 0 else None
    bar = _progress(plan.steps, step, quiet or rank > 0)
    began = time.monotonic() - seconds
    scored = MaDTwinNet(config).to(device)
    while step < min(plan.steps, plan.steps if stop_after is None else stop_after):
        rate = learning_rate(step, plan)
        for group in optimiser.param_groups:
            group["lr"] = rate
        rng = np.random.default_rng((plan.seed, rank, step))
        V, V_target = (x.to(device) for x in prepare(*draw(rng), config, plan))
        terms, norm = take_step(trained, optimiser, V, V_target, plan)
        step += 1
        if not torch.isfinite(terms["total"]):
            raise FloatingPointError(
                f"the loss became {terms['total'].item()} at step {step}: lower the learning rate"
            )
        _follow(average, learner.model, plan, step)
        if rank:
            continue
        row = {k: float(v.detach()) for k, v in terms.items()}
        row |= {
            "step": step,
            "seconds": time.monotonic() - began,
            "rate": rate,
            "norm": float(norm),
        }
        if step % plan.every == 0 or step == plan.steps:
            scored.load_state_dict(average)
            found = score(scored, held_back, plan.target)
            row |= {"sdr_percussive": found[0], "sdr_harmonic": found[1]}
            story = {"plan": asdict(plan), "processes": processes, "step": step, "sdr": found}
            story |= facts or {}
            save_model(out / "last.safetensors", scored, target=plan.target, **story)
            if sum(found) > best:
                best = sum(found)
                save_model(out / "best.safetensors", scored, target=plan.target, **story)
            _save(out, learner, average, optimiser, config, plan, step, best, row["seconds"])
        assert log is not None
        log.write(row)
        bar(row)
    if rank == 0 and step % plan.every:
        _save(out, learner, average, optimiser, config, plan, step, best, time.monotonic() - began)
    if processes > 1:
        torch.distributed.barrier()  # nobody leaves before the last file is written
    learner.model.load_state_dict(average)
    return learner.model.eval()


def _follow(average: dict[str, Tensor], model: nn.Module, plan: Plan, step: int) -> None:
    """Move the running average of the weights towards the weights; early on, faster."""
    decay = min(plan.average, step / (step + 9))
    state = model.state_dict()
    for name, value in state.items():
        average[name].lerp_(value, 1 - decay)


def best_device() -> str:
    """Name the fastest device that there is: "cuda", "mps" or "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def join_processes(device: str) -> tuple[int, int]:
    """Join the other processes if torchrun started this one: its rank, and how many there are."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1:
        return 0, 1
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    return torch.distributed.get_rank(), processes


def _save(out: Path, learner, average, optimiser, config, plan, step, best, seconds) -> None:
    """Write everything that a resumed run needs, whole or not at all."""
    state = {
        "learner": learner.state_dict(),
        "average": average,
        "optimiser": optimiser.state_dict(),
        "run": json.dumps(_run(config, plan)),
        "step": step,
        "best": best,
        "seconds": seconds,
    }
    part = out / "checkpoint.part"
    torch.save(state, part)
    part.replace(out / "checkpoint.pt")


def _run(config: Config, plan: Plan) -> dict:
    return json.loads(json.dumps({"config": asdict(config), "plan": asdict(plan)}))


def _resume(out: Path, learner, average, optimiser, config, plan, device):
    """Restore the checkpoint in `out`, if there is one: step, best score, seconds so far."""
    path = out / "checkpoint.pt"
    if not path.exists():
        return 0, -math.inf, 0.0
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        raise ValueError(f"{path} is damaged ({error}): delete it to start again") from error
    if json.loads(state["run"]) != _run(config, plan):
        raise ValueError(
            f"{path} belongs to a run with other settings. Theirs: {state['run']}. Continue with"
            " those, or choose another --out (and --start to begin from its weights)."
        )
    learner.load_state_dict(state["learner"])
    optimiser.load_state_dict(state["optimiser"])
    for k, v in state["average"].items():
        average[k].copy_(v)
    return state["step"], state["best"], state["seconds"]


class _Log:
    """One csv file with a line a step; lines after the step that training resumes from are cut."""

    def __init__(self, path: Path, step: int):
        rows: list[dict] = []
        if path.exists() and step:
            with path.open(newline="") as file:
                rows = [r for r in csv.DictReader(file) if int(r["step"]) <= step]
        self.file = path.open("w", newline="", buffering=1)
        self.writer = csv.DictWriter(self.file, COLUMNS)
        self.writer.writeheader()
        self.writer.writerows(rows)

    def write(self, row: dict) -> None:
        self.writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


def read_log(path: str | Path, *, every: int = 1) -> dict[str, np.ndarray]:
    """Read a log.csv: column name -> values, each the mean over `every` lines (NaN: none there)."""
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


def _progress(steps: int, step: int, quiet: bool) -> Callable[[dict], None]:
    """Return a function that shows one step: the loss, and the SDR where it was just scored."""
    if quiet:
        return lambda row: None
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
    """Train on folders of songs, "FOLDER" or "FOLDER=WEIGHT"; the options of `train` apply.

    weight: how often a source is drawn from that folder (1 if not given).  Songs below the
    `validation` folders are not trained on; `count` excerpts of `seconds` from each are scored.
    skip: patterns such as "*cowbell*"; songs and sounds of such names are left out.
    cache: where the decoded samples go (else `out`/cache).
    """
    held = [s for path in validation for s in data.find_songs(path)]
    away = set[Path]().union(*(_files(s) for s in held))
    groups, weights = [], []
    for folder in folders:
        path, _, weight = str(folder).partition("=")
        songs = [s for s in data.find_songs(path) if not away & _files(s)]
        groups.append([s for s in songs if not any(fnmatch(s.name, p) for p in skip)])
        weights.append(float(weight or 1))
    decoded = cache or Path(out) / "cache"
    _, processes = join_processes(options.get("device") or best_device())
    if processes > 1 and os.environ["LOCAL_RANK"] != "0":
        torch.distributed.barrier()  # one process of each machine decodes, the others reuse
    cached = data.build_cache(groups, decoded)
    if processes > 1 and os.environ["LOCAL_RANK"] == "0":
        torch.distributed.barrier()
    settings = SETTINGS[config.setting]

    def draw(rng: np.random.Generator):
        size = config.frames, plan.batch
        projected = plan.truth == "projection"
        return data.draw_batch(
            cached, weights, settings, *size, rng, plan.mixing, projected=projected
        )

    excerpts = list(data.excerpts(held, seconds=seconds, count=count))
    facts = {"data": [f"{Path(str(f).partition('=')[0]).name}" for f in folders]}
    facts |= options.pop("facts", None) or {}
    return train(draw, out, config=config, plan=plan, held_back=excerpts, facts=facts, **options)


def _files(song: data.Song) -> set[Path]:
    return {f.resolve() for f in (*song.percussive, *song.harmonic)}
