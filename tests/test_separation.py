"""separation.py: the whole path, whatever comes in, however it is cut into blocks."""

import inspect
import tracemalloc
from functools import partial

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpss_lib import audio, separation
from hpss_lib.median import median_hpss
from hpss_lib.separation import METHODS, Estimator, Method, output_paths
from hpss_lib.stft import COMPACT, SETTINGS, istft, stft

# What is tested here is the path, with the method that needs no weights.
separate = partial(separation.separate, rate=44100, method="median")
separate_file = partial(separation.separate_file, method="median")


def clicks_and_tone(n=44100, rate=44100):
    """(percussive, harmonic): clicks four times a second, a chord."""
    time = np.arange(n) / rate
    h = sum(0.1 * np.sin(2 * np.pi * f * time) for f in (220, 277.2, 329.6, 880))
    rng = np.random.default_rng(0)
    p = 0.5 * rng.normal(size=n) * np.exp(-((time % 0.25) / 0.004))
    return p.astype(np.float32), h.astype(np.float32)


def sdr(s, estimate):
    return 10 * np.log10(np.sum(s**2) / np.sum((s - estimate) ** 2))


@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_separates_clicks_from_a_chord(setting):
    p, h = clicks_and_tone()
    s_p, s_h = separate(p + h, setting=setting)
    assert s_p.dtype == s_h.dtype == np.float32 and s_p.shape == p.shape
    np.testing.assert_allclose(s_p + s_h, p + h, atol=1e-6)
    assert sdr(p, s_p) > sdr(p, p + h) + 5 and sdr(h, s_h) > sdr(h, p + h) + 5


def test_is_the_steps_of_the_book():
    x = sum(clicks_and_tone())
    X = stft(x, COMPACT)
    M_p, M_h = median_hpss(np.abs(X), COMPACT, power=1.5, percussive_hertz=300)
    s_p, s_h = separate(x, power=1.5, percussive_hertz=300)
    np.testing.assert_allclose(s_p, istft(M_p * X, COMPACT, len(x)), atol=1e-6)
    np.testing.assert_allclose(s_h, istft(M_h * X, COMPACT, len(x)), atol=1e-6)


@pytest.mark.parametrize("setting", sorted(SETTINGS))
@pytest.mark.parametrize("n", [1, 2000, 15011])
def test_does_not_depend_on_the_block_size(setting, n):
    x = sum(clicks_and_tone(n))
    expected, _ = separate(x, setting=setting, block=10**6)
    for block in (1, 10) if n < 10000 else (10, 17):
        np.testing.assert_allclose(
            separate(x, setting=setting, block=block)[0], expected, atol=1e-6
        )


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float32, st.integers(1, 3000), elements=st.floats(-1, 1, width=32)),
    st.sampled_from(sorted(SETTINGS)),
    st.sampled_from([{}, {"power": float("inf")}, {"margin": 3}, {"harmonic_seconds": 2}]),
)
def test_parts_sum_to_the_mixture(x, setting, options):
    before = x.copy()
    s_p, s_h = separate(x, setting=setting, **options)
    np.testing.assert_allclose(s_p + s_h, x, atol=1e-6)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("n", [1, 1000, 50000])
def test_silence_in_silence_out(n):
    for part in separate(np.zeros(n, np.float32)):
        assert part.shape == (n,) and not part.any()


@pytest.mark.parametrize("level", [1e-30, 1e-6, 1e14])
def test_any_level(level):
    """What is separated does not depend on the level, as long as float32 can hold it."""
    x = sum(clicks_and_tone(10000)).astype(np.float64)
    expected, _ = separate(x)
    s_p, _ = separate((level * x).astype(np.float32))
    np.testing.assert_allclose(s_p / np.float32(level), expected, atol=1e-4)


def test_takes_double_precision():
    p, h = clicks_and_tone(5000)
    x = (p + h).astype(np.float64)
    s_p, s_h = separate(x)
    assert s_p.dtype == s_h.dtype == np.float32
    np.testing.assert_array_equal(s_p, separate(x.astype(np.float32))[0])


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (np.zeros(0, np.float32), ValueError, "empty"),
        (np.zeros((2, 100), np.float32), ValueError, "transpose"),
        (np.array([0, np.nan], np.float32), ValueError, "NaN"),
        (np.zeros(100, np.int64), TypeError, "int64"),
        (np.array([1e38, -3e38], np.float32), ValueError, "too large"),
        (np.array([0, -1e200]), ValueError, "too large"),
    ],
)
def test_signals_that_are_refused(x, error, words):
    with pytest.raises(error, match=words):
        separate(x)


def test_options_that_are_refused():
    x = np.zeros(100, np.float32)
    for option in ("method", "setting", "phase"):
        with pytest.raises(ValueError, match=f"no {option} 'other'; accepted are"):
            separate(x, **{option: "other"})
    with pytest.raises(ValueError, match="block"):
        separate(x, block=0)
    with pytest.raises(TypeError, match="power_"):
        separate(x, power_=3)


@pytest.mark.parametrize("options", [{"iterations": 3}, {"harmonic_kernels": [(5.0, 0.9)] * 4}])
def test_wide_kernels_of_kam_reach_over_the_blocks(options):
    x = sum(clicks_and_tone(60_000))
    whole, _ = separate(x, method="kam", block=10**6, **options)
    for block in (10, 33):
        pieces, _ = separate(x, method="kam", block=block, **options)
        np.testing.assert_allclose(pieces, whole, atol=1e-6)


def test_memory_is_that_of_a_few_signals():
    """Twice the length may cost what the results take, and nothing of the spectrogram."""

    def peak(seconds):
        x = np.zeros(44100 * seconds, np.float32)
        tracemalloc.start()
        separate(x, block=256)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top / 4  # in samples

    separate(np.zeros(1, np.float32))  # what is imported first
    short, long = 15, 30  # both longer than what is held on the way
    # The result's two parts are two signals; the spectrogram would be twelve (complex, four times
    # oversampled, and its magnitudes and masks).
    assert peak(long) - peak(short) < 3 * 44100 * (long - short)


def test_methods_and_phases_see_the_whole_signal_in_order(monkeypatch):
    """The seam for further methods: aligned blocks, context, and state handed on."""
    seen = []

    def factory(settings, **options):
        assert options == {"taste": "good"}

        def estimate(V, before, after):
            seen.append((V.shape[1] - before - after, before, after))
            V = V[:, before : V.shape[1] - after]
            return 0.25 * V, 0.75 * V

        return Estimator(estimate, context=10, step=40)

    def recover(X, V_p, V_h, settings, state):
        np.testing.assert_allclose(V_p + V_h, np.abs(X), rtol=1e-6)
        state = (state or 0) + X.shape[1]
        states.append(state)
        return V_p * np.exp(1j * np.angle(X)), state

    states = []
    monkeypatch.setitem(METHODS, "test", Method("a test", factory))
    monkeypatch.setitem(separation.PHASES, "test", recover)
    x = np.random.default_rng(0).uniform(-1, 1, 100 * 512).astype(np.float32)  # 101 frames
    s_p, _ = separate(x, method="test", phase="test", block=30, taste="good")
    assert seen == [(40, 0, 10), (40, 10, 10), (21, 10, 0)] and states == [40, 80, 101]
    np.testing.assert_allclose(s_p, x / 4, atol=1e-6)


def test_progress_adds_up_to_the_length():
    steps = []
    separate(np.zeros(100_000, np.float32), progress=steps.append, block=50)
    assert len(steps) == 4 and min(steps) > 0
    assert abs(sum(steps) - 100_000 / 44100) < 1e-9


def test_progress_tells_of_both_passes(monkeypatch):
    """A method that analyses in its own setting goes through the sound twice: half for each."""
    monkeypatch.setitem(METHODS, "own", louder(0.5, setting=lambda: "compact"))
    steps = []
    separate(np.zeros(100_000, np.float32), method="own", setting="2", progress=steps.append)
    assert len(steps) >= 2 and min(steps) > 0
    assert abs(sum(steps) - 100_000 / 44100) < 1e-9


def test_the_bar_bears_the_files_name(tmp_path, monkeypatch):
    bars = []

    class Bar:
        def __init__(self, **options):
            bars.append(options)
            self.update = lambda seconds: None

        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *_: None  # noqa: E731

    monkeypatch.setattr("tqdm.tqdm", Bar)
    soundfile.write(tmp_path / "long.wav", np.zeros(8000 * 21), 8000)
    soundfile.write(tmp_path / "short.wav", np.zeros(8000), 8000)
    for name, show in (("long", True), ("long", False), ("short", True)):
        separate_file(tmp_path / f"{name}.wav", tmp_path / "out", show_progress=show)
    assert [(bar["desc"], bar["total"]) for bar in bars] == [("long.wav", 21.0)]


def test_the_three_ways_in_take_the_same_for_granted():
    ways = (separation.separate, separation.separate_blocks, separation.separate_file)
    usual = [
        {name: p.default for name, p in inspect.signature(way).parameters.items()} for way in ways
    ]
    for name in ("method", "setting", "phase"):
        assert len({str(defaults[name]) for defaults in usual}) == 1
    assert usual[0]["method"] in METHODS and usual[0]["phase"] in separation.PHASES


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_files_of_every_rate(tmp_path, rate, channels):
    n = rate // 2 + 1
    x = np.stack([sum(clicks_and_tone(n, rate))] * channels, axis=1)
    x[:, -1] *= 0.5
    soundfile.write(tmp_path / "song.wav", x, rate, "FLOAT")
    paths = separate_file(tmp_path / "song.wav", tmp_path / "new" / "out")
    assert [path.name for path in paths] == ["song.percussive.wav", "song.harmonic.wav"]
    (p, rate_p), (h, rate_h) = map(audio.read, paths)
    assert rate_p == rate_h == rate and p.shape == h.shape == x.shape
    np.testing.assert_allclose(p + h, x, atol=1e-6)
    assert np.abs(p).max() > 0.05 and np.abs(h).max() > 0.05
    np.testing.assert_allclose(p[:, -1], p[:, 0] * (0.5 if channels == 2 else 1), atol=1e-5)


def test_stereo_is_separated_as_middle_and_side(tmp_path):
    p, h = clicks_and_tone(22050)
    x = np.stack([p + h, 0.5 * h], axis=1)
    middle, side = (separate(s)[0] for s in (x.mean(axis=1), (x[:, 0] - x[:, 1]) / 2))
    s_p, s_h = separate(x)
    np.testing.assert_allclose(s_p, np.stack([middle + side, middle - side], axis=1), atol=1e-6)
    np.testing.assert_allclose(s_p + s_h, x, atol=1e-6)
    soundfile.write(tmp_path / "a.wav", x, 44100, "FLOAT")
    path_p, _ = separate_file(tmp_path / "a.wav", tmp_path)
    np.testing.assert_array_equal(audio.read(path_p)[0], s_p)


def test_a_sound_in_the_middle_stays_there():
    x = sum(clicks_and_tone(22050))
    s_p, _ = separate(np.stack([x, x], axis=1))
    np.testing.assert_array_equal(s_p[:, 0], s_p[:, 1])
    np.testing.assert_array_equal(s_p[:, 0], separate(x)[0])


def test_three_channels_are_separated_each_on_its_own():
    p, h = clicks_and_tone(5000)
    s_p, _ = separate(np.stack([p, h, p + h], axis=1))
    for c, x in enumerate((p, h, p + h)):
        np.testing.assert_array_equal(s_p[:, c], separate(x)[0])


@pytest.mark.parametrize(
    ("dtype", "zero", "scale"), [(np.int16, 0, 2**15), (np.int32, 0, 2**31), (np.uint8, 128, 128)]
)
def test_integers_are_divided_by_their_full_scale(dtype, zero, scale):
    x = (zero + np.rint(0.9 * scale * sum(clicks_and_tone(5000)))).astype(dtype)
    expected, _ = separate(((x.astype(float) - zero) / scale).astype(np.float32))
    s_p, s_h = separate(x)
    np.testing.assert_array_equal(s_p, expected)
    assert s_p.dtype == s_h.dtype == np.float32 and np.abs(s_p).max() > 0.05


@pytest.mark.parametrize("rate", [0, -44100, float("nan"), float("inf")])
def test_rates_that_are_refused(rate):
    with pytest.raises(ValueError, match="rates are"):
        separate(np.zeros(100, np.float32), rate=rate)


def test_the_rate_cannot_be_forgotten():
    with pytest.raises(TypeError, match="rate"):
        separation.separate(np.zeros(100, np.float32))


@pytest.mark.parametrize("n", [1, 2, 100])
@pytest.mark.parametrize("rate", [8000, 44100, 192000])
def test_shortest_files(tmp_path, n, rate):
    x = np.full((n, 2), 0.5, np.float32)
    soundfile.write(tmp_path / "a.wav", x, rate, "FLOAT")
    p, h = (audio.read(path)[0] for path in separate_file(tmp_path / "a.wav", tmp_path))
    np.testing.assert_allclose(p + h, x, atol=1e-6)


def test_a_result_beyond_wav_is_refused_before_the_work(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 44100)
    monkeypatch.setattr(audio, "header", lambda path: audio.Header(2**29, 2, 44100))
    monkeypatch.setattr(audio, "read_blocks", lambda path: pytest.fail("was read"))
    with pytest.raises(ValueError, match=r"a\.percussive\.wav.*4\.0 GB"):
        separate_file(tmp_path / "a.wav", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_names_keep_their_dots():
    path_p, path_h = output_paths("some/a.b.c.mp3", "out")
    assert path_p.as_posix() == "out/a.b.c.percussive.wav"
    assert path_h.as_posix() == "out/a.b.c.harmonic.wav"


@pytest.mark.parametrize("rate", [44100, 48000])
@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_a_signal_in_blocks_is_the_whole_signal(rate, setting):
    """Blocks of any lengths, whether the method hears the setting or is analysed again in it."""
    x = np.stack([sum(clicks_and_tone(60_001, rate)), clicks_and_tone(60_001, rate)[0]], axis=1)
    cuts = [1, 2, 700, 20_000, 20_001, 59_999]
    for method in ("median", "kam", "in-compact"):
        blocks = np.split(x, cuts)
        parts = separation.separate_blocks(blocks, rate, method=method, setting=setting, block=20)
        p, h = (np.concatenate(part) for part in zip(*parts, strict=True))
        s_p, s_h = separation.separate(x, rate, method=method, setting=setting)
        np.testing.assert_allclose(p, s_p, atol=1e-6)
        np.testing.assert_allclose(h, s_h, atol=1e-6)


@pytest.fixture(autouse=True)
def in_compact(monkeypatch):
    """A method that hears one setting only, but needs no weights."""
    method = Method("a test", separation.median_estimator, setting=lambda: "compact")
    monkeypatch.setitem(METHODS, "in-compact", method)


def test_a_stream_needs_no_more_memory_for_more(monkeypatch):
    """Twice the blocks, each made when it is asked for, in two passes and at another rate."""
    monkeypatch.setitem(METHODS, "louder", louder(0.5, setting=lambda: "compact"))

    def peak(count):
        blocks = (np.zeros((20_000, 1), np.float32) for _ in range(count))
        options = {"method": "louder", "setting": "2", "block": 32}
        tracemalloc.start()
        stream = separation.separate_blocks(blocks, 48000, **options)
        assert sum(len(p) for p, _ in stream) == 20_000 * count
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(1)  # what is imported first
    assert peak(160) < 1.1 * peak(80)


def test_blocks_are_checked_as_they_come():
    blocks = [np.zeros((1000, 1), np.float32), np.full((10, 1), np.nan, np.float32)]
    with pytest.raises(ValueError, match="10 NaN"):
        list(separation.separate_blocks(blocks, 44100, method="median"))


def test_a_bad_sample_late_in_a_file_leaves_nothing(tmp_path):
    x = np.zeros(800_000, np.float32)
    x[[700_000, 799_999]] = np.inf
    soundfile.write(tmp_path / "a.wav", x, 44100, "FLOAT")
    with pytest.raises(ValueError, match="2 NaN or infinite"):
        separate_file(tmp_path / "a.wav", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("format", ["wav", "flac"])
@pytest.mark.parametrize("subtype", ["pcm16", "pcm24"])
def test_integers_sum_to_the_input(tmp_path, format, subtype, recwarn):
    x = sum(clicks_and_tone(20_000))
    file_type = audio.SUBTYPES[subtype]
    soundfile.write(tmp_path / "a.wav", x, 44100, file_type)
    paths = separate_file(tmp_path / "a.wav", tmp_path / "out", format=format, subtype=subtype)
    assert {path.suffix for path in paths} == {f".{format}"}
    assert {soundfile.info(path).subtype for path in paths} == {file_type}
    x, p, h = (soundfile.read(path)[0] for path in (tmp_path / "a.wav", *paths))
    np.testing.assert_array_equal(p + h, x)
    np.testing.assert_allclose(p, separate(x.astype(np.float32))[0], atol=2.0**-15)
    assert not recwarn.list


def louder(gain, setting=None):
    """A method whose percussive part is the mixture times a gain, the harmonic one the rest."""

    def estimate(V, before, after):
        return gain * V[:, before : V.shape[1] - after], None

    return Method("a test", lambda settings: Estimator(estimate), setting)


@pytest.mark.parametrize("subtype", ["pcm16", "pcm24"])
def test_full_scale_itself_fits(tmp_path, subtype, recwarn):
    x = np.tile(np.int16([-32768, 32767, 0, -32768]), 2000)
    soundfile.write(tmp_path / "a.wav", x, 44100, "PCM_16")
    paths = separate_file(tmp_path / "a.wav", tmp_path / "out", subtype=subtype)
    p, h = (soundfile.read(path)[0] for path in paths)
    np.testing.assert_array_equal(p + h, x / 32768)
    assert not [w for w in recwarn.list if "of the input" in str(w.message)]


@pytest.mark.parametrize("gain", [1.5, -0.8])
@pytest.mark.parametrize(("subtype", "step"), [("pcm16", 2.0**-15), ("pcm24", 2.0**-23)])
def test_what_exceeds_full_scale_goes_into_the_other_part(
    tmp_path, monkeypatch, gain, subtype, step
):
    x = 0.9 * np.sin(np.arange(5000) / 10)
    monkeypatch.setitem(METHODS, "loud", louder(gain))
    soundfile.write(tmp_path / "a.wav", x, 44100, "PCM_16")
    options = {"method": "loud", "subtype": subtype}
    with pytest.warns(UserWarning, match=r"a\.wav: in \d+ samples a part would have exceeded"):
        paths = separate_file(tmp_path / "a.wav", tmp_path / "out", **options)
    x, p, h = (soundfile.read(path)[0] for path in (tmp_path / "a.wav", *paths))
    np.testing.assert_allclose(p + h, x, atol=0.6 * step, rtol=0)
    assert max(np.abs(p).max(), np.abs(h).max()) > 1 - 2 * step


def test_an_input_beyond_full_scale_is_said_to_be_clipped(tmp_path):
    x = 1.5 * np.sin(np.arange(5000) / 10).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", x, 44100, "FLOAT")
    beyond = np.count_nonzero(np.abs(x) > 1)
    with pytest.warns(UserWarning) as told:
        paths = separate_file(tmp_path / "a.wav", tmp_path / "out", subtype="pcm16")
    assert f"{beyond} samples of the input exceed full scale" in str(told[0].message)
    p, h = (soundfile.read(path)[0] for path in paths)
    np.testing.assert_allclose(p + h, np.clip(x, -1, 1 - 2.0**-15), atol=2.0**-15)


@pytest.mark.parametrize("source", ["percussive", "harmonic"])
def test_only_one_part(tmp_path, source):
    soundfile.write(tmp_path / "a.wav", sum(clicks_and_tone(5000)), 44100)
    both = separate_file(tmp_path / "a.wav", tmp_path / "both")
    (alone,) = separate_file(tmp_path / "a.wav", tmp_path / "one", only=source)
    assert [path.name for path in (tmp_path / "one").iterdir()] == [f"a.{source}.wav"]
    expected = next(path for path in both if path.name == alone.name)
    np.testing.assert_array_equal(audio.read(alone)[0], audio.read(expected)[0])


def test_formats_that_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((100, 9)), 44100)
    for options, words in (
        ({"format": "mp3"}, "no format 'mp3'; accepted are wav, flac"),
        ({"subtype": "pcm8"}, "no subtype 'pcm8'"),
        ({"only": "drums"}, "no part 'drums'"),
        ({"format": "flac", "subtype": "float"}, "FLAC holds integers only"),
        ({"format": "flac"}, "at most 8 channels, not 9"),
    ):
        with pytest.raises(ValueError, match=words):
            separate_file(tmp_path / "a.wav", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
