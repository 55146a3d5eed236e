"""audio.py: every door through which sound comes in, and the one through which it leaves."""

import os
import socket
import struct
import sys
import time
import tracemalloc
import warnings

import numpy as np
import pytest
import soundfile

from hpss_lib import audio, containers, drafts


def noise(n, channels=None, seed=0):
    shape = n if channels is None else (n, channels)
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(np.float32)


def tone(n, rate, hertz=440.0):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(n) / rate)).astype(np.float32)


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_reads_every_format(tmp_path, kind, channels):
    x = np.stack([tone(22050, 44100, 440 * (c + 1)) for c in range(channels)], axis=1)
    path = tmp_path / f"song.{kind}"
    soundfile.write(path, x, 44100)
    y, rate = audio.read(path)
    assert rate == 44100 and y.dtype == np.float32 and y.shape[1] == channels
    assert audio.header(path) == (*y.shape, rate)
    np.testing.assert_array_equal(np.concatenate(list(audio.read_blocks(path))), y)
    if kind in ("wav", "flac"):
        np.testing.assert_allclose(y, x, atol=2 / 2**15)
    else:  # lossy, and mp3 may add a little silence
        assert 0 <= len(y) - len(x) < 3000
        assert 0.3 < np.abs(y).max() < 0.7


def test_load_mixes_down_and_resamples(tmp_path):
    x = noise(8000, 2)
    soundfile.write(tmp_path / "a.wav", x, 44100, "FLOAT")
    np.testing.assert_allclose(audio.load(tmp_path / "a.wav"), (x[:, 0] + x[:, 1]) / 2, atol=1e-7)
    np.testing.assert_array_equal(audio.load(tmp_path / "a.wav", mono=False), x)
    assert len(audio.load(tmp_path / "a.wav", rate=22050)) == 4000
    assert audio.load(tmp_path / "a.wav").dtype == np.float32


def test_nothing_is_clipped(tmp_path):
    x = np.array([0.0, 1.5, -3.0, 1e-9], np.float32)
    audio.write_wav(tmp_path / "a.wav", x, 44100)
    y, _ = audio.read(tmp_path / "a.wav")
    np.testing.assert_array_equal(y[:, 0], x)


@pytest.mark.parametrize("rate", [8000, 11127, 22050, 44100, 48000, 96000, 192000])
def test_resampling_keeps_a_tone_in_place(rate):
    """A tone stays the tone that one would sample at the other rate: no delay, no loss."""
    n = rate // 2
    y = audio.resample(tone(n, rate), rate, 44100)
    assert len(y) == round(n * 44100 / rate) and y.dtype == np.float32
    middle = slice(2000, 18000)
    np.testing.assert_allclose(y[middle], tone(len(y), 44100)[middle], atol=2e-4)


@pytest.mark.parametrize("n", [1, 2, 3, 100])
@pytest.mark.parametrize("rate", [8000, 44100, 192000])
def test_resampling_the_shortest_signals(n, rate):
    x = noise(n)
    before = x.copy()
    y = audio.resample(x, rate, 44100)
    assert len(y) == max(1, round(n * 44100 / rate)) and np.isfinite(y).all()
    np.testing.assert_array_equal(x, before)
    assert not np.shares_memory(x, y)


def test_resampling_refuses():
    with pytest.raises(ValueError, match="positive"):
        audio.resample(noise(10), 0, 44100)
    with pytest.raises(ValueError, match="empty"):
        audio.resample(noise(0), 48000, 44100)


def test_fit_cuts_and_extends():
    np.testing.assert_array_equal(audio.fit(np.arange(4), 2), [0, 1])
    np.testing.assert_array_equal(audio.fit(np.arange(2), 4), [0, 1, 0, 0])
    assert audio.fit(np.ones((2, 3)), 4).shape == (4, 3)


def test_missing_folder_and_no_audio(tmp_path):
    with pytest.raises(FileNotFoundError):
        audio.read(tmp_path / "none.wav")
    with pytest.raises(IsADirectoryError):
        audio.read(tmp_path)
    for name in ("text.wav", "text.txt", "text.raw", "text.mp3"):
        (tmp_path / name).write_text("this is no sound\n" * 100)
        with pytest.raises(ValueError, match="cannot be read as audio"):
            audio.read(tmp_path / name)


def test_empty_files(tmp_path):
    (tmp_path / "nothing.wav").write_bytes(b"")
    with pytest.raises(ValueError, match="cannot be read as audio"):
        audio.read(tmp_path / "nothing.wav")
    soundfile.write(tmp_path / "none.wav", np.zeros((0, 1)), 44100)
    with pytest.raises(ValueError, match="no samples"):
        audio.read(tmp_path / "none.wav")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(tmp_path, bad):
    x = noise(1000)
    x[10] = bad
    soundfile.write(tmp_path / "a.wav", x, 44100, "FLOAT")
    with pytest.raises(ValueError, match="1 NaN or infinite"):
        audio.read(tmp_path / "a.wav")
    with pytest.raises(ValueError, match="NaN"):
        audio.write_wav(tmp_path / "b.wav", x, 44100)
    assert not (tmp_path / "b.wav").exists()


def test_ten_hours_are_refused_before_they_are_read(tmp_path):
    """Ten hours at 1 kHz and 8 bits: 36 MB of zeros, and never decoded."""
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 1000, 1, "PCM_U8") as sound:
        for _ in range(10):
            sound.write(np.zeros(3_600_000, np.int16))
    with pytest.raises(ValueError, match=r"lasts 10\.0 hours; at most 3"):
        audio.read(path)
    with pytest.raises(ValueError, match=r"lasts 10\.0 hours"):
        audio.header(path)


def test_written_files_are_plain_and_alone(tmp_path):
    audio.write_wav(tmp_path / "a.wav", noise(1000, 2), 48000)
    info = soundfile.info(tmp_path / "a.wav")
    assert (info.format, info.subtype, info.samplerate) == ("WAV", "FLOAT", 48000)
    assert (info.channels, info.frames) == (2, 1000)
    assert os.listdir(tmp_path) == ["a.wav"]
    reference = tmp_path / "plain"
    reference.write_text("")
    assert (tmp_path / "a.wav").stat().st_mode == reference.stat().st_mode


def test_several_blocks_are_written_in_order(tmp_path):
    x = np.arange(600_000, dtype=np.float32)
    audio.write_wav(tmp_path / "a.wav", x, 44100)
    np.testing.assert_array_equal(audio.read(tmp_path / "a.wav")[0][:, 0], x)


def test_an_interrupted_write_leaves_the_old_files(tmp_path):
    audio.write_wav(tmp_path / "b.wav", noise(10), 44100)
    old = (tmp_path / "b.wav").read_bytes()

    def breaking():
        yield noise(1000, 1), noise(1000, 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audio.write_together([tmp_path / "a.wav", tmp_path / "b.wav"], breaking(), 44100, 1)
    assert os.listdir(tmp_path) == ["b.wav"]
    assert (tmp_path / "b.wav").read_bytes() == old


def test_both_files_or_neither_when_renaming_fails(tmp_path, monkeypatch):
    calls = []

    def replace(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise PermissionError(13, "Permission denied")
        os.rename(source, target)

    monkeypatch.setattr(drafts.os, "replace", replace)
    paths = [tmp_path / name for name in ("a.wav", "b.wav")]
    with pytest.raises(OSError, match=r"b\.wav cannot be written: Permission denied"):
        audio.write_together(paths, [(noise(10, 1), noise(10, 1))], 44100, 1)
    assert os.listdir(tmp_path) == []


def test_writing_refuses(tmp_path):
    with pytest.raises(ValueError, match="shape"):
        audio.write_wav(tmp_path / "a.wav", noise(0), 44100)
    with pytest.raises(ValueError, match="shape"):
        audio.write_wav(tmp_path / "a.wav", np.zeros((2, 2, 2)), 44100)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        audio.write_wav(tmp_path / "folder.wav", noise(10), 44100)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        audio.write_wav(tmp_path / "none" / "a.wav", noise(10), 44100)
    assert os.listdir(tmp_path) == ["folder.wav"]


def test_more_than_wav_can_hold():
    audio.check_wav_size(2**29 - 1000, 2)
    with pytest.raises(ValueError, match=r"4\.0 GB"):
        audio.check_wav_size(2**29, 2)


def test_excerpts_are_what_their_index_says():
    assert len(audio.EXCERPTS) >= 6
    for name, excerpt in audio.EXCERPTS.items():
        x_p, x_h = audio.load_excerpt(name)
        assert x_p.shape == x_h.shape and x_p.dtype == x_h.dtype == np.float32
        assert x_p.ndim == 1 and abs(len(x_p) / 44100 - excerpt.seconds) < 0.1
        assert 0.01 < np.abs(x_p + x_h).max() <= 1.05
        assert excerpt.title and excerpt.style and excerpt.licence and excerpt.source


def test_excerpts_know_their_beats_and_chords():
    for excerpt in audio.EXCERPTS.values():
        beats = np.array(excerpt.beats)
        assert len(beats) > 10 and 0 <= beats[0] and beats[-1] < excerpt.seconds
        np.testing.assert_allclose(np.diff(beats), 60 / excerpt.tempo, atol=2e-4)
        starts, ends, names = zip(*excerpt.chords, strict=True)
        assert starts[0] == 0 and starts[1:] == ends[:-1] and ends[-1] <= excerpt.seconds
        assert all(a < b for a, b in zip(starts, ends, strict=True)) and all(names)


def test_unknown_excerpt():
    with pytest.raises(ValueError, match="no excerpt 'nothing'"):
        audio.load_excerpt("nothing")


# ------------------------------------------------------------------------- what nobody hears


@pytest.mark.parametrize("n", [1, 100, 30_000, 70_000, 200_000])
@pytest.mark.parametrize("m", [997, 44_100, 10**6])
def test_rumble_goes_the_same_in_blocks_of_any_length(n, m):
    x = np.random.default_rng(n).standard_normal((n, 2)).astype(np.float32)
    kept = x.copy()
    whole = np.concatenate(list(audio.without_rumble([x], 44_100)))
    cut = np.concatenate(list(audio.without_rumble((x[k : k + m] for k in range(0, n, m)), 44_100)))
    assert cut.dtype == np.float32
    np.testing.assert_array_equal(cut, whole)
    assert whole.shape == x.shape
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("rate", [8_000, 44_100])
@pytest.mark.parametrize(("hertz", "gain"), [(0, 0), (4, 0), (8, 0), (16, 1), (20, 1), (50, 1)])
def test_rumble_goes_and_the_lowest_notes_stay_in_phase(hertz, gain, rate):
    t = np.arange(6 * rate) / rate
    x = np.cos(2 * np.pi * hertz * t)[:, None]
    y = np.concatenate(list(audio.without_rumble([x], rate)))
    inner = slice(rate, -rate)
    np.testing.assert_allclose(y[inner], gain * x[inner], atol=5e-3)


def test_an_offset_goes_from_end_to_end_and_nothing_is_nothing():
    y = np.concatenate(list(audio.without_rumble([np.full((50_000, 1), 0.3)], 44_100)))
    np.testing.assert_allclose(y, 0, atol=1e-6)
    assert list(audio.without_rumble([], 44_100)) == []


# ---------------------------------------------------------------- headers that are not the truth


def altered(path, at, held):
    """The file with other bytes in one place."""
    data = bytearray(path.read_bytes())
    data[at : at + len(held)] = held
    path.write_bytes(data)
    return path


def read_with_warnings(path):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        x, _ = audio.read(path)
        np.testing.assert_array_equal(np.concatenate(list(audio.read_blocks(path))), x)
    return x, [str(warning.message) for warning in told[::2]]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [44100, 22050])
def test_an_mp3_is_decoded_to_its_end(tmp_path, channels, rate):
    path = tmp_path / "a.mp3"
    soundfile.write(path, np.stack([tone(2 * rate, rate)] * channels, axis=1), rate)
    whole, _ = audio.read(path)
    assert len(whole) == 2 * rate
    data = path.read_bytes()
    info = max(data.find(b"Xing"), data.find(b"Info"))
    frames = struct.unpack(">I", data[info + 8 : info + 12])[0]
    altered(path, info + 8, struct.pack(">I", frames // 3))  # says a third of its length
    assert soundfile.info(path).frames < rate
    x, (line,) = read_with_warnings(path)
    np.testing.assert_array_equal(x, whole)
    assert "of which its header states 0." in line
    assert audio.header(path).samples == len(whole)
    # Without its first frame, of which the others bear no mark: no length, and 1105 samples of
    # the decoder's and the encoder's delay, which that frame told.
    before = {(44100, 1): 21, (44100, 2): 36, (22050, 1): 13, (22050, 2): 21}[rate, channels]
    second = data.find(data[info - before :][:2], info)
    samples = 1152 if rate == 44100 else 576
    path.write_bytes(data[second:])
    assert len(read_with_warnings(path)[0]) > len(whole) - samples


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3"])
def test_a_download_that_was_cut_short_is_said(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    soundfile.write(path, 0.1 * noise(3 * 44100), 44100)
    whole, told = read_with_warnings(path)
    assert told == [] and len(whole) == 3 * 44100
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    x, (line,) = read_with_warnings(path)
    assert 0.9 * 44100 < len(x) < 1.6 * 44100
    assert f"ends after {len(x) / 44100:.1f} of the 3.0 s" in line
    np.testing.assert_array_equal(x[:44100], whole[:44100])


@pytest.mark.parametrize("n", [4096, 3 * 44100, 8 * 44100])
@pytest.mark.parametrize("tag", [b"", b"TAG" + bytes(125)])
def test_a_flac_whose_header_understates_is_decoded_to_its_end(tmp_path, n, tag):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.stack([tone(n, 44100), 0.1 * noise(n)], axis=1), 44100)
    path.write_bytes(path.read_bytes() + tag)
    whole, told = read_with_warnings(path)
    assert told == [] and len(whole) == n
    data = path.read_bytes()
    stated = n // 3
    altered(path, 21, bytes([data[21] & 0xF0]) + struct.pack(">I", stated))
    assert soundfile.info(path).frames == stated
    x, (line,) = read_with_warnings(path)
    np.testing.assert_array_equal(x, whole)
    assert line == (
        f"{path} lasts {n / 44100:.1f} s, of which its header states {stated / 44100:.1f}: "
        "all of it is read"
    )
    assert audio.header(path).samples == n


def test_an_ogg_that_was_cut_short_is_said(tmp_path):
    path = tmp_path / "a.ogg"
    soundfile.write(path, 0.1 * noise(3 * 44100), 44100)
    whole, told = read_with_warnings(path)
    assert told == [] and len(whole) == 3 * 44100
    data = path.read_bytes()
    for kept in (len(data) // 2, data.rfind(b"OggS"), len(data) - 1):  # in a page, between two
        path.write_bytes(data[:kept])
        x, (line,) = read_with_warnings(path)
        assert 30000 < len(x) <= len(whole)
        assert line == f"{path} has no end: is it a download that was cut short?"


def test_headers_that_were_never_filled_in(tmp_path):
    """As written into a pipe: the length of a FLAC is unknown, the sizes of a WAV are 0."""
    x = (noise(300_000) * 2**15).astype(np.int16)
    for kind in ("wav", "flac"):
        soundfile.write(tmp_path / f"a.{kind}", x, 44100)
    data = (tmp_path / "a.flac").read_bytes()
    altered(tmp_path / "a.flac", 21, bytes([data[21] & 0xF0, 0, 0, 0, 0]))
    altered(altered(tmp_path / "a.wav", 4, bytes(4)), 40, bytes(4))
    for kind in ("wav", "flac"):
        y, told = read_with_warnings(tmp_path / f"a.{kind}")
        np.testing.assert_array_equal(y[:, 0] * 2**15, x)
        assert told == [] and audio.header(tmp_path / f"a.{kind}").samples == 300_000


def test_what_is_no_file_is_refused_before_it_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(tmp_path / "socket.wav"))
        for name in ("pipe.wav", "socket.wav"):
            with pytest.raises(ValueError, match="no file but a pipe"):
                audio.header(tmp_path / name)


def test_channels_that_cancel_are_said(tmp_path):
    x = noise(1000)
    soundfile.write(tmp_path / "a.wav", np.stack([x, -x], axis=1), 44100, "FLOAT")
    with pytest.warns(UserWarning, match="cancel each other"):
        assert not audio.load(tmp_path / "a.wav").any()
    for other in (x, 0 * x, -0.9 * x):
        soundfile.write(tmp_path / "a.wav", np.stack([x, other], axis=1), 44100, "FLOAT")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            audio.load(tmp_path / "a.wav")


def test_equal_samples_are_equal_files(tmp_path):
    """The PEAK chunk: name, size, version, time, then a peak for each channel."""
    audio.write_wav(tmp_path / "a.wav", np.array([[0.5, -0.25]], np.float32), 44100)
    data = (tmp_path / "a.wav").read_bytes()
    peak = data[data.index(b"PEAK") :]
    assert struct.unpack("<IIIfIfI", peak[4:32]) == (24, 1, 0, 0.5, 0, 0.25, 0)


def test_more_than_two_channels_say_where_they_belong(tmp_path):
    audio.write_wav(tmp_path / "a.wav", noise(100, 6), 44100)
    data = (tmp_path / "a.wav").read_bytes()
    tag, mask = struct.unpack("<H", data[20:22])[0], struct.unpack("<I", data[40:44])[0]
    assert (tag, mask) == (0xFFFE, 0x3F)  # WAVE_FORMAT_EXTENSIBLE; left to right, LFE, two behind
    np.testing.assert_array_equal(audio.read(tmp_path / "a.wav")[0], noise(100, 6))


def test_the_decoders_notes_on_a_damaged_mp3_are_kept_off_the_screen(tmp_path, capfd):
    path = tmp_path / "a.mp3"
    soundfile.write(path, noise(44100), 44100)
    whole = path.read_bytes()
    path.write_bytes(whole[:3000] + bytes(range(256)) * 4 + whole[5000:])
    with soundfile.SoundFile(path) as sound:
        sound.read()
    assert "Note: " in capfd.readouterr().err, "no test otherwise"
    assert len(audio.read(path)[0]) > 30_000
    assert capfd.readouterr().err == ""


def test_what_else_is_said_meanwhile_comes_out(capfd):
    with pytest.raises(OSError, match="as it was"), containers.decoder_hushed():
        os.write(2, b"Note: Trying to resync...\n")
        print("of Python's own", file=sys.stderr)
        raise OSError("as it was")
    print("after", file=sys.stderr)
    assert capfd.readouterr().err == "of Python's own\nafter\n"


def test_a_thousand_channels_do_not_take_a_gigabyte(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((3, 1000)), 44100)
    tracemalloc.start()
    x, _ = audio.read(tmp_path / "a.wav")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert x.shape == (3, 1000) and peak < 50e6


@pytest.mark.parametrize(
    ("name", "content"),
    [
        # Empty chunks without end, and what might be frames without end.
        ("a.wav", b"RIFF\0\0\0\0WAVE" + bytes(1 << 22)),
        ("a.flac", b"fLaC\x80\0\0\x22" + b"\x10\0" * 2 + b"\xff" * 30 + b"\xff\xf8" * (1 << 16)),
    ],
)
def test_a_search_through_what_is_no_sound_has_an_end(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    start = time.process_time()
    containers.mended(tmp_path / name)
    assert time.process_time() - start < 10
