"""A GRU that learns faster on a processor: torch's own, with another way through the gradient.

Torch goes back through a sequence frame by frame, and in each frame adds one product to the
gradient of every weight.  The sum of these products is one product of the whole sequence, which is
what is computed here: the same numbers, but for the order of sums, sooner.  Chapter 5 has the cell,
chapter 6 the training.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class GRU(nn.GRU):
    """`torch.nn.GRU` of one layer, with the same weights and the same results.

    Where nothing is learnt, elsewhere than on a processor, and from a state that is given, it is
    torch's own in every respect.

    Examples
    --------
    >>> layer = GRU(4, 3, batch_first=True)
    >>> states, last = layer(torch.zeros(2, 5, 4))
    >>> states.shape, last.shape
    (torch.Size([2, 5, 3]), torch.Size([1, 2, 3]))

    References
    ----------
    Chapters 5 and 6; Cho et al. (2014).
    """

    def forward(self, x: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Inputs (B, T, D), perhaps a state (1, B, H) -> states (B, T, H), the last (1, B, H)."""
        if h is not None or not torch.is_grad_enabled() or x.device.type != "cpu":
            return super().forward(x, h)
        states = [self._one_way(x, "")]
        last = [states[0][:, -1]]
        if self.bidirectional:
            states.append(self._one_way(x.flip(1), "_reverse").flip(1))
            last.append(states[1][:, 0])
        return torch.cat(states, dim=-1), torch.stack(last)

    def _one_way(self, x: Tensor, end: str) -> Tensor:
        W_i, W_h, b_i, b_h = (
            getattr(self, f"{name}_l0{end}")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        heard = nn.functional.linear(x, W_i, b_i)  # (B, T, 3H), all frames at once
        low = torch.is_autocast_enabled("cpu")
        with torch.autocast("cpu", enabled=False):
            heard = heard.to(W_h.dtype).transpose(0, 1).contiguous()
            return _Recurrence.apply(heard, W_h, b_h, low).transpose(0, 1)


class _Recurrence(torch.autograd.Function):
    """(T, B, 3H), (3H, H), (3H,), in bfloat16 or not -> the states (T, B, H), from zero on."""

    @staticmethod
    def forward(ctx: Any, heard: Tensor, W: Tensor, b: Tensor, low: bool) -> Tensor:
        frames, batch, H = *heard.shape[:2], W.shape[1]
        kind = torch.bfloat16 if low else W.dtype
        W_t, b_t = W.to(kind).t(), b.to(kind)
        h, states = heard.new_zeros(batch, H), heard.new_empty(frames, batch, H)
        gates = heard.new_empty(frames, batch, 4 * H)  # r, z, n, and U_n h + c_n
        for t in range(frames):
            u = torch.addmm(b_t, h.to(kind), W_t)
            r, z, n, u_n = gates[t].split(H, dim=-1)
            rz = gates[t, :, : 2 * H]
            torch.add(heard[t, :, : 2 * H], u[:, : 2 * H], out=rz).sigmoid_()
            u_n.copy_(u[:, 2 * H :])
            torch.addcmul(heard[t, :, 2 * H :], r, u_n, out=n).tanh_()
            h = torch.lerp(n, h, z, out=states[t])
        ctx.save_for_backward(states, gates, W)
        ctx.kind = kind
        return states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:  # type: ignore[override]
        (d,) = gradients  # of the states
        states, gates, W = ctx.saved_tensors
        (frames, batch, H), W = states.shape, W.to(ctx.kind)
        r, z, n, u_n = gates.split(H, dim=-1)
        before = torch.cat([torch.zeros_like(states[:1]), states[:-1]])
        # By how much a state moves with what goes into tanh and into the sigmoids.
        by_n, by_z = (1 - z) * (1 - n * n), (before - n) * z * (1 - z)
        by_r = u_n * r * (1 - r)  # ... and what goes into tanh with r
        d_heard = d.new_empty(frames, batch, 3 * H)
        d_u = torch.empty(frames, batch, 3 * H, dtype=ctx.kind)
        d_h = torch.zeros_like(states[0])
        for t in range(frames - 1, -1, -1):
            d_h = d_h + d[t]
            d_r, d_z, d_n = d_heard[t].split(H, dim=-1)
            torch.mul(d_h, by_n[t], out=d_n)
            torch.mul(d_h, by_z[t], out=d_z)
            torch.mul(d_n, by_r[t], out=d_r)
            d_u[t, :, : 2 * H].copy_(d_heard[t, :, : 2 * H])
            d_u[t, :, 2 * H :].copy_(d_n * r[t])
            d_h = torch.addcmul((d_u[t] @ W).to(d_h.dtype), d_h, z[t])
        flat = d_u.view(frames * batch, 3 * H)
        d_W = flat.t() @ before.reshape(frames * batch, H).to(ctx.kind)
        return d_heard, d_W.to(d.dtype), flat.to(d.dtype).sum(0), None
