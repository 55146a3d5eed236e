"""Effects: pure, as loud and as long as what they were given, and each does what it is for."""

import numpy as np
import pytest

from hpss_lib.songs import effects

RATE = 44100

CHAINS = {
    "band_pass": lambda x: effects.band_pass(x, low=200, high=4000),
    "equalise": lambda x: effects.equalise(x, ((1000, 6, 1),)),
    "amplifier": lambda x: effects.amplifier(x, drive=20),
    "compress": lambda x: effects.compress(x),
    "room": lambda x: effects.room(
        x, effects.impulse_response(np.random.default_rng(1), seconds=0.3), wet=0.3
    ),
    "chorus": lambda x: effects.chorus(x),
    "drum_bus": lambda x: effects.drum_bus(x, np.random.default_rng(2)),
    "guitar": lambda x: effects.part_bus(x, np.random.default_rng(3), kind="guitar", drive=20),
    "voice": lambda x: effects.part_bus(x, np.random.default_rng(4), kind="voice"),
    "stem_bus": lambda x: effects.stem_bus(x, np.random.default_rng(5)),
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("length", [100, 30001])
def test_effects_are_pure_and_keep_length_and_silence(name, length):
    x = 0.1 * np.random.default_rng(0).standard_normal(length).astype(np.float32)
    kept = x.copy()
    y, again = CHAINS[name](x), CHAINS[name](x)
    assert y.shape == x.shape and y.dtype == np.float32 and np.isfinite(y).all()
    assert np.array_equal(y, again) and np.array_equal(x, kept)
    silence = CHAINS[name](np.zeros(length, np.float32))
    assert not silence.any()


@pytest.mark.parametrize("gain_db", [-6.0, 9.0])
def test_the_equaliser_raises_its_centre_by_its_gain(gain_db):
    impulse = np.zeros(RATE, np.float32)
    impulse[0] = 1
    H = np.abs(np.fft.rfft(effects.equalise(impulse, ((1000, gain_db, 1.0),))))
    assert 20 * np.log10(H[1000]) == pytest.approx(gain_db, abs=0.05)
    assert 20 * np.log10(H[15000]) == pytest.approx(0, abs=0.3)


def test_the_amplifier_adds_harmonics_below_its_loudspeaker_s_limit():
    t = np.arange(RATE) / RATE
    x = (0.1 * np.sin(2 * np.pi * 300 * t)).astype(np.float32)
    level = 20 * np.log10(np.abs(np.fft.rfft(effects.amplifier(x, drive=20, high=5000))) + 1e-9)
    assert level[900] > level[300] - 20 and level[600] > level[300] - 40
    assert level[11100] < level[300] - 60


def test_the_compressor_lessens_the_peaks():
    t = np.arange(RATE) / RATE
    x = (np.sin(2 * np.pi * 200 * t) * np.where(t < 0.5, 0.8, 0.1)).astype(np.float32)
    y = effects.compress(x, ratio=4, below_db=12)
    before, after = (np.std(v[5000:20000]) / np.std(v[30000:]) for v in (x, y))
    assert 20 * np.log10(before / after) == pytest.approx(12 * (1 - 1 / 4), abs=1.0)


def test_a_room_decays_by_60_db_in_its_time():
    h = effects.impulse_response(
        np.random.default_rng(0), seconds=1.0, early=0.0, damping=20000
    ).astype(np.float64)
    early, late = (np.mean(h[int(a * RATE) : int((a + 0.1) * RATE)] ** 2) for a in (0.1, 0.8))
    assert 10 * np.log10(early / late) == pytest.approx(42, abs=4)
    assert np.sum(h**2) == pytest.approx(1)
