"""MaD TwinNet: a Masker, a Denoiser and, in training, a twin that looks backward.

Drossos, Magron, Mimilakis and Virtanen, "Harmonic-Percussive Source Separation with Deep Neural
Networks and Phase Recovery", IWAENC 2018.  Chapter 5 builds the masker and the denoiser, chapter 6
the twin and the losses.  Importing this module imports torch.

Inside the network a batch of magnitudes is (B, T, N): sequences, frames, bins.  Outside it, as
everywhere in this library, a spectrogram is (F, T): bins, frames.  `estimate` turns one into the
other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hpss_lib.drafts import whole
from hpss_lib.recurrence import GRU
from hpss_lib.stft import SAMPLE_RATE, SETTINGS

EPS = 1e-6  # inside the logarithms of the loss, as published
# What the other terms of the objective weigh beside the Kullback-Leibler divergences, as published:
TWIN_WEIGHT = 0.5  # of the distance to the twin's states, || affine(h_dec) - h_twin ||_2
SPARSITY_WEIGHT = 1e-2  # of || diag W_mask ||_1
ENERGY_WEIGHT = 1e-4  # of || W_den ||_2^2
WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Config:
    """The sizes and the starting point of one network.

    Parameters
    ----------
    bins : int
        N, the bins of the STFT.
    low_bins : int
        F, how many numbers of a frame the encoder hears: the lowest F bins or, up to `bands_to`
        hertz, F bands.
    frames : int
        T, the length of a sequence.
    context : int
        L, the frames at each of its ends that are heard but not estimated.
    hidden : int
        The denoiser's units; 0: no denoiser.
    setting : str
        The name of the STFT setting, a key of SETTINGS.
    compression : (a, b), or None
        Of the encoder's input a log(1 + b V); None for V itself.
    clip : float, or None
        The largest magnitude that training shows it, None for no limit (estimating clips nothing,
        as released).
    level : float, or None
        The root mean square that each sequence of magnitudes is brought to before the network hears
        it, None to leave it as it is.
    mask_bias, denoiser_bias : float
        Where the biases of the two mask layers start.
    stacked : bool
        The weights of a GRU's three gates are drawn as one matrix, as released, not each by itself.
    aligned : bool
        False puts the encoder's backward half flipped in time beside the forward half, as in the
        released weights.
    bands_to : float, or None
        Hz: the upper end of the bands; None: the encoder hears bins.
    warm_up : int
        So many frames of the sequence before the decoder hears again before its own, when a song is
        estimated; 0: it starts from nothing in each, as published.

    Raises
    ------
    ValueError
        On sizes that do not fit each other.

    Examples
    --------
    >>> PAPER.bins, PAPER.low_bins, PAPER.frames - 2 * PAPER.context
    (2049, 744, 40)
    >>> Config(frames=20)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: a sequence of 20 frames leaves nothing between two contexts of 10: ...

    References
    ----------
    Chapters 5 and 6.
    """

    bins: int = 1025
    low_bins: int = 372
    frames: int = 60
    context: int = 10
    hidden: int = 512
    setting: str = "compact"
    compression: tuple[float, float] | None = (0.3, 30.0)
    clip: float | None = None
    level: float | None = None
    mask_bias: float = 0.5
    denoiser_bias: float = 1.0
    stacked: bool = False
    aligned: bool = True
    bands_to: float | None = None
    warm_up: int = 0

    def __post_init__(self):
        if not 0 < self.low_bins <= self.bins:
            raise ValueError(f"low_bins must lie in 1..{self.bins}, not {self.low_bins}")
        if self.context < 0 or self.frames <= 2 * self.context:
            raise ValueError(
                f"a sequence of {self.frames} frames leaves nothing between two contexts of "
                f"{self.context}: frames must exceed 2 * context"
            )
        if not 0 <= self.warm_up <= self.frames - 2 * self.context:
            raise ValueError(
                f"warm_up must lie in 0..{self.frames - 2 * self.context}, the frames that a "
                f"sequence estimates, not {self.warm_up}"
            )
        if self.bands_to is not None and not 0 < self.bands_to <= SAMPLE_RATE / 2:
            raise ValueError(f"bands_to must lie in 0..{SAMPLE_RATE / 2} Hz, not {self.bands_to}")
        if self.bands_to is not None and (np.diff(band_edges(self)) < 1).any():
            raise ValueError(
                f"{self.low_bins} bands up to {self.bands_to} Hz leave some of them without a bin:"
                " take fewer bands or go higher"
            )


PAPER = Config(
    bins=2049,
    low_bins=744,
    hidden=1024,
    setting="1",
    compression=None,
    clip=1.0,
    mask_bias=0.0,
    denoiser_bias=0.0,
    stacked=True,
)
PAPER_RELEASED = replace(PAPER, aligned=False)
COMPACT = Config(frames=120, level=0.08)
CONFIGS = {"paper": PAPER, "compact": COMPACT}


# ----------------------------------------------------------------------------- the network


def band_edges(config: Config) -> np.ndarray:
    """Return the first bin of each of the F bands, and the first bin above them all.

    The lower half of the bands are single bins, for that is where kick and bass must be told apart;
    above, each band is wider than the one below it by the same factor, up to `bands_to` hertz.

    Parameters
    ----------
    config : Config
        Of it F, N and `bands_to`.

    Returns
    -------
    ndarray of int, (F + 1,)

    Raises
    ------
    ValueError
        For a network that hears bins.

    Examples
    --------
    >>> band_edges(Config(bins=1025, low_bins=8, bands_to=16000.0)).tolist()
    [0, 1, 2, 3, 4, 15, 55, 201, 744]

    References
    ----------
    Chapter 5.
    """
    if config.bands_to is None:
        raise ValueError("this network hears bins, not bands: its config has no bands_to")
    F, single = config.low_bins, config.low_bins // 2
    top = round(config.bands_to / (SAMPLE_RATE / 2) * (config.bins - 1)) + 1
    growing = single * (top / single) ** np.linspace(0, 1, F - single + 1)
    return np.concatenate([np.arange(single), np.round(growing).astype(int)])


def band_matrix(config: Config) -> Tensor:
    """Return the matrix that takes a frame's magnitudes to the mean of each band.

    Parameters
    ----------
    config : Config
        As in `band_edges`.

    Returns
    -------
    Tensor, (F, N)

    Examples
    --------
    Every row is a mean: white stays white.

    >>> M = band_matrix(Config(bins=1025, low_bins=8, bands_to=16000.0))
    >>> (M @ torch.ones(1025)).round(decimals=3).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]

    References
    ----------
    Chapter 5.
    """
    edges = torch.from_numpy(band_edges(config))
    bins = torch.arange(config.bins)
    inside = (bins >= edges[:-1, None]) & (bins < edges[1:, None])  # (F, N)
    return inside / inside.sum(1, keepdim=True)


class Encoder(nn.Module):
    """A bidirectional GRU over low bins or bands, with a residual connection.

    Examples
    --------
    >>> Encoder(COMPACT)(torch.zeros(1, 120, 1025)).shape  # (B, T, N) -> (B, T - 2L, 2F)
    torch.Size([1, 100, 744])

    References
    ----------
    Chapter 5.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.bands: Tensor | None  # fixed, so no part of the weights
        bands = None if config.bands_to is None else band_matrix(config)
        self.register_buffer("bands", bands, persistent=False)
        self.gru = GRU(config.low_bins, config.low_bins, batch_first=True, bidirectional=True)

    def forward(self, V: Tensor) -> Tensor:
        """Mixture magnitudes (B, T, N) -> what was heard around each frame (B, T - 2L, 2F)."""
        c = self.config
        x = V[..., : c.low_bins] if self.bands is None else V @ self.bands.T  # (B, T, F)
        if c.compression is not None:
            a, b = c.compression
            x = a * torch.log1p(b * x)
        h, _ = self.gru(x)  # (B, T, 2F): forward states, backward states
        h = h + torch.cat([x, x], dim=-1)  # the residual, for each direction
        h = h[:, c.context : c.frames - c.context]  # (B, T - 2L, 2F)
        if c.aligned:
            return h
        forward, backward = h.chunk(2, dim=-1)
        return torch.cat([forward, backward.flip(1)], dim=-1)


class MaskLayer(nn.Module):
    """A linear layer and a ReLU give a mask; the mask times the mixture is the estimate.

    Examples
    --------
    >>> MaskLayer(COMPACT)(torch.zeros(1, 100, 744), torch.ones(1, 100, 1025)).shape
    torch.Size([1, 100, 1025])

    References
    ----------
    Chapter 5.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.linear = nn.Linear(2 * config.low_bins, config.bins)

    def forward(self, h: Tensor, V: Tensor) -> Tensor:
        """States (B, T', 2F), magnitudes (B, T', N) -> masked magnitudes (B, T', N)."""
        mask = torch.relu(self.linear(h))  # (B, T', N), unbounded above
        return mask * V  # skip-filtering


class Masker(nn.Module):
    """Encoder, decoder and mask: a first estimate of the source.

    Examples
    --------
    >>> V_m, h_enc, h_dec = Masker(COMPACT)(torch.ones(1, 120, 1025))
    >>> V_m.shape, h_enc.shape == h_dec.shape
    (torch.Size([1, 100, 1025]), True)

    References
    ----------
    Chapter 5.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = GRU(2 * config.low_bins, 2 * config.low_bins, batch_first=True)
        self.mask = MaskLayer(config)

    def forward(self, V: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mixture (B, T, N) -> estimate (B, T - 2L, N), encoder's and decoder's states (…, 2F)."""
        h_enc = self.encoder(V)  # (B, T - 2L, 2F)
        h_dec, _ = self.decoder(h_enc)  # (B, T - 2L, 2F)
        return self.mask(h_dec, trim(V, self.config)), h_enc, h_dec


class Denoiser(nn.Module):
    """A small auto-encoder, frame by frame, whose output is a second mask.

    Examples
    --------
    Silence stays silence, whatever the weights.

    >>> Denoiser(COMPACT)(torch.zeros(1, 100, 1025)).abs().max().item()
    0.0

    References
    ----------
    Chapter 5.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.encoder = nn.Linear(config.bins, config.hidden)
        self.decoder = nn.Linear(config.hidden, config.bins)

    def forward(self, V_m: Tensor) -> Tensor:
        """The masker's estimate (B, T', N) -> the cleaned estimate (B, T', N)."""
        h = torch.relu(self.encoder(V_m))  # (B, T', hidden)
        return torch.relu(self.decoder(h)) * V_m  # (B, T', N)


class TwinNet(nn.Module):
    """The twin: a decoder that runs backward in time, used in training only.

    Examples
    --------
    >>> h = torch.zeros(1, 100, 744)
    >>> V_twin, mapped, h_twin = TwinNet(COMPACT)(h, h, torch.ones(1, 100, 1025))
    >>> V_twin.shape, mapped.shape == h_twin.shape
    (torch.Size([1, 100, 1025]), True)

    References
    ----------
    Chapter 6.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.decoder = GRU(2 * config.low_bins, 2 * config.low_bins, batch_first=True)
        self.mask = MaskLayer(config)
        self.affine = nn.Linear(2 * config.low_bins, 2 * config.low_bins)

    def forward(self, h_enc: Tensor, h_dec: Tensor, V: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """States (B, T', 2F), trimmed mixture (B, T', N) -> estimate, mapped h_dec, twin's h."""
        h, _ = self.decoder(h_enc.flip(1))  # (B, T', 2F), last frame first
        h_twin = h.flip(1)  # (B, T', 2F), in order again
        return self.mask(h_twin, V), self.affine(h_dec), h_twin


class MaDTwinNet(nn.Module):
    """What separates: a Masker, then a Denoiser. The twin is not part of it.

    Examples
    --------
    >>> MaDTwinNet(COMPACT)(torch.ones(2, 120, 1025)).shape
    torch.Size([2, 100, 1025])

    References
    ----------
    Chapter 5; Drossos et al. (2018).
    """

    def __init__(self, config: Config = COMPACT):
        super().__init__()
        self.config = config
        self.masker = Masker(config)
        self.denoiser = Denoiser(config) if config.hidden else nn.Identity()

    def forward(self, V: Tensor) -> Tensor:
        """Mixture magnitudes (B, T, N) -> magnitudes of the source (B, T - 2L, N)."""
        return self.denoiser(self.masker(V)[0])


def trim(V: Tensor, config: Config) -> Tensor:
    """Drop the L frames of context at each end.

    Parameters
    ----------
    V : Tensor, (B, T, N)
    config : Config
        Of it, T and L.

    Returns
    -------
    Tensor, (B, T - 2L, N)

    Examples
    --------
    >>> trim(torch.zeros(2, 120, 1025), COMPACT).shape
    torch.Size([2, 100, 1025])

    References
    ----------
    Chapter 5.
    """
    return V[:, config.context : config.frames - config.context]


def gains(V: Tensor, config: Config) -> Tensor:
    """Find the factor that brings each sequence to the network's level, ``level / sqrt(mean V^2)``.

    Being linear from magnitudes to magnitudes, the whole estimate then no longer depends on how
    loud a song is.

    Parameters
    ----------
    V : Tensor, (B, T, N)
        Magnitudes.
    config : Config
        Of it, the level.

    Returns
    -------
    Tensor, (B, 1, 1)
        1 for silence, and where the network has no level.

    Examples
    --------
    >>> round(gains(torch.full((1, 120, 1025), 0.5), COMPACT).item(), 4)
    0.16

    References
    ----------
    Chapter 5.
    """
    if config.level is None:
        return torch.ones(len(V), 1, 1, dtype=V.dtype, device=V.device)
    rms = V.square().mean((1, 2), keepdim=True).sqrt()
    return torch.where(rms > 1e-12, config.level / rms.clamp(min=1e-12), torch.ones_like(rms))


def initialise(module: nn.Module, config: Config, seed: int) -> None:
    """Set the starting weights, in place: Xavier-normal, orthogonal where recurrent.

    A GRU keeps three matrices, one for each gate, stacked in one parameter. The released code draws
    the stack as one matrix (`config.stacked`): its input weights are then smaller, by the square
    root of two where inputs and units are as many, and the columns of the whole stack are
    orthonormal, not those of each gate.
    The biases are zero but for the two mask layers', which start where `config` says: a masker near
    one half and a denoiser near one have no dead ReLUs.

    Parameters
    ----------
    module : nn.Module
        The network, or a part of it.
    config : Config
        Of it, `stacked` and the two biases.
    seed : int
        The same seed gives the same weights.

    Returns
    -------
    None

    Examples
    --------
    >>> network = MaDTwinNet(COMPACT)
    >>> initialise(network, COMPACT, seed=0)
    >>> W = network.masker.decoder.weight_hh_l0[:744]  # one gate
    >>> bool(torch.allclose(W @ W.T, torch.eye(744), atol=1e-4))
    True

    References
    ----------
    Chapter 6.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, p in module.named_parameters():
        if p.ndim == 1:
            nn.init.zeros_(p)
            continue
        of_gru = "weight_hh" in name or "weight_ih" in name
        for matrix in p.data.chunk(3) if of_gru and not config.stacked else [p.data]:
            if "weight_hh" in name:
                nn.init.orthogonal_(matrix, generator=generator)
            else:
                nn.init.xavier_normal_(matrix, generator=generator)
    for part in module.modules():
        if isinstance(part, MaskLayer):
            nn.init.constant_(part.linear.bias, config.mask_bias)
        elif isinstance(part, Denoiser):
            nn.init.constant_(part.decoder.bias, config.denoiser_bias)


def count_parameters(*modules: nn.Module) -> int:
    """Count the numbers that training may change.

    Parameters
    ----------
    *modules : nn.Module

    Returns
    -------
    int

    Examples
    --------
    >>> count_parameters(MaDTwinNet(PAPER))  # as published
    27195538
    """
    return sum(p.numel() for module in modules for p in module.parameters())


# ------------------------------------------------------------------------------ the losses


def kl_loss(y: Tensor, y_hat: Tensor) -> Tensor:
    """Measure how far an estimate is from its target: generalised Kullback-Leibler divergence.

    ``sum_f [ y (log(y + eps) - log(y_hat + eps)) + y_hat - y ]`` with eps = 1e-6, summed over
    bins, averaged over sequences and frames.

    Parameters
    ----------
    y, y_hat : Tensor, (B, T', N)
        Target and estimate, >= 0.

    Returns
    -------
    Tensor
        One number, >= 0.

    Examples
    --------
    >>> y = torch.ones(1, 2, 3)
    >>> kl_loss(y, y).item(), round(kl_loss(y, 2 * y).item(), 4)
    (0.0, 0.9206)

    References
    ----------
    Drossos et al. (2018). Chapter 5.
    """
    d = y * (torch.log(y + EPS) - torch.log(y_hat + EPS)) + y_hat - y  # (B, T', N)
    return d.sum(-1).mean()


def twin_loss(mapped: Tensor, h_twin: Tensor) -> Tensor:
    """Measure the mean Euclidean distance between the mapped forward states and the twin's.

    The twin is a target, not a pupil: no gradient flows into it.

    Parameters
    ----------
    mapped, h_twin : Tensor, (B, T', 2F)

    Returns
    -------
    Tensor
        One number, >= 0.

    Examples
    --------
    >>> twin_loss(torch.tensor([[[3.0, 4.0]]]), torch.zeros(1, 1, 2)).item()
    5.0

    References
    ----------
    Drossos et al. (2018). Chapter 6.
    """
    return torch.linalg.vector_norm(mapped - h_twin.detach(), dim=-1).mean()


def sparsity_penalty(masker: Masker) -> Tensor:
    """Sum the absolute values on the diagonal of the mask layer's weights.

    The matrix is not square: its main diagonal counts.

    Parameters
    ----------
    masker : Masker

    Returns
    -------
    Tensor
        One number, >= 0.

    Examples
    --------
    >>> masker = Masker(Config(bins=9, low_bins=4, frames=6, context=1))
    >>> _ = nn.init.constant_(masker.mask.linear.weight, -0.5)
    >>> sparsity_penalty(masker).item()  # 9 x 8, so 8 on the diagonal
    4.0

    References
    ----------
    Drossos et al. (2018). Chapter 6.
    """
    return masker.mask.linear.weight.diagonal().abs().sum()


def energy_penalty(denoiser: nn.Module) -> Tensor | float:
    """Sum the squared weights of the denoiser's decoder.

    Parameters
    ----------
    denoiser : nn.Module

    Returns
    -------
    Tensor or float
        0 where there is no denoiser.

    Examples
    --------
    >>> energy_penalty(nn.Identity())
    0.0

    References
    ----------
    Drossos et al. (2018). Chapter 6.
    """
    return denoiser.decoder.weight.square().sum() if isinstance(denoiser, Denoiser) else 0.0


def compressed_loss(y: Tensor, y_hat: Tensor) -> Tensor:
    """Measure the squared error of log(1 + 30 V), summed over bins, which weighs soft bins more.

    Parameters
    ----------
    y, y_hat : Tensor, (B, T', N)
        Target and estimate, >= 0.

    Returns
    -------
    Tensor
        One number, the mean over sequences and frames.

    Examples
    --------
    >>> y = torch.ones(1, 2, 3)
    >>> compressed_loss(y, y).item()
    0.0

    References
    ----------
    Ours, a variant. Chapter 6.
    """
    return (torch.log1p(30 * y) - torch.log1p(30 * y_hat)).square().sum(-1).mean()


def squared_loss(y: Tensor, y_hat: Tensor) -> Tensor:
    """Measure the squared error, summed over bins, which, as SDR does, weighs loud bins more.

    Parameters
    ----------
    y, y_hat : Tensor, (B, T', N)
        Target and estimate, >= 0.

    Returns
    -------
    Tensor
        One number, the mean over sequences and frames.

    Examples
    --------
    >>> y = torch.ones(1, 2, 3)
    >>> squared_loss(y, 2 * y).item()
    3.0

    References
    ----------
    Ours, a variant. Chapter 6.
    """
    return (y - y_hat).square().sum(-1).mean()


def losses(
    model: MaDTwinNet,
    twin: TwinNet | None,
    V: Tensor,
    V_target: Tensor,
    *,
    compressed: float = 0.0,
    squared: float = 0.0,
) -> dict[str, Tensor]:
    """Compute every term of the training objective and their weighted sum.

    The published objective is the Kullback-Leibler divergence behind masker, denoiser and twin,
    plus 0.5 times the twin's distance, 1e-2 times the sparsity and 1e-4 times the energy penalty
    (TWIN_WEIGHT, SPARSITY_WEIGHT, ENERGY_WEIGHT).

    Parameters
    ----------
    model : MaDTwinNet
    twin : TwinNet or None
        None trains without it.
    V : Tensor, (B, T, N)
        Mixtures.
    V_target : Tensor, (B, T - 2L, N)
        The source's magnitudes in the frames that are estimated.
    compressed : float
        Weight of `compressed_loss`.
    squared : float
        Weight of `squared_loss`, behind the masker and behind the denoiser.

    Returns
    -------
    dict of str to Tensor
        "total", "masker", "denoiser", and of the others those that were asked for.

    Examples
    --------
    >>> config = Config(bins=9, low_bins=4, frames=6, context=1, hidden=3)
    >>> V = torch.ones(2, 6, 9)
    >>> sorted(losses(MaDTwinNet(config), TwinNet(config), V, trim(V, config)))
    ['denoiser', 'masker', 'total', 'twin', 'twin_masker']

    References
    ----------
    Drossos et al. (2018). Chapter 6.
    """
    V_m, h_enc, h_dec = model.masker(V)
    V_d = model.denoiser(V_m)
    terms: dict[str, Tensor] = {"masker": kl_loss(V_target, V_m.float())}
    terms["denoiser"] = kl_loss(V_target, V_d.float())
    total = terms["masker"] + terms["denoiser"]
    if twin is not None:
        V_t, mapped, h_twin = twin(h_enc, h_dec, trim(V, model.config))
        terms["twin_masker"] = kl_loss(V_target, V_t.float())
        terms["twin"] = twin_loss(mapped.float(), h_twin.float())
        total = total + terms["twin_masker"] + TWIN_WEIGHT * terms["twin"]
    if compressed:
        terms["compressed"] = compressed_loss(V_target, V_d.float())
        total = total + compressed * terms["compressed"]
    if squared:
        both = (squared_loss(V_target, y.float()) for y in (V_m, V_d))
        terms["squared"] = torch.stack([*both]).sum()
        total = total + squared * terms["squared"]
    total = total + SPARSITY_WEIGHT * sparsity_penalty(model.masker)
    total = total + ENERGY_WEIGHT * energy_penalty(model.denoiser)
    return {"total": total, **terms}


# ---------------------------------------------------------------------- estimating a song


def cut_sequences(V: np.ndarray, config: Config, start: int, stop: int) -> Tensor:
    """Cut the sequences that together estimate frames start, ..., stop - 1.

    Each sequence starts T - 2L frames after the one before it; the first one's context lies
    before `start`. Beyond the ends of V there are zeros.

    Parameters
    ----------
    V : ndarray, (N, T)
        Magnitudes.
    config : Config
        Of it, the length of a sequence and its context.
    start, stop : int
        The first frame to be estimated, and the one after the last.

    Returns
    -------
    Tensor, (count, frames, N)
        float32.

    Examples
    --------
    >>> cut_sequences(np.zeros((1025, 250)), COMPACT, 0, 250).shape
    torch.Size([3, 120, 1025])

    References
    ----------
    Chapter 5.
    """
    L, step = config.context, config.frames - 2 * config.context
    count = -(-(stop - start) // step)
    padded = np.zeros((count * step + 2 * L, config.bins), np.float32)
    first, last = max(start - L, 0), min(stop + L, V.shape[1])
    padded[first - start + L : last - start + L] = V[:, first:last].T
    return torch.from_numpy(padded).unfold(0, config.frames, step).transpose(1, 2)


def follow(model: MaDTwinNet, V: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Estimate sequences that follow each other, each decoder warm from the sequence before.

    A decoder that starts from nothing has forgotten what went on before, and the mask jumps where
    two sequences meet. With the configuration's `warm_up` it first hears the end of what the
    encoder heard in the sequence before, and estimates nothing there.

    Parameters
    ----------
    model : MaDTwinNet
    V : Tensor, (B, T, N)
        Sequences of a mixture in their order, at the network's level.
    before : Tensor, (1, warm_up, 2F), or None
        The encoder's states at the end of the sequence before the first; None: there is none.

    Returns
    -------
    V_hat : Tensor, (B, T - 2L, N)
    before : Tensor, (1, warm_up, 2F), or None
        For the next call; None without a warm-up.

    Examples
    --------
    >>> model = MaDTwinNet(Config(bins=9, low_bins=4, frames=6, context=1, hidden=3, warm_up=2))
    >>> V_hat, before = follow(model, torch.ones(5, 6, 9), None)
    >>> V_hat.shape, before.shape
    (torch.Size([5, 4, 9]), torch.Size([1, 2, 8]))

    References
    ----------
    Chapter 5.
    """
    masker, warm_up = model.masker, model.config.warm_up
    if not warm_up:
        return model(V), None
    h_enc = masker.encoder(V)  # (B, T - 2L, 2F)
    ends = h_enc[:, -warm_up:]  # (B, warm_up, 2F), of which each is heard before the next sequence
    first = torch.zeros_like(ends[:1]) if before is None else before
    _, state = masker.decoder(torch.cat([first, ends[:-1]]))  # (1, B, 2F)
    if before is None:
        state[:, 0] = 0
    h_dec, _ = masker.decoder(h_enc, state)
    return model.denoiser(masker.mask(h_dec, trim(V, model.config))), ends[-1:]


def estimate(
    model: MaDTwinNet, V: np.ndarray, *, before: int = 0, after: int = 0, batch: int = 64
) -> np.ndarray:
    """Estimate the magnitudes of the model's source in a mixture of any length.

    Memory beyond V and the result does not grow with T.

    Parameters
    ----------
    model : MaDTwinNet
    V : ndarray, (N, T)
        float >= 0, magnitudes of the unitary STFT in the model's setting.
    before, after : int
        So many of V's first and last frames are context only. With a whole sequence and more in
        front, the first decoder is warmed up as all others are (`follow`).
    batch : int
        Sequences at a time; it changes speed and memory, not the result.

    Returns
    -------
    ndarray, (N, T - before - after)
        float32 >= 0: every frame once, each from a sequence in which it has L frames of context
        on either side (zeros beyond the ends).

    Raises
    ------
    ValueError
        For another number of bins, for magnitudes that are negative or not finite, and for more
        context than there are frames.

    Examples
    --------
    >>> model = MaDTwinNet(Config(bins=9, low_bins=4, frames=6, context=1, hidden=3))
    >>> estimate(model, np.ones((9, 20)), before=2).shape
    (9, 18)

    References
    ----------
    Drossos et al. (2018). Chapter 5.
    """
    c = model.config
    V = np.asarray(V)
    if V.ndim != 2 or V.shape[0] != c.bins:
        raise ValueError(
            f"magnitudes of shape {V.shape} do not fit this network, which takes ({c.bins}, T):"
            f' use the STFT of stft.SETTINGS["{c.setting}"]'
        )
    if V.size and not (np.isfinite(V.min()) and np.isfinite(V.max()) and V.min() >= 0):
        raise ValueError("magnitudes must be finite and >= 0: take abs() of a finite STFT")
    if before < 0 or after < 0 or before + after > V.shape[1]:
        raise ValueError(
            f"{before} + {after} frames of context do not fit into {V.shape[1]} frames"
        )
    step, device = c.frames - 2 * c.context, next(model.parameters()).device
    end = V.shape[1] - after
    begin = before - step if c.warm_up and before >= step else before
    V_hat, heard = np.empty((c.bins, end - begin), np.float32), None
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for start in range(begin, end, batch * step):  # the frames that this batch estimates
            stop = min(start + batch * step, end)
            sequences = cut_sequences(V, c, start, stop).to(device)
            gain = gains(sequences, c)
            V_s, heard = follow(model, sequences * gain, heard)  # (count, step, N)
            y = (V_s / gain).float().cpu().numpy().reshape(-1, c.bins)
            V_hat[:, start - begin : stop - begin] = y[: stop - start].T
    model.train(was_training)
    return V_hat[:, before - begin :]


# ------------------------------------------------------------------------------ the weights


def save_model(path: str | Path, model: MaDTwinNet, **facts) -> None:
    """Write the weights in half precision, with their story, as one safetensors file.

    Written whole or not at all.

    Parameters
    ----------
    path : str or Path
    model : MaDTwinNet
    **facts
        Anything JSON can hold: target, steps, seed, data, licence.

    Examples
    --------
    >>> import tempfile
    >>> model = MaDTwinNet(Config(bins=9, low_bins=4, frames=6, context=1, hidden=3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(f"{folder}/tiny.safetensors", model, target="percussive")
    ...     read_model(f"{folder}/tiny.safetensors")[1]["target"]
    'percussive'

    References
    ----------
    Chapter 6.
    """
    from safetensors.torch import save

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {k: v.to("cpu", torch.float16).contiguous() for k, v in model.state_dict().items()}
    story = {"config": asdict(model.config), **facts}
    written = save(state, {k: json.dumps(v) for k, v in story.items()})
    with whole(path) as (draft,):
        draft.write_bytes(written)


def read_model(path: str | Path) -> tuple[MaDTwinNet, dict]:
    """Read a file of `save_model`: the network, in single precision, and its story.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    model : MaDTwinNet
    facts : dict
        The facts that were written, and "config".

    Raises
    ------
    FileNotFoundError
        Where there is none.
    ValueError
        Where it is no such file, damaged or cut short.

    Examples
    --------
    >>> model, story = read_model(WEIGHTS / "compact-percussive.safetensors")
    >>> story["target"]
    'percussive'

    References
    ----------
    Chapter 6.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}: train some with `python -m hpss_lib train`")
    try:
        with safe_open(path, "pt") as file:
            story = {k: json.loads(v) for k, v in (file.metadata() or {}).items()}
            state = {k: file.get_tensor(k).float() for k in file.keys()}
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged or no safetensors file ({error})") from error
    if "config" not in story:
        raise ValueError(f"{path} does not say which network it belongs to (no config inside)")
    try:
        config = _read_config(story["config"])
        _refuse_other_shapes(state, config)
        model = MaDTwinNet(config)
        model.load_state_dict(state)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path} does not fit the network that it describes: {error}") from error
    return model.eval(), story


_LARGEST = 1 << 16  # of what a file says of its network, many times the paper's


def _read_config(told: Any) -> Config:
    """A network's settings as a file holds them; raises ValueError or TypeError on others."""
    if not isinstance(told, dict):
        raise ValueError("its config holds no settings")

    def number(value: Any) -> bool:
        return type(value) in (int, float) and math.isfinite(value)

    for name, value in told.items():
        known = getattr(Config, name, None)  # what it is where nobody says
        if type(known) is int:
            good = type(value) is int and 0 <= value <= _LARGEST
        elif name == "setting":
            good = value in tuple(SETTINGS)
        elif name == "compression":
            good = value is None or (len(value) == 2 and all(map(number, value)))
        elif type(known) is bool:
            good = type(value) is bool
        else:
            good = number(value) or (known is None and value is None)
        if not good:
            raise ValueError(f"its {name} is {value!r}")
    settings: dict[str, Any] = dict(told)
    if isinstance(pair := settings.get("compression"), list):  # as JSON holds it
        settings["compression"] = tuple(pair)
    return Config(**settings)


def _refuse_other_shapes(state: Mapping[str, Tensor], config: Config) -> None:
    """Before anything is allocated: a damaged file may describe more than there is memory."""
    with torch.device("meta"):
        probe = MaDTwinNet(replace(config, bands_to=None))  # bands are no weights
    shapes = {k: tuple(v.shape) for k, v in probe.state_dict().items()}
    if other := sorted(set(shapes.items()) ^ {(k, tuple(v.shape)) for k, v in state.items()}):
        raise ValueError(f"{other[0][0]} is not there once, of the shape that follows from it")


@lru_cache(maxsize=1)
def load_model() -> MaDTwinNet:
    """Load the compact network that ships with the library, which estimates the percussive part.

    The same object each time: treat it as read-only.

    Returns
    -------
    MaDTwinNet

    Raises
    ------
    FileNotFoundError
        Where the package came without weights.

    Examples
    --------
    >>> load_model().config.setting
    'compact'

    References
    ----------
    Chapter 5.
    """
    return read_model(WEIGHTS / "compact-percussive.safetensors")[0]


# Which of our parameters each tensor of the four released files becomes.  GRU gates are in torch's
# order on both sides.
_GRU = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
RELEASED = {
    "rnn_enc": {
        **{f"gru_enc_f.{n}": f"masker.encoder.gru.{n}_l0" for n in _GRU},
        **{f"gru_enc_b.{n}": f"masker.encoder.gru.{n}_l0_reverse" for n in _GRU},
    },
    "rnn_dec": {f"gru_dec.{n}": f"masker.decoder.{n}_l0" for n in _GRU},
    "fnn": {f"linear_layer.{n}": f"masker.mask.linear.{n}" for n in ("weight", "bias")},
    "denoiser": {
        f"fnn_{a}.{n}": f"denoiser.{b}.{n}"
        for a, b in (("enc", "encoder"), ("dec", "decoder"))
        for n in ("weight", "bias")
    },
}


def load_released(
    files: Mapping[str, str | Path], *, config: Config = PAPER_RELEASED
) -> MaDTwinNet:
    """Load the four state files that the authors of MaD TwinNet released.

    Parameters
    ----------
    files : mapping of str to path
        Under the keys "rnn_enc", "rnn_dec", "fnn" and "denoiser".
    config : Config
        By default the paper's sizes with the encoder's backward half flipped in time, as those
        weights expect it.

    Returns
    -------
    MaDTwinNet

    Raises
    ------
    FileNotFoundError
        For a missing file.
    ValueError
        For a damaged one, or one whose tensors do not fit.

    Notes
    -----
    Nothing but tensors is unpickled. The licence of the weights is non-commercial.

    Examples
    --------
    >>> load_released({"rnn_enc": "rnn_enc.pt"})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: files lacks ['denoiser', 'fnn', 'rnn_dec']: the release has ...

    References
    ----------
    Zenodo 1164592; chapter 5.
    """
    if missing := set(RELEASED) - set(files):
        raise ValueError(f"files lacks {sorted(missing)}: the release has {sorted(RELEASED)}")
    model, state = MaDTwinNet(config), {}
    own = model.state_dict()
    for part, names in RELEASED.items():
        path = Path(files[part])
        if not path.is_file():
            raise FileNotFoundError(f"no file {path} for the part {part!r} of the released weights")
        try:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises half a dozen kinds for a damaged file
            raise ValueError(f"{path} cannot be read as released weights: {error}") from error
        if not isinstance(tensors, Mapping) or set(tensors) != set(names):
            found = sorted(tensors) if isinstance(tensors, Mapping) else type(tensors).__name__
            raise ValueError(f"{path} should hold {sorted(names)}, but holds {found}")
        for name, v in tensors.items():
            expected = tuple(own[names[name]].shape)
            if tuple(v.shape) != expected:
                raise ValueError(f"{path}: {name} should be {expected}, but is {tuple(v.shape)}")
            state[names[name]] = v.float()
    model.load_state_dict(state)
    return model.eval()
