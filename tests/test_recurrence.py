"""The GRU that learns faster: torch's own results and gradients, whatever the sizes."""

import pytest
import torch

from hpss_lib import madtwinnet
from hpss_lib.recurrence import GRU


def both(inputs, units, bidirectional, dtype, seed=0):
    """Torch's layer and ours, with the same weights."""
    torch.manual_seed(seed)
    kept = {"batch_first": True, "bidirectional": bidirectional, "dtype": dtype}
    theirs, ours = torch.nn.GRU(inputs, units, **kept), GRU(inputs, units, **kept)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def learnt(layer, x, weights):
    """States, last state and every gradient of a weighted sum of both."""
    x = x.clone().requires_grad_()
    states, last = layer(x)
    (states * weights).sum().add(last.square().sum()).backward()
    return states, last, x.grad, *(p.grad for p in layer.parameters())


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(
    ("batch", "frames", "inputs", "units"),
    [(1, 1, 1, 1), (3, 7, 4, 5), (2, 60, 31, 16), (5, 2, 3, 40)],
)
def test_the_same_states_and_gradients(batch, frames, inputs, units, bidirectional):
    theirs, ours = both(inputs, units, bidirectional, torch.float64)
    x = torch.randn(batch, frames, inputs, dtype=torch.float64)
    weights = torch.randn(batch, frames, units * (1 + bidirectional), dtype=torch.float64)
    for a, b in zip(learnt(theirs, x, weights), learnt(ours, x, weights), strict=True):
        torch.testing.assert_close(b, a, rtol=1e-10, atol=1e-12)


def test_in_bfloat16_as_near_to_the_truth_as_torch():
    theirs, ours = both(40, 30, True, torch.float32)
    x, weights = torch.randn(4, 25, 40), torch.randn(4, 25, 60)
    exact = learnt(theirs, x, weights)
    exact = [v.detach().clone() for v in exact]
    errors = []
    for layer in (theirs, ours):
        layer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            found = learnt(layer, x, weights)
        pairs = [(v.detach().float(), e) for v, e in zip(found, exact, strict=True)]
        errors.append([float((v - e).norm() / e.norm()) for v, e in pairs])
    for a, b in zip(*errors, strict=True):
        assert b < max(1.5 * a, 0.02)


def test_where_nothing_is_learnt_it_is_torchs_own():
    theirs, ours = both(6, 4, True, torch.float32)
    x, h = torch.randn(2, 9, 6), torch.randn(2, 2, 4)
    with torch.no_grad():
        assert all(map(torch.equal, theirs(x), ours(x)))
    assert all(map(torch.equal, theirs(x, h), ours(x, h)))


def test_the_network_learns_with_it():
    model = madtwinnet.MaDTwinNet(
        madtwinnet.Config(bins=9, low_bins=4, frames=6, context=1, hidden=3)
    )
    layers = [m for m in model.modules() if isinstance(m, torch.nn.GRU)]
    assert len(layers) == 2 and all(isinstance(m, GRU) for m in layers)
