"""tools/amplify.py: dry guitars through amplifiers (chapter 6)."""

import sys

import amplify
import numpy as np
import pytest
import soundfile

RATE = 44_100


def pluck(hertz):
    t = np.arange(RATE) / RATE
    return (0.3 * np.sin(2 * np.pi * hertz * t) * np.exp(-3 * t)).astype(np.float32)


@pytest.mark.parametrize("kind", ["guitar", "bass"])
def test_an_amplifier_adds_harmonics_and_keeps_the_note(kind):
    y = amplify.amplified(pluck(200), kind, np.random.default_rng(1))
    power = np.square(np.abs(np.fft.rfft(y)))  # 1 Hz a bin
    harmonics = sum(power[k * 200 - 5 : k * 200 + 6].sum() for k in range(1, 20))
    assert harmonics > 0.8 * power.sum()
    assert np.abs(y).max() == pytest.approx(0.8)
    dry = np.square(np.abs(np.fft.rfft(pluck(200))))
    assert power[590:611].sum() / power.sum() > 10 * dry[590:611].sum() / dry.sum()


def test_the_same_seed_gives_the_same_files(tmp_path, monkeypatch):
    (tmp_path / "dry").mkdir()
    soundfile.write(tmp_path / "dry" / "Lead.wav", pluck(220), RATE)
    soundfile.write(tmp_path / "dry" / "Slow_Bass.wav", pluck(55), RATE)
    found = []
    for out in ("a", "b"):
        options = [str(tmp_path / "dry"), "--out", str(tmp_path / out), "--times", "2"]
        monkeypatch.setattr(sys, "argv", ["amplify.py", *options])
        amplify.main()
        found.append({f.name: soundfile.read(f)[0] for f in sorted((tmp_path / out).iterdir())})
    names = ["Lead_0.flac", "Lead_1.flac", "Slow_Bass_0.flac", "Slow_Bass_1.flac"]
    assert list(found[0]) == list(found[1]) == names
    for name in names:
        np.testing.assert_array_equal(found[0][name], found[1][name])
    assert not np.array_equal(found[0]["Lead_0.flac"], found[0]["Lead_1.flac"])
