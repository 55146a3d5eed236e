"""The panel for a reader's own song: what it takes, says and writes; bad files get one line."""

import re
from datetime import UTC, datetime

import numpy as np
import pytest

from hpss_lib import audio
from hpss_lib.chapters import your_own_separator as chapter10
from hpss_lib.views import live_song, output

RATE = 22050
MEDIAN = "the library's: median filtering"


def song(seconds=6.0, channels=2):
    """Clicks in a chord."""
    t = np.arange(round(seconds * RATE)) / RATE
    x = 0.1 * sum(np.sin(2 * np.pi * f * t) for f in (220, 277, 330))
    x[:: RATE // 4] += 0.8
    return np.stack([x, 0.5 * x], axis=1)[:, :channels].astype(np.float32)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(output.FOLDER, raising=False)
    for name in list(live_song.os.environ):
        if name.startswith("BINDER_"):
            monkeypatch.delenv(name)
    audio.write_wav("song.wav", song(), RATE)
    return tmp_path


@pytest.fixture
def made(folder):
    """The panel's widgets, with a separator that raises beside the median filter."""

    def broken(x, rate, phase, progress):
        raise RuntimeError("two\nlines")

    chosen = {MEDIAN: live_song.library()[MEDIAN], "broken": live_song.Separator(broken, ("pu",))}
    widgets = live_song.panel(chosen)[1]
    widgets["seconds"].value = 5
    return widgets


def line(made):
    """What the panel says, and whether it is an alert; it is one line."""
    (said,) = re.findall(r'<p role="(\w+)"[^>]*>([^<\n]*)</p>', made["said"].value)
    return said[1], said[0] == "alert"


def test_a_song_by_its_path_is_separated_and_written(made, folder):
    made["path"].value = "song.wav"
    words, alert = line(made)
    assert "song.wav: 0:06, stereo, 22.05 kHz. Its first 5 s" in words and not alert
    made["start"].click()
    assert line(made)[0].startswith("song.wav: 5.0 s of sound in ") and not line(made)[1]
    assert made["progress"].value == 1
    (shown,) = made["result"].outputs
    html = shown["data"]["text/html"]
    assert html.count('class="hpss-row"') == 3 and "The drums took" in html
    files = re.findall(r'href="([^"]+)" download', html)
    assert files == ["separated/song.percussive.wav", "separated/song.harmonic.wav"]
    parts = [audio.read(folder / name) for name in files]
    assert all(rate == RATE for _, rate in parts)
    np.testing.assert_allclose(sum(s for s, _ in parts), song()[: 5 * RATE], atol=1e-6)


def test_an_uploaded_song_is_taken_and_leaves_the_memory(made, folder):
    content = (folder / "song.wav").read_bytes()
    file = {"name": "../mine.wav", "type": "audio/wav", "size": len(content), "content": content}
    made["upload"].value = ({**file, "last_modified": datetime(2026, 1, 1, tzinfo=UTC)},)
    assert made["upload"].value == ()
    assert line(made)[0].startswith("mine.wav: 0:06")
    made["start"].click()
    assert (folder / "separated" / "mine.harmonic.wav").is_file()


def write_bad(name):
    if name == "text.mp3":
        open(name, "w").write("la la la\n" * 100)
    elif name == "empty.mp3":
        open(name, "w").close()
    elif name == "silence.wav":
        audio.write_wav(name, np.zeros((6 * RATE, 1), np.float32), RATE)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text.mp3", "cannot be read as audio; accepted are wav, flac, ogg and mp3 (no MPEG audio"),
        ("empty.mp3", "empty.mp3 cannot be read as audio"),
        ("silence.wav", "silent in its first 5 s"),
        ("nothing.wav", "nothing.wav"),
        (".", "directory"),
        ("", "Choose a file first"),
    ],
)
def test_a_bad_file_gets_one_line(made, name, words):
    write_bad(name)
    made["path"].value = name
    made["start"].click()
    said, alert = line(made)
    assert words in said and alert
    assert made["result"].outputs == () and not live_song.Path("separated").exists()


def test_an_hour_is_cut_to_the_bound_and_said_so_before(folder, monkeypatch):
    monkeypatch.setattr(audio, "header", lambda path: audio.Header(3600 * RATE, 2, RATE))
    said = live_song.described("song.wav", 30)
    assert "60:00" in said and "first 30 s" in said and "hpss separate song.wav" in said
    # No more is decoded than is wanted.
    taken = []

    def blocks(path):
        for _ in range(3600):
            taken.append(1)
            yield np.ones((RATE, 1), np.float32)

    monkeypatch.setattr(audio, "read_blocks", blocks)
    x, _ = live_song.beginning("song.wav", 4.5)
    assert x.shape == (round(4.5 * RATE), 1) and len(taken) == 5


def test_on_binder_the_bound_and_the_promise_are_others(folder, monkeypatch):
    assert "Nothing leaves this machine" in live_song._promise()
    monkeypatch.setenv("BINDER_REQUEST", "v2/gh/x/y/main")
    assert live_song.most_seconds() == live_song.ON_BINDER
    assert f"at most {live_song.ON_BINDER} s" in live_song._promise()
    assert "Nothing leaves" not in live_song._promise()
    made = live_song.panel(live_song.library())[1]
    assert made["seconds"].max == live_song.ON_BINDER


def test_what_a_separator_raises_is_one_line_and_its_phases_are_offered(made):
    made["method"].value = "broken"
    assert [key for _, key in made["phase"].options] == ["pu"]
    made["path"].value = "song.wav"
    made["start"].click()
    assert line(made) == ("RuntimeError: two lines", True)


def test_interrupt_stops(made, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(live_song, "beginning", stopped)
    made["path"].value = "song.wav"
    made["start"].click()
    assert line(made) == ("Stopped.", False)


def test_time_left():
    assert live_song.left(0, 30, 1) == "beginning"
    assert live_song.left(10, 30, 5) == "33 %, about 10 s left"
    assert live_song.left(30, 30, 5) == "100 %, drawing and writing"


def test_the_pictures_numbers():
    t = np.arange(44100) / 44100
    low, high = (np.sin(2 * np.pi * f * t)[:, None] for f in (60, 8000))
    said = live_song.pictures_say(low, high, 44100)
    assert said == "The drums took 50 % of the energy: 100 % of what is below 150 Hz, 0 % above."
    assert live_song.pictures_say(0 * low, 0 * high, 44100) == ""


def test_the_readers_own_separator_for_a_song(folder):
    told = []
    own = chapter10.of_a_song({"mine": lambda x: (0.25 * x, 0.75 * x)})["mine"]
    x = song()
    s_p, s_h = own.separate(x, RATE, "mixture", told.append)
    assert np.isclose(sum(told), 6) and s_p.shape == x.shape
    np.testing.assert_allclose(s_p + s_h, x, atol=1e-6)
    inner = slice(1000, -1000)
    error = np.abs(s_p - 0.25 * x)[inner]
    assert error.max() < 0.15 and np.median(error) < 1e-3  # clicks ring at another rate


def test_without_a_kernel_it_says_so(folder, monkeypatch):
    shown = []
    monkeypatch.setenv(output.FOLDER, str(folder / "assets"))
    monkeypatch.setattr(output, "emit", lambda markup, text: shown.append(markup))
    live_song.show()
    assert len(shown) == 1 and "make lab" in shown[0]
