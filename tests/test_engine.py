"""The browser's engine (book/engine) under Node: each function gives the library's own numbers."""

import base64
import importlib.util
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from hpss_lib import audio, median, puiter, separation, sinusoids, subtraction
from hpss_lib.madtwinnet import WEIGHTS, Config, band_edges, estimate, load_model
from hpss_lib.stft import COMPACT, SAMPLE_RATE, SETTING_1, SETTINGS, istft, overlap_add, stft

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ROOT / "book" / "engine"
NETWORK = str(WEIGHTS / "compact-percussive.safetensors")
ARRAYS = {"f4": "Float32Array", "f8": "Float64Array"}


def node():
    """The path of Node: the one that comes as a Python wheel, or the system's."""
    return shutil.which("node", path=Path(sys.executable).parent) or shutil.which("node")


class Engine:
    """A Node process that calls the engine's functions."""

    def __init__(self):
        command = [node(), str(ROOT / "tests" / "engine" / "call.mjs")]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def __call__(self, module, name, *args):
        """What module.name(*args) returns; raises ValueError with what it throws."""
        self.process.stdin.write(json.dumps([module, name, args], default=_encode) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline(), object_hook=_decode)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["value"]


def _encode(value):
    if isinstance(value, np.generic):
        return value.item()
    kind = value.dtype.str[1:]
    return {"array": ARRAYS[kind], "data": base64.b64encode(value.tobytes()).decode()}


def _decode(value):
    if "array" not in value:
        return value
    kind = next(k for k, name in ARRAYS.items() if name == value["array"])
    return np.frombuffer(base64.b64decode(value["data"]), kind)


@pytest.fixture(scope="module")
def engine():
    """The engine under Node, which every checkout has: it comes with the book's packages."""
    calls = Engine()
    yield calls
    calls.process.stdin.close()
    assert calls.process.wait(10) == 0


def frames(A):
    """A spectrogram (F, T) as the engine has it: frame after frame."""
    return np.ascontiguousarray(A.T).ravel()


def spectrogram(X):
    """The same of a complex one."""
    X = X.astype(np.complex64)
    return {
        "re": frames(X.real),
        "im": frames(X.imag),
        "bins": X.shape[0],
        "frames": X.shape[1],
    }


def as_array(S):
    """A spectrogram of the engine as (F, T) complex."""
    return (S["re"] + 1j * S["im"]).reshape(S["frames"], S["bins"]).T


def noise(n, seed=0):
    return np.random.default_rng(seed).standard_normal(n).astype(np.float32) / 8


def music(seconds, name="rock"):
    percussive, harmonic = audio.load_excerpt(name)
    return (percussive + harmonic)[: round(seconds * SAMPLE_RATE)]


def close(found, expected, tolerance=1e-5):
    """Nowhere further from the library's numbers than `tolerance` of the largest of them."""
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


# ------------------------------------------------------------------------------ the numbers


def test_the_engine_shares_the_librarys_numbers(engine):
    numbers = engine("", "settings")
    assert numbers["SETTINGS"] == {name: asdict(s) for name, s in SETTINGS.items()}
    for name, value in [
        ("SAMPLE_RATE", SAMPLE_RATE),
        ("HARMONIC_SECONDS", median.HARMONIC_SECONDS),
        ("PERCUSSIVE_HERTZ", median.PERCUSSIVE_HERTZ),
        ("INAUDIBLE", list(audio._INAUDIBLE)),
        ("THRESHOLD", sinusoids.THRESHOLD),
    ]:
        assert numbers[name] == value


# --------------------------------------------------------------------------------- chapter 1


@pytest.mark.parametrize("n", [1, 5000, 100000])
def test_without_rumble(engine, n):
    x = noise(n) + np.float32(0.05)
    (expected,) = np.concatenate(list(audio.without_rumble([x[:, None]], SAMPLE_RATE))).T
    padded = np.pad(x, engine("", "reach"), mode="symmetric")
    found = engine("rumble.js", "withoutRumble", padded)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


# --------------------------------------------------------------------------------- chapter 2


def test_fft(engine):
    z = noise(256).astype(float) + 1j * noise(256, 1)
    found = engine("", "transformed", z.real.copy(), z.imag.copy())
    close(found["re"] + 1j * found["im"], np.fft.fft(z), 1e-12)
    with pytest.raises(ValueError, match="power of two"):
        engine("", "transformed", np.zeros(12), np.zeros(12))


@pytest.mark.parametrize("n", [1, 511, 2048, 20000])
@pytest.mark.parametrize("settings", [COMPACT, SETTING_1], ids=["compact", "1"])
def test_stft_and_its_inverse(engine, n, settings):
    x = noise(n)
    X = stft(x, settings)
    close(as_array(engine("stft.js", "stft", x, asdict(settings))), X)
    back = engine("stft.js", "istft", spectrogram(X), asdict(settings), n)
    close(back, istft(X, settings, n))


def test_parts_of_a_spectrogram_and_of_its_signal(engine):
    x, settings = noise(20000), asdict(COMPACT)
    X = stft(x, COMPACT)[:, 9:16]
    offset = 9 * COMPACT.hop - COMPACT.n_fft // 2
    found = engine("stft.js", "stftFrames", x[offset:], settings, 9, 16, offset)
    close(as_array(found), X)
    y = np.zeros(len(x), np.float32)
    overlap_add(y, X, COMPACT, 9)
    part = engine("", "overlapAdded", spectrogram(X), settings, 9, offset, 4000)
    close(part, y[offset : offset + 4000])


def test_magnitude(engine):
    X = stft(noise(5000), COMPACT)
    close(engine("stft.js", "magnitude", spectrogram(X)), frames(np.abs(X)))


@pytest.mark.parametrize("window_ms", [3, 5, 8, 13, 20, 33, 50, 90, 250, 372])
def test_the_windows_control_says_the_same_as_the_library(engine, window_ms):
    from hpss_lib.chapters.stft import window_view

    found = engine("../computed/window.js", "look", {"window_ms": window_ms})
    assert found["text"] == window_view(window_ms).text


# --------------------------------------------------------------------------------- chapter 3


@pytest.mark.parametrize("frames_and_bins", [(31, 31), (1, 3), (5, 17)], ids=str)
@pytest.mark.parametrize("n", [600, 9000, 40000])
def test_medians(engine, n, frames_and_bins):
    V = np.abs(stft(noise(n), COMPACT))
    wide, high = frames_and_bins
    H = engine("median.js", "harmonicEnhanced", frames(V), COMPACT.bins, wide)
    P = engine("median.js", "percussiveEnhanced", frames(V), COMPACT.bins, high)
    assert np.array_equal(H, frames(median.harmonic_enhanced(V, wide)))
    assert np.array_equal(P, frames(median.percussive_enhanced(V, high)))


@pytest.mark.parametrize("seconds", [0.001, 0.36, 0.0290249433, 1.7])
def test_sizes_of_neighbourhoods(engine, seconds):
    for s in SETTINGS.values():
        found = engine("median.js", "secondsToFrames", seconds, asdict(s))
        assert found == median.seconds_to_frames(seconds, s)
        found = engine("median.js", "hertzToBins", 1000 * seconds, asdict(s))
        assert found == median.hertz_to_bins(1000 * seconds, s)


@pytest.mark.parametrize("power", [1.0, 2.0, 5.5])
def test_masks(engine, power):
    V = np.abs(stft(music(1.5), COMPACT))
    V[:40] = 0
    expected, _ = median.median_hpss(V, COMPACT, power=power)
    found = engine("median.js", "medianHpss", frames(V), asdict(COMPACT), {"power": power})
    close(found, frames(expected))


# --------------------------------------------------------------------------------- chapter 4


def test_subtraction(engine):
    V, V_p = np.abs(noise(4000)), np.abs(noise(4000, 1))
    close(engine("subtraction.js", "subtract", V, V_p), subtraction.subtract(V, V_p))
    for options in ({}, {"exponent": 2.0, "over": 1.5, "floor": 0.1}):
        found = engine("subtraction.js", "subtractFloored", V, V_p, options)
        close(found, subtraction.subtract_floored(V, V_p, **options))


def test_phase_of_the_mixture(engine):
    X = stft(noise(5000), COMPACT)
    X[:9] = 0
    V = np.abs(stft(noise(5000, 1), COMPACT))
    found = engine("subtraction.js", "applyPhase", frames(V), spectrogram(X))
    close(as_array(found), subtraction.apply_phase(V, X))


# --------------------------------------------------------------------------------- chapter 5


def test_the_network(engine):
    """Sequences whole and cut short, at the ends of a song and in its middle, silence in one."""
    V = np.abs(stft(music(3.2), COMPACT))
    V[:, 100:215] = 0
    model = load_model()
    for part, before, after in [(V, 0, 0), (V[:, 40:210], 10, 7), (V[:, :1], 0, 0)]:
        found = engine("", "estimate", NETWORK, frames(part), before, after)
        close(found, frames(estimate(model, part, before=before, after=after)))


def story_of(path):
    """The file's header and what follows it."""
    data = Path(path).read_bytes()
    (n,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + n]), data[8 + n :]


def with_config(folder, **changes):
    """A copy of the weights whose header says something else."""
    header, rest = story_of(NETWORK)
    config = json.loads(header["__metadata__"]["config"]) | changes
    header["__metadata__"]["config"] = json.dumps(config)
    text = json.dumps(header).encode()
    path = folder / "changed.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + rest)
    return str(path)


def test_sizes_and_level_come_from_the_header(engine, tmp_path):
    from hpss_lib.madtwinnet import read_model

    V = np.abs(stft(music(0.8), COMPACT))
    for changes in ({"frames": 40, "context": 5}, {"level": None, "compression": None}):
        path = with_config(tmp_path, **changes)
        found = engine("", "estimate", path, frames(V), 0, 0)
        close(found, frames(estimate(read_model(path)[0], V)))
        with pytest.raises(AssertionError):
            close(found, frames(estimate(load_model(), V)))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"ears": 2}, "ears, which this engine does not know"),
        ({"aligned": False}, "aligned"),
        ({"hidden": 0}, "denoiser"),
        ({"setting": "3"}, "no setting 3"),
        ({"setting": "1"}, "2049 bins, not 1025"),
        ({"low_bins": 371}, "multiple of 4"),
    ],
)
def test_what_the_engine_does_not_know_is_refused(engine, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        engine("", "estimate", with_config(tmp_path, **changes), np.zeros(1025, np.float32), 0, 0)


@pytest.mark.parametrize(
    "config",
    [
        Config(bins=2049, low_bins=372, hidden=384, setting="2", frames=60, bands_to=16000.0),
        Config(low_bins=8, bands_to=16000.0),
        Config(low_bins=372),
    ],
)
def test_bands(engine, config):
    expected = list(range(373)) if config.bands_to is None else list(band_edges(config))
    assert engine("network.js", "bandEdges", asdict(config)) == expected


def test_a_network_that_hears_bands_at_another_setting(engine, tmp_path):
    from hpss_lib.madtwinnet import MaDTwinNet, initialise, read_model, save_model

    config = Config(
        bins=2049,
        low_bins=16,
        frames=20,
        context=5,
        hidden=24,
        setting="2",
        bands_to=16000.0,
        level=0.1,
    )
    model, path = MaDTwinNet(config), tmp_path / "bands.safetensors"
    initialise(model, config, 0)
    save_model(path, model, target="percussive")
    V = np.abs(stft(music(1.2), SETTINGS["2"]))
    found = engine("", "estimate", str(path), frames(V), 0, 0)
    close(found, frames(estimate(read_model(path)[0], V)))
    bins = Config(**(asdict(config) | {"bands_to": None}))
    other = MaDTwinNet(bins)
    other.load_state_dict(read_model(path)[0].state_dict())
    with pytest.raises(AssertionError):
        close(found, frames(estimate(other, V)))


@pytest.mark.parametrize("warm_up", [1, 10, 40])
def test_a_warm_decoder(engine, tmp_path, warm_up):
    """More sequences than are estimated together, whole and as a block with one before it."""
    from hpss_lib.madtwinnet import read_model

    V = np.abs(stft(music(5.5), COMPACT))  # 474 frames, 12 sequences of 40
    path = with_config(tmp_path, frames=60, context=10, warm_up=warm_up)
    model = read_model(path)[0]
    for part, before, after in [(V, 0, 0), (V[:, 70:200], 50, 50), (V[:, 40:120], 40, 3)]:
        found = engine("", "estimate", path, frames(part), before, after)
        expected = estimate(model, part, before=before, after=after)
        close(found, frames(expected))
    cold = read_model(with_config(tmp_path, frames=60, context=10))[0]
    with pytest.raises(AssertionError):
        close(found, frames(estimate(cold, part, before=before, after=after)))


def test_damaged_weights_are_refused(engine, tmp_path):
    path = tmp_path / "x.safetensors"
    whole = Path(NETWORK).read_bytes()
    for content, message in [(b"no", "damaged"), (whole[:200], "damaged"), (whole[:-9], "short")]:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            engine("", "estimate", str(path), np.zeros(1025, np.float32), 0, 0)


def test_the_arithmetic_is_built_from_its_source(tmp_path):
    """network.wasm is, byte for byte, what the pinned compiler makes of network.c."""
    if importlib.util.find_spec("ziglang") is None and os.environ.get("CI") != "true":
        # Never in CI, which installs it and fails below where it is missing. A compiler of 400 MB,
        # which nothing else needs, is asked of no reader.
        needed = "ziglang is not installed: pip install -r book/engine/requirements.txt"
        pytest.skip(needed)  # never in CI; a compiler of 400 MB that only this test needs
    command = [
        sys.executable,
        str(ROOT / "tools" / "build_engine.py"),
        "--out",
        tmp_path / "x.wasm",
    ]
    subprocess.run(command, check=True)
    assert (tmp_path / "x.wasm").read_bytes() == (ENGINE / "network.wasm").read_bytes()


# -------------------------------------------------------------------------- chapters 7 and 8


def test_sinusoids(engine):
    V = np.abs(stft(music(0.5), COMPACT))
    plateaus = np.array([0, 1, 1, 0, 2, 2, 2, 1, 0, 0, 3, 3], np.float32)
    for v in [*V.T[::9], plateaus, np.zeros(20, np.float32), np.ones(5, np.float32)]:
        v = np.ascontiguousarray(v)
        peaks = sinusoids.pick_peaks(v)
        assert engine("sinusoids.js", "pickPeaks", v) == list(peaks)
        close([0, *engine("sinusoids.js", "interpolatePeaks", v, peaks.tolist())],
              [0, *sinusoids.interpolate_peaks(v, peaks)])  # fmt: skip
        found = engine("sinusoids.js", "regionBorders", v, peaks.tolist())
        assert found == list(sinusoids.region_borders(v, peaks))
        found = engine("sinusoids.js", "instantaneousFrequency", v)
        close(found, sinusoids.instantaneous_frequency(v))


def test_closed_form(engine):
    """Triangles that close and that do not, no mixture, no source, no start."""
    rng = np.random.default_rng(0)
    a, b, c, d = rng.standard_normal((4, 300))
    p, h = rng.uniform(0, 1.5, (2, 300))
    a[:40] = b[:40] = p[20:60] = h[30:50] = c[35:80] = d[35:80] = 0
    expected = puiter.closed_form(a + 1j * b, p, h, c + 1j * d)
    bins = np.stack([a, b, p, h, c, d], axis=1).tolist()
    found = np.array(engine("", "closedForms", bins))
    close(found[:, 0] + 1j * found[:, 1], expected[0], 1e-12)
    close(found[:, 2] + 1j * found[:, 3], expected[1], 1e-12)


def test_pu(engine):
    X = stft(music(1.0), COMPACT)
    V_p = np.abs(X) * median.median_hpss(np.abs(X), COMPACT)[0]
    V_h = np.abs(np.abs(X) - V_p)
    X[:30] = 0
    previous = stft(noise(9000), COMPACT)[:, 4]
    for before in (None, previous):
        args = () if before is None else ({"re": before.real.copy(), "im": before.imag.copy()},)
        found = engine("puiter.js", "pu", spectrogram(X), frames(V_p), frames(V_h),
                       asdict(COMPACT), *args)  # fmt: skip
        S_p, S_h = puiter.pu(X, V_p, V_h, COMPACT, previous=before)
        close(as_array(found["S_p"]), S_p)
        close(as_array(found["S_h"]), S_h)


# --------------------------------------------------------------------------- whole signals

# Of full scale. A triangle that just fails to close turns a rounding into its root, a phase.
TOLERANCE = {"mixture": 1e-6, "pu": 1e-4}


def near(found, expected, phase):
    """As near to the library's signal as its phases allow."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[phase])


@pytest.mark.parametrize("method", ["mad", "median"])
@pytest.mark.parametrize("phase", ["mixture", "pu"])
def test_whole_signals(engine, method, phase):
    """Several blocks over two workers, against the library's own signal."""
    x = np.tile(music(7), 2)
    expected, _ = separation.separate(x, SAMPLE_RATE, method=method, phase=phase)
    found = engine("", "separate", NETWORK, [x], {"method": method, "phase": phase}, 2)
    near(found["y"][0], expected, phase)
    assert found["progress"] == sorted(found["progress"]) and found["progress"][-1] == 1


def test_stereo_short_and_silent_signals(engine):
    left, right = music(0.6), 0.5 * music(0.6, "funk")
    expected, _ = separation.separate(np.stack([left, right], axis=1), SAMPLE_RATE)
    found = engine("", "separate", NETWORK, [left, right], {}, 2)["y"]
    near(np.stack(found, axis=1), expected, "mixture")
    for x in (np.float32([0.5]), np.zeros(3000, np.float32), noise(1700)):
        expected, _ = separation.separate(x, SAMPLE_RATE, phase="pu")
        (y,) = engine("", "separate", NETWORK, [x], {"phase": "pu"}, 1)["y"]
        near(y, expected, "pu")


def test_the_median_filter_needs_no_weights(engine):
    x = music(0.5)
    (y,) = engine("", "separate", None, [x], {"method": "median"}, 1)["y"]
    expected, _ = separation.separate(x, SAMPLE_RATE, method="median")
    near(y, expected, "mixture")
    with pytest.raises(ValueError, match="load the model first"):
        engine("", "separate", None, [x], {"method": "mad"}, 1)


def test_cancelled_in_the_middle_and_another_one_after_it(engine):
    x = np.tile(music(9), 3)
    options = {"method": "median", "phase": "pu"}
    found = engine("", "cancelled", NETWORK, [x], options)
    assert found["error"] == "AbortError" and found["shares"][-1] < 1
    expected, _ = separation.separate(x, SAMPLE_RATE, **options)
    near(found["y"][0], expected, "pu")


@pytest.mark.parametrize(
    "x, options, message",
    [
        ([], {}, "no sound"),
        ([np.zeros(0, np.float32)], {}, "no sound"),
        ([np.zeros(5, np.float32), np.zeros(4, np.float32)], {}, "different lengths"),
        ([np.float32([0, np.nan])], {}, "NaN"),
        ([np.zeros(5, np.float32)], {"method": "kam"}, "no method kam"),
        ([np.zeros(5, np.float32)], {"method": "median", "phase": "x"}, "no phase x"),
    ],
)
def test_what_cannot_be_separated_is_refused(engine, x, options, message):
    with pytest.raises(ValueError, match=message):
        engine("", "separate", None, x, options, 1)


def test_the_engine_asks_for_nothing():
    for path in ENGINE.glob("*.js"):
        text = path.read_text(encoding="utf8")
        assert not re.search(r"https?://|fetch\(|XMLHttpRequest|eval\(", text), path.name
