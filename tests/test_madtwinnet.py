"""The network, its losses, its weights (chapters 5 and 6)."""

import json
from dataclasses import replace

import complement
import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from hpss_lib import madtwinnet as mad

TINY = mad.Config(bins=33, low_bins=12, frames=12, context=3, hidden=8)


def build(config=TINY, seed=0):
    model = mad.MaDTwinNet(config)
    mad.initialise(model, config, seed)
    return model.eval()


def magnitudes(bins, frames, seed=0):
    return np.random.default_rng(seed).gamma(0.5, 1.0, (bins, frames)).astype(np.float32)


@pytest.mark.parametrize(
    ("config", "inference", "training"),
    [(mad.PAPER, 27_195_538, 45_755_923), (mad.COMPACT, 6_805_514, 11_449_099)],
)
def test_parameter_counts(config, inference, training):
    with torch.device("meta"):
        model, twin = mad.MaDTwinNet(config), mad.TwinNet(config)
    assert mad.count_parameters(model) == inference
    assert mad.count_parameters(model, twin) == training


def test_published_initialisation():
    model = build(replace(mad.PAPER, bins=65, low_bins=20, hidden=16))
    W = model.masker.decoder.weight_hh_l0.detach()  # (120, 40): three gates as one matrix
    torch.testing.assert_close(W.T @ W, torch.eye(40), atol=1e-5, rtol=0)
    W = model.masker.decoder.weight_ih_l0.detach()
    assert float(W.std()) == pytest.approx(np.sqrt(2 / (120 + 40)), rel=0.05)
    for name, p in model.named_parameters():
        if "bias" in name:
            assert not p.any(), name
    W = model.masker.mask.linear.weight
    assert float(W.detach().std()) == pytest.approx(np.sqrt(2 / sum(W.shape)), rel=0.1)


def test_compact_gates_are_drawn_one_by_one():
    model = build(replace(mad.COMPACT, bins=65, low_bins=20, hidden=16))
    for gate in model.masker.decoder.weight_hh_l0.detach().chunk(3):
        torch.testing.assert_close(gate @ gate.T, torch.eye(40), atol=1e-5, rtol=0)
    W = model.masker.decoder.weight_ih_l0.detach()
    assert float(W.std()) == pytest.approx(np.sqrt(2 / (40 + 40)), rel=0.05)


def test_compact_starts_near_half_the_mixture():
    model = build(mad.COMPACT)
    V = magnitudes(mad.COMPACT.bins, 40)
    assert model.masker.mask.linear.bias.unique().item() == 0.5
    assert model.denoiser.decoder.bias.unique().item() == 1.0
    assert np.mean(mad.estimate(model, V)) > 0.1 * V.mean()  # no dead ReLUs to speak of


def test_config_refuses_nonsense():
    with pytest.raises(ValueError, match="exceed 2"):
        mad.Config(frames=20, context=10)
    with pytest.raises(ValueError, match="low_bins"):
        mad.Config(bins=10, low_bins=11)


# ------------------------------------------------------------------------------------ bands

# What tools/ablation.py tries: the paper's setting 2, heard in bands up to 16 kHz.
BANDED = mad.Config(2049, 372, 60, 5, 384, "2", level=0.08, bands_to=16_000.0)


def test_bands_cover_every_bin_up_to_their_top_once():
    edges, matrix = mad.band_edges(BANDED), mad.band_matrix(BANDED)
    top = round(16_000 / (44_100 / 4096))  # the bin nearest to 16 kHz
    widths = np.diff(edges)
    assert edges[0] == 0 and edges[-1] == top + 1
    assert (widths[:186] == 1).all() and (widths > 0).all()
    assert (widths[186:-1] <= widths[187:] + 1).all() and widths[-1] > 8 * widths[0]  # they grow
    assert matrix.shape == (372, 2049)
    torch.testing.assert_close(matrix.sum(1), torch.ones(372))  # means: a flat frame stays flat
    assert ((matrix > 0).sum(0) == (torch.arange(2049) <= top)).all()
    frame = torch.rand(2049)
    torch.testing.assert_close((matrix @ frame)[:186], frame[:186])
    a, b = edges[300], edges[301]
    torch.testing.assert_close((matrix @ frame)[300], frame[a:b].mean())


def test_the_encoder_hears_bands_alone():
    config = replace(TINY, bins=65, bands_to=11_025.0)  # bins 0 to 32
    model = build(config)
    V = torch.rand(1, 12, 65)
    with torch.no_grad():
        heard = model.masker.encoder(V)
        beyond = V.clone()
        beyond[..., 33:] += 1
        assert model.masker.encoder(beyond).equal(heard)
        within = V.clone()
        within[..., 32] += 1
        assert not model.masker.encoder(within).equal(heard)


def test_bands_are_no_weights(tmp_path):
    model = build(replace(TINY, bins=65, bands_to=11_025.0))
    assert model.state_dict().keys() == build().state_dict().keys()
    mad.save_model(tmp_path / "a.safetensors", model)
    read, _ = mad.read_model(tmp_path / "a.safetensors")
    assert read.config == model.config
    assert read.masker.encoder.bands.equal(model.masker.encoder.bands)


def test_weights_from_before_bands_load_unchanged(tmp_path):
    from safetensors.torch import load_file, safe_open, save_file

    model, V = build(), magnitudes(33, 20)
    path = tmp_path / "a.safetensors"
    mad.save_model(path, model)
    with safe_open(path, "pt") as file:
        config = json.loads(file.metadata()["config"])
    assert config.pop("bands_to") is None
    save_file(load_file(path), path, {"config": json.dumps(config)})  # as old headers are
    read, _ = mad.read_model(path)
    assert read.config == model.config
    state = {k: v.half().float() for k, v in model.state_dict().items()}
    model.load_state_dict(state)
    np.testing.assert_array_equal(mad.estimate(read, V), mad.estimate(model, V))


def test_bands_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="bands_to must lie"):
        replace(BANDED, bands_to=30_000.0)
    with pytest.raises(ValueError, match="without a bin"):
        replace(BANDED, low_bins=1200)
    with pytest.raises(ValueError, match="without a bin"):
        replace(BANDED, bands_to=1000.0)


# ---------------------------------------------------------------------------------- forward


def gru_by_hand(x, W_ih, W_hh, b_ih, b_hh):
    """A GRU in numpy, (T, inputs) -> (T, hidden): the oracle."""

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    h, out = np.zeros(W_hh.shape[1]), []
    for frame in x:
        i_r, i_z, i_n = np.split(W_ih @ frame + b_ih, 3)
        h_r, h_z, h_n = np.split(W_hh @ h + b_hh, 3)
        r, z = sigmoid(i_r + h_r), sigmoid(i_z + h_z)
        h = (1 - z) * np.tanh(i_n + r * h_n) + z * h
        out.append(h)
    return np.array(out)


@pytest.mark.parametrize("aligned", [True, False])
def test_whole_network_against_numpy(aligned):
    config = replace(TINY, aligned=aligned, clip=1.0)
    model = build(config)
    w = {k: v.double().numpy() for k, v in model.state_dict().items()}
    V = magnitudes(33, 12).T  # one sequence (T, N)

    def gru(name, suffix, x):
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return gru_by_hand(x, *(w[f"masker.{name}.{k}_l0{suffix}"] for k in kinds))

    x = 0.3 * np.log1p(30 * V[:, :12])  # clip is for training: some of these exceed 1
    assert V[:, :12].max() > 1
    forward = gru("encoder.gru", "", x) + x
    consumed_backward = gru("encoder.gru", "_reverse", x[::-1]) + x[::-1]  # as it comes out
    # Released: slot t holds the backward state after frame T-1-t.  Aligned: the one after frame t.
    backward = consumed_backward[::-1] if aligned else consumed_backward
    h = gru("decoder", "", np.hstack([forward, backward])[3:-3])
    mask = np.maximum(h @ w["masker.mask.linear.weight"].T + w["masker.mask.linear.bias"], 0)
    V_m = mask * V[3:-3]
    hidden = np.maximum(V_m @ w["denoiser.encoder.weight"].T + w["denoiser.encoder.bias"], 0)
    mask = np.maximum(hidden @ w["denoiser.decoder.weight"].T + w["denoiser.decoder.bias"], 0)
    with torch.no_grad():
        found = model(torch.from_numpy(V)[None])[0].numpy()
    np.testing.assert_allclose(found, mask * V_m, atol=1e-5)


def test_twin_runs_backward_in_time():
    twin = mad.TwinNet(TINY)
    mad.initialise(twin, TINY, 0)
    h_enc, h_dec, V = torch.randn(2, 6, 24), torch.randn(2, 6, 24), torch.rand(2, 6, 33)
    _, _, before = twin(h_enc, h_dec, V)
    h_enc[:, 2] += 1  # a change at frame 2 reaches frames 0..2 only
    _, _, after = twin(h_enc, h_dec, V)
    changed = (before != after).any(-1).any(0)
    assert changed.tolist() == [True, True, True, False, False, False]


# ----------------------------------------------------------------------------------- losses


def test_kl_loss_against_loops_and_finite_differences():
    rng = np.random.default_rng(0)
    y, y_hat = rng.gamma(1.0, 1.0, (2, 2, 3, 5))
    total = 0.0
    for b in range(2):
        for t in range(3):
            for f in range(5):
                a, e = y[b, t, f], y_hat[b, t, f]
                total += a * (np.log(a + 1e-6) - np.log(e + 1e-6)) + e - a
    y, y_hat = torch.from_numpy(y), torch.from_numpy(y_hat).requires_grad_()
    assert mad.kl_loss(y, y_hat).item() == pytest.approx(total / 6, rel=1e-12)
    assert gradcheck(lambda e: mad.kl_loss(y, e), y_hat)
    assert mad.kl_loss(y, y).item() == 0 < mad.kl_loss(y, 1.1 * y).item()


def test_twin_loss_against_loops_and_finite_differences():
    rng = np.random.default_rng(1)
    a, h = rng.standard_normal((2, 2, 3, 4))
    expected = np.mean(
        [[np.sqrt(((a[b, t] - h[b, t]) ** 2).sum()) for t in range(3)] for b in (0, 1)]
    )
    a, h = torch.from_numpy(a).requires_grad_(), torch.from_numpy(h).requires_grad_()
    loss = mad.twin_loss(a, h)
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    assert gradcheck(lambda v: mad.twin_loss(v, h.detach()), a)
    loss.backward()
    assert h.grad is None  # the twin is a target
    assert a.grad.abs().sum() > 0


def test_compressed_loss_against_loops_and_finite_differences():
    rng = np.random.default_rng(2)
    y, y_hat = rng.gamma(1.0, 1.0, (2, 2, 3, 5))
    expected = ((np.log(1 + 30 * y) - np.log(1 + 30 * y_hat)) ** 2).sum() / 6
    y, y_hat = torch.from_numpy(y), torch.from_numpy(y_hat).requires_grad_()
    assert mad.compressed_loss(y, y_hat).item() == pytest.approx(expected, rel=1e-12)
    assert gradcheck(lambda e: mad.compressed_loss(y, e), y_hat)


def test_squared_loss_against_loops_and_in_the_sum():
    rng = np.random.default_rng(3)
    y, y_hat = rng.gamma(1.0, 1.0, (2, 2, 3, 5))
    expected = ((y - y_hat) ** 2).sum() / 6
    y, y_hat = torch.from_numpy(y), torch.from_numpy(y_hat).requires_grad_()
    assert mad.squared_loss(y, y_hat).item() == pytest.approx(expected, rel=1e-12)
    assert gradcheck(lambda e: mad.squared_loss(y, e), y_hat)
    model = build()
    V = torch.rand(2, model.config.frames, model.config.bins)
    target = 0.5 * mad.trim(V, model.config)
    plain, more = (mad.losses(model, None, V, target, squared=w) for w in (0.0, 3.0))
    V_m = model.masker(V)[0]
    both = sum(mad.squared_loss(target, y).item() for y in (V_m, model.denoiser(V_m)))
    assert "squared" not in plain and more["squared"].item() == pytest.approx(both, rel=1e-5)
    assert (more["total"] - plain["total"]).item() == pytest.approx(3 * both, rel=1e-4)


def test_penalties_against_loops():
    model = build()
    W = model.masker.mask.linear.weight.detach().numpy()  # (33, 24)
    diagonal = sum(abs(W[i, i]) for i in range(24))
    assert mad.sparsity_penalty(model.masker).item() == pytest.approx(diagonal, rel=1e-5)
    W = model.denoiser.decoder.weight.detach().numpy()
    assert mad.energy_penalty(model.denoiser).item() == pytest.approx((W**2).sum(), rel=1e-5)
    assert mad.energy_penalty(build(replace(TINY, hidden=0)).denoiser) == 0


def test_total_is_the_published_sum():
    model, twin = build(), mad.TwinNet(TINY)
    mad.initialise(twin, TINY, 1)
    V = torch.rand(2, 12, 33)
    terms = mad.losses(model, twin, V, 0.5 * mad.trim(V, TINY))
    expected = (
        terms["masker"] + terms["denoiser"] + terms["twin_masker"] + 0.5 * terms["twin"]
        + 1e-2 * mad.sparsity_penalty(model.masker) + 1e-4 * mad.energy_penalty(model.denoiser)
    )  # fmt: skip
    torch.testing.assert_close(terms["total"], expected)
    assert set(mad.losses(model, None, V, V[:, 3:-3])) == {"total", "masker", "denoiser"}


def test_no_gradient_flows_into_the_twin_through_its_loss():
    model, twin = build(), mad.TwinNet(TINY)
    mad.initialise(twin, TINY, 1)
    V = torch.rand(2, 12, 33)
    mad.losses(model, twin, V, 0.5 * mad.trim(V, TINY))["twin"].backward()
    assert all(p.grad is None for p in (*twin.decoder.parameters(), *twin.mask.parameters()))
    assert twin.affine.weight.grad.abs().sum() > 0
    assert model.masker.decoder.weight_hh_l0.grad.abs().sum() > 0


# --------------------------------------------------------------------------------- estimate


@pytest.mark.parametrize("frames", [0, 1, 5, 6, 7, 12, 50])
def test_every_frame_is_estimated_as_if_alone(frames):
    model, V = build(), magnitudes(33, frames)
    V_hat = mad.estimate(model, V, batch=3)
    assert V_hat.shape == V.shape
    assert V_hat.dtype == np.float32
    padded = np.pad(V, ((0, 0), (3, 3 + 6)))  # L before; L and an incomplete sequence after
    for start in range(0, frames, 6):
        with torch.no_grad():
            y = model(torch.from_numpy(padded[:, start : start + 12].T.copy())[None])[0].numpy().T
        kept = V_hat[:, start : start + 6]
        np.testing.assert_allclose(kept, y[:, : kept.shape[1]], atol=1e-5)
    assert frames == 0 or (V_hat.sum(0) > 0).all()


def test_batch_size_changes_nothing_and_the_input_stays():
    model, V = build(), magnitudes(33, 101)
    before = V.copy()
    one = mad.estimate(model, V, batch=1)
    for batch in (2, 7, 1000):
        np.testing.assert_allclose(mad.estimate(model, V, batch=batch), one, atol=1e-5)
    np.testing.assert_array_equal(V, before)


def test_sequences_overlap_by_their_context():
    V = magnitudes(33, 20)
    sequences = mad.cut_sequences(V, TINY, 6, 19).numpy()  # 13 frames: three times 6
    assert sequences.shape == (3, 12, 33)
    np.testing.assert_array_equal(sequences[1], [*V[:, 9:20].T.tolist(), [0.0] * 33])
    np.testing.assert_array_equal(sequences[0, 6:], sequences[1, :6])
    assert not sequences[2, 20 - 15 :].any()


def test_a_song_in_blocks_equals_the_whole():
    model, V = build(), magnitudes(33, 101)
    whole, parts = mad.estimate(model, V), []
    for first in range(0, 101, 24):  # blocks begin at multiples of T - 2L = 6
        last = min(first + 24, 101)
        a, b = max(first - 3, 0), min(last + 3, 101)
        parts.append(mad.estimate(model, V[:, a:b], before=first - a, after=b - last))
    np.testing.assert_allclose(np.hstack(parts), whole, atol=1e-5)


WARM = replace(TINY, warm_up=4)


def test_the_decoder_goes_on_from_the_sequence_before():
    """Frame by frame: as if the end of one sequence stood in front of the next."""
    model, V = build(WARM), magnitudes(33, 31)
    V_hat = mad.estimate(model, V, batch=2)
    padded = torch.from_numpy(np.pad(V, ((0, 0), (3, 3 + 6))).T.copy())
    end = None
    with torch.no_grad():
        for start in range(0, 31, 6):
            own = padded[None, start : start + 12]
            h = model.masker.encoder(own)
            both = h if end is None else torch.cat([end, h], dim=1)
            h_dec = model.masker.decoder(both)[0][:, -6:]
            y = model.denoiser(model.masker.mask(h_dec, own[:, 3:9]))[0].numpy().T
            end = h[:, -4:]
            kept = V_hat[:, start : start + 6]
            np.testing.assert_allclose(kept, y[:, : kept.shape[1]], atol=1e-5)
    cold = build(TINY)
    cold.load_state_dict(model.state_dict())
    np.testing.assert_allclose(V_hat[:, :6], mad.estimate(cold, V)[:, :6], atol=1e-6)
    assert np.abs(V_hat - mad.estimate(cold, V))[:, 6:].max() > 1e-4


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_a_warm_decoder_in_blocks_equals_the_whole(batch):
    model, V = build(WARM), magnitudes(33, 101)
    whole, parts = mad.estimate(model, V), []
    for first in range(0, 101, 24):
        last = min(first + 24, 101)
        a, b = max(first - 9, 0), min(last + 9, 101)  # T - L: the sequence before and its context
        parts.append(mad.estimate(model, V[:, a:b], before=first - a, after=b - last, batch=batch))
    np.testing.assert_allclose(np.hstack(parts), whole, atol=1e-5)


def test_silence_stays_silent():
    assert not mad.estimate(build(), np.zeros((33, 30), np.float32)).any()


@pytest.mark.parametrize(
    ("V", "match"),
    [
        (np.zeros((32, 9)), "do not fit"),
        (np.zeros(33), "do not fit"),
        (np.full((33, 9), np.nan), "finite"),
        (np.full((33, 9), -1.0), ">= 0"),
    ],
)
def test_estimate_refuses_other_magnitudes(V, match):
    with pytest.raises(ValueError, match=match):
        mad.estimate(build(), V)


@pytest.mark.parametrize("gain", [1e-4, 0.1, 30.0])
def test_with_a_level_loudness_does_not_matter(gain):
    V = np.abs(np.random.default_rng(0).standard_normal((TINY.bins, 50))).astype(np.float32)
    model = build(replace(TINY, level=0.08))
    V_hat = mad.estimate(model, V)
    np.testing.assert_allclose(mad.estimate(model, gain * V), gain * V_hat, rtol=2e-4, atol=1e-9)
    loud = build(replace(TINY, compression=(0.3, 30.0)))  # without: it does
    assert not np.allclose(mad.estimate(loud, gain * V), gain * mad.estimate(loud, V), rtol=1e-2)
    assert (mad.estimate(model, 0 * V) == 0).all()


# ---------------------------------------------------------------------------------- weights


def test_save_and_read(tmp_path):
    model = build(replace(TINY, compression=None))
    mad.save_model(tmp_path / "w.safetensors", model, target="percussive", steps=3)
    again, story = mad.read_model(tmp_path / "w.safetensors")
    assert again.config == model.config
    assert story["target"] == "percussive" and story["steps"] == 3
    for k, v in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[k], v.half().float(), rtol=0, atol=0)
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_damaged_weights_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    with pytest.raises(FileNotFoundError, match="no weights"):
        mad.read_model(path)
    mad.save_model(path, build())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged"):
        mad.read_model(path)


def released_files(folder, config):
    """Four files in the layout of the authors' release, with random weights."""
    rng, F, N = torch.Generator().manual_seed(0), config.low_bins, config.bins

    def normal(*shape):
        return 0.1 * torch.randn(shape, generator=rng)

    def gru(name, inputs, units):
        return {
            f"{name}.weight_ih": normal(3 * units, inputs),
            f"{name}.weight_hh": normal(3 * units, units),
            f"{name}.bias_ih": normal(3 * units),
            f"{name}.bias_hh": normal(3 * units),
        }

    def linear(name, inputs, outputs):
        return {f"{name}.weight": normal(outputs, inputs), f"{name}.bias": normal(outputs)}

    states = {
        "rnn_enc": gru("gru_enc_f", F, F) | gru("gru_enc_b", F, F),
        "rnn_dec": gru("gru_dec", 2 * F, 2 * F),
        "fnn": linear("linear_layer", 2 * F, N),
        "denoiser": linear("fnn_enc", N, config.hidden) | linear("fnn_dec", config.hidden, N),
    }
    files = {part: folder / f"{part}.pt" for part in states}
    for part, state in states.items():
        torch.save(state, files[part])
    return files, states


def test_released_weights(tmp_path):
    config = replace(TINY, aligned=False)
    files, states = released_files(tmp_path, config)
    model = mad.load_released(files, config=config)
    own = model.state_dict()
    assert own["masker.encoder.gru.weight_hh_l0_reverse"].equal(
        states["rnn_enc"]["gru_enc_b.weight_hh"]
    )
    assert own["denoiser.decoder.bias"].equal(states["denoiser"]["fnn_dec.bias"])
    assert sum(v.numel() for s in states.values() for v in s.values()) == mad.count_parameters(
        model
    )
    assert not model.config.aligned


def test_released_weights_hear_how_loud_a_bin_is(tmp_path):
    config = replace(TINY, aligned=False, compression=None, clip=1.0)
    model = mad.load_released(released_files(tmp_path, config)[0], config=config)
    V = magnitudes(33, 12)
    V[4, 6] = 1
    one = mad.estimate(model, V)
    V[4, 6] = 2
    two = mad.estimate(model, V)
    others = np.arange(33) != 4  # in bin 4 it is the mask's input as well
    assert not np.allclose(one[others], two[others], rtol=1e-4)


def test_released_weights_that_do_not_fit_are_refused(tmp_path):
    config = replace(TINY, aligned=False)
    files, states = released_files(tmp_path, config)
    with pytest.raises(ValueError, match=r"rnn_enc.pt: .* should be \(48, 16\), but is \(36, 12\)"):
        mad.load_released(files, config=replace(config, low_bins=16))
    with pytest.raises(ValueError, match="lacks"):
        mad.load_released({"rnn_enc": files["rnn_enc"]}, config=config)
    torch.save({"linear_layer.weight": states["fnn"]["linear_layer.weight"]}, files["fnn"])
    with pytest.raises(ValueError, match="should hold"):
        mad.load_released(files, config=config)
    files["rnn_dec"].write_bytes(files["rnn_dec"].read_bytes()[:100])
    with pytest.raises(ValueError, match="cannot be read"):
        mad.load_released(files, config=config)
    files["rnn_enc"].unlink()
    with pytest.raises(FileNotFoundError, match="rnn_enc"):
        mad.load_released(files, config=config)


class Malicious:
    def __reduce__(self):
        return (print, ("this must never run",))


def test_nothing_but_tensors_is_unpickled(tmp_path, capsys):
    config = replace(TINY, aligned=False)
    files, _ = released_files(tmp_path, config)
    torch.save(Malicious(), files["fnn"])
    with pytest.raises(ValueError, match="cannot be read"):
        mad.load_released(files, config=config)
    assert "never run" not in capsys.readouterr().out


def test_the_complement_leaves_what_the_other_takes():
    model = build(replace(TINY, mask_bias=0.5))  # masks near one half
    V = torch.rand(3, model.config.frames, model.config.bins)
    with torch.no_grad():
        model.denoiser.decoder.weight.normal_()  # whatever it has learned is not taken over
        taken = model.masker(V)[0]
        left = complement.complement(model)(V)
    V = mad.trim(V, model.config)
    inside = (taken > 0) & (taken < V)
    assert inside.float().mean() > 0.5
    torch.testing.assert_close((taken + left)[inside], V[inside], atol=1e-5, rtol=1e-5)
