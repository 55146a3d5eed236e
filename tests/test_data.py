"""Finding songs, the cache of samples, random mixtures (chapter 6)."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from hpss_lib import data
from hpss_lib.audio import SOURCES
from hpss_lib.stft import COMPACT, stft

RATE = 44100
STEMS = ("bass", "drums", "other", "vocals")


def write(path, *, seconds=0.2, seed=0, gain=0.1, channels=1, rate=RATE):
    path.parent.mkdir(parents=True, exist_ok=True)
    x = gain * np.random.default_rng(seed).standard_normal((int(seconds * rate), channels))
    soundfile.write(path, x.astype(np.float32), rate, subtype="FLOAT")
    return x.mean(axis=1).astype(np.float32)


def plain_folder(root, songs=2, seconds=2.0):
    for k in range(songs):
        write(root / f"song_{k}" / "drums.wav", seed=2 * k, seconds=seconds)
        write(root / f"song_{k}" / "harmonic.wav", seed=2 * k + 1, seconds=seconds)
    return root


def test_dsd100(tmp_path):
    for half, song in (("Dev", "051 - A"), ("Test", "001 - B")):
        write(tmp_path / "Mixtures" / half / song / "mixture.wav", channels=2)
        xs = {
            s: write(tmp_path / "Sources" / half / song / f"{s}.wav", channels=2, seed=k)
            for k, s in enumerate(STEMS)
        }
    (train,) = data.find_songs(tmp_path)
    (test,) = data.find_songs(tmp_path, subset="test")
    assert train.name == "Sources/Dev/051 - A"
    assert test.name == "Sources/Test/001 - B"
    p, h = data.read_song(test)
    np.testing.assert_allclose(p, xs["drums"], atol=1e-6)
    np.testing.assert_allclose(h, xs["bass"] + xs["other"] + xs["vocals"], atol=1e-6)


def test_musdb18_hq(tmp_path):
    for half in ("train", "test"):
        for k, s in enumerate((*STEMS, "mixture")):
            write(tmp_path / half / "Artist - Title" / f"{s}.wav", seed=k, channels=2)
    (song,) = data.find_songs(tmp_path, subset="test")
    assert song.percussive == (tmp_path / "test" / "Artist - Title" / "drums.wav",)
    assert [f.stem for f in song.harmonic] == ["bass", "other", "vocals"]


def test_musdb18_stems_need_ffmpeg(tmp_path, monkeypatch):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "Artist - Title.stem.mp4").write_bytes(b"no stems in here")
    (song,) = data.find_songs(tmp_path)
    assert song.name == "Artist - Title"
    for name in [m for m in sys.modules if m.partition(".")[0] in ("musdb", "stempeg")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="ffmpeg"):
        data.read_song(song)


def test_musdb18_stems_are_summed(tmp_path, monkeypatch):
    class FakeMusdb:
        class MultiTrack:
            def __init__(self, **_):
                self.stems = np.arange(5.0).reshape(5, 1, 1) * np.ones((5, 7, 2))

    monkeypatch.setattr(data, "import_musdb", lambda: FakeMusdb)
    song = data.Song("x", (tmp_path / "x.stem.mp4",), (tmp_path / "x.stem.mp4",))
    p, h = data.read_song(song)
    assert p.tolist() == [1] * 7  # drums
    assert h.tolist() == [2 + 3 + 4] * 7  # bass, other, vocals; not the mixture


def test_a_damaged_film_is_said_in_words(tmp_path, monkeypatch):
    class FakeMusdb:
        class MultiTrack:
            def __init__(self, **_):
                raise TypeError("list indices must be integers or slices, not str")  # stempeg

    monkeypatch.setattr(data, "import_musdb", lambda: FakeMusdb)
    with pytest.raises(ValueError, match=r"x.stem.mp4 .* \(damaged, or another film\)"):
        data.read_stems(tmp_path / "x.stem.mp4")


def test_plain_folder_one_song_and_single_sounds(tmp_path):
    plain_folder(tmp_path / "songs")
    assert [s.name for s in data.find_songs(tmp_path / "songs")] == ["song_0", "song_1"]
    (one,) = data.find_songs(tmp_path / "songs" / "song_1")
    assert one.name == "song_1"
    write(tmp_path / "solo" / "drum_hits" / "kick.wav")
    write(tmp_path / "solo" / "drums" / "kit" / "snare" / "1.wav")
    write(tmp_path / "solo" / "voice" / "a.wav")
    kinds = {
        s.name: (len(s.percussive), len(s.harmonic)) for s in data.find_songs(tmp_path / "solo")
    }
    assert kinds == {
        "drum_hits/kick.wav": (1, 0),
        "drums/kit/snare/1.wav": (1, 0),
        "voice/a.wav": (0, 1),
    }


def test_unequal_stems_are_padded(tmp_path):
    write(tmp_path / "drums.wav", seconds=0.1)
    write(tmp_path / "bass.wav", seconds=0.3)
    p, h = data.read_song(data.find_songs(tmp_path)[0])
    assert len(p) == len(h) == int(0.3 * RATE)
    assert not p[int(0.1 * RATE) :].any()


def test_nothing_to_find(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        data.find_songs(tmp_path / "missing")
    with pytest.raises(ValueError, match="no songs"):
        data.find_songs(tmp_path)
    with pytest.raises(ValueError, match="subset"):
        data.find_songs(tmp_path, subset="valid")


SONG = ("drums.wav", "bass.wav", "vocals.wav")


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.mark.parametrize(
    ("names", "named"),
    [
        ((*SONG, "mix.wav"), "mix.wav"),
        ((*SONG, "a.percussive.wav", "a.harmonic.wav"), "a.harmonic.wav, {}a.percussive.wav"),
        (("drums.m4a", "bass.wav"), "drums.m4a"),
        (("Drums.AIFF", "harmonic.wav"), "Drums.AIFF"),
        ((*SONG, "drums.mp3"), "drums.mp3, {}drums.wav"),
        ((*SONG, "Drums.wav"), "Drums.wav, {}drums.wav"),
        (("drum.wav", "harmonic.wav"), "drum.wav"),
        (("drum.wav", "bass.wav"), "drum.wav"),
        ((*SONG, "harmonic.wav"), "bass.wav, {}harmonic.wav, {}vocals.wav"),
        (("drums.wav", "mixture.wav"), "mixture.wav"),
        (("song.percussive.wav", "song.harmonic.wav"), "song.harmonic.wav, {}song.percussive.wav"),
        (("voice/one.wav", "voice/two.m4a"), "voice/two.m4a"),
    ],
)
def test_what_is_not_known_in_a_folder_is_named(tmp_path, names, named):
    """Each of these was once guessed at: a wrong score without a word."""
    folder = tmp_path / "songs" / "one"
    touch(folder, *names)
    with pytest.raises(ValueError) as refused:
        data.find_songs(tmp_path / "songs")
    told = str(refused.value).partition(":")[0]
    assert told == f"{folder}/" + named.replace("{}", f"{folder}/")


def test_names_in_capitals_hidden_files_and_more_stems(tmp_path):
    touch(tmp_path / "one", "Drums.WAV", "guitar.flac", "Piano.ogg", "cover.jpg", "notes.txt")
    touch(tmp_path / "one", "._Drums.WAV", ".hidden/drums.wav", "Mixture.wav")
    touch(tmp_path, "__MACOSX/one/drums.wav", ".cache/a.wav", "two/harmonic.wav")
    one, two = data.find_songs(tmp_path)
    assert [f.name for f in one.percussive] == ["Drums.WAV"]
    assert [f.name for f in one.harmonic] == ["guitar.flac", "Piano.ogg"]
    assert (two.name, two.percussive) == ("two", ())


# ------------------------------------------------------------------------------------ cache


def test_cache_holds_the_samples_and_is_reused(tmp_path):
    songs = data.find_songs(plain_folder(tmp_path / "songs"))
    cache = data.build_cache([songs], tmp_path / "cache")
    x, _ = data.read_song(songs[1])
    (first, second), _ = cache.signals["percussive"][0], cache.signals["harmonic"]
    assert first.song != second.song
    np.testing.assert_allclose(cache.read(second, 0, len(x)), x, atol=np.abs(x).max() / 32767)
    around = cache.read(second, -5, len(x) + 10)  # zeros outside
    assert not around[:5].any() and not around[-5:].any()
    assert second.rms == pytest.approx(0.1, rel=0.05)
    files = {f: f.stat().st_mtime_ns for f in (tmp_path / "cache").iterdir()}
    data.build_cache([songs], tmp_path / "cache")
    assert files == {f: f.stat().st_mtime_ns for f in (tmp_path / "cache").iterdir()}
    plain_folder(tmp_path / "songs", songs=3)  # one more: made anew
    songs = data.find_songs(tmp_path / "songs")
    assert len(data.build_cache([songs], tmp_path / "cache").songs) == 3
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_silent_signals_are_left_out_and_both_roles_are_needed(tmp_path):
    plain_folder(tmp_path / "songs")
    write(tmp_path / "songs" / "song_0" / "drums.wav", gain=0.0)
    songs = data.find_songs(tmp_path / "songs")
    cache = data.build_cache([songs], tmp_path / "cache")
    assert [len(cache.signals[r][0]) for r in SOURCES] == [1, 2]
    with pytest.raises(ValueError, match="no percussive sound"):
        data.build_cache([songs[:1]], tmp_path / "cache")


# ----------------------------------------------------------------------------------- mixing


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    plain_folder(root / "songs", songs=3, seconds=4.0)
    write(root / "solo" / "drum_hits" / "kick.wav", seconds=0.1, seed=9)
    write(root / "solo" / "harmonic" / "note.wav", seconds=0.3, seed=10)
    groups = [data.find_songs(root / "songs"), data.find_songs(root / "solo")]
    return data.build_cache(groups, root / "cache")


def test_batches_are_repeatable_and_physical(cache):
    draws = [
        data.draw_batch(cache, (1, 1), COMPACT, 12, 4, np.random.default_rng(s)) for s in (3, 3, 4)
    ]
    for a, b, c in zip(*draws, strict=True):
        assert a.shape == (4, 12, 1025) and a.dtype == torch.float32
        assert torch.equal(a, b) and not torch.equal(a, c)
    V, V_p, V_h = draws[0]
    assert (V <= V_p + V_h + 1e-4).all()  # the triangle inequality
    assert (V >= (V_p - V_h).abs() - 1e-4).all()


def test_projections_are_what_real_masks_can_give_back(cache):
    def draw(**how):
        return data.draw_batch(cache, (1, 1), COMPACT, 12, 4, np.random.default_rng(3), **how)

    V, V_p, V_h = draw()
    same, P, H = draw(projected=True)
    assert torch.equal(same, V)
    # law of cosines: the projection of one side of the triangle on another
    cosine = (V**2 + V_p**2 - V_h**2) / (2 * V)
    torch.testing.assert_close(P, cosine.clamp(min=0).nan_to_num(), atol=2e-3, rtol=2e-3)
    assert (P <= V_p + 1e-4).all() and (H <= V_h + 1e-4).all() and min(P.min(), H.min()) >= 0
    both = (P > 0) & (H > 0)
    torch.testing.assert_close((P + H)[both], V[both], atol=1e-4, rtol=1e-4)  # they add up


def test_magnitudes_are_those_of_the_stft(cache):
    plain = data.Mixing(
        across=0, layer=0, muted=0, speed=0, distort=0, low_pass=0, equalise=0, spread=0
    )
    V, V_p, _ = data.draw_batch(cache, (1, 0), COMPACT, 6, 1, np.random.default_rng(0), plain)
    n = 5 * 512 + 2048
    pair = data.draw_pair(cache, (1, 0), n, np.random.default_rng(0), plain)
    inner = slice(2, -2)  # frames of stft that lie inside the piece
    expected = np.abs(stft(pair[0], COMPACT)).T[inner]
    np.testing.assert_allclose(V_p[0, : len(expected)], expected, atol=1e-4)
    expected = np.abs(stft(pair.sum(0), COMPACT)).T[inner]
    np.testing.assert_allclose(V[0, : len(expected)], expected, atol=1e-4)


def test_partners_stay_together_when_not_mixed_across(cache):
    mixing = data.Mixing(across=0, layer=0, muted=0, speed=0, distort=0, spread=0)
    p, h = data.draw_pair(cache, (1, 0), 20_000, np.random.default_rng(1), mixing)

    def song_of(role, x):
        for s in cache.signals[role][0]:
            whole = cache.read(s, 0, s.length)
            correlation = np.correlate(whole, x[:2000], "valid")
            if np.abs(correlation).max() > 0.9 * np.sqrt((x[:2000] ** 2).sum() * 2000) * s.rms:
                return s.song
        return None

    assert song_of("percussive", p) == song_of("harmonic", h) is not None


@pytest.mark.parametrize(("across", "lowest"), [(1, 2 / 3), (0, 4 / 5)])
def test_drums_of_another_song_are_tuned_down_further(tmp_path, across, lowest):
    """By the pitch of two tones, as they are drawn: drums at 90 Hz, the rest at 1,000 Hz."""
    t = np.arange(4 * RATE) / RATE
    for song in ("one", "two"):
        (tmp_path / song).mkdir()
        for name, hertz in (("drums", 90), ("harmonic", 1000)):
            soundfile.write(
                tmp_path / song / f"{name}.wav", 0.3 * np.sin(2 * np.pi * hertz * t), RATE
            )
    cache = data.build_cache([data.find_songs(tmp_path)], tmp_path / "cache")
    mixing = data.Mixing(
        across=across, layer=0, muted=0, speed=1, distort=0, low_pass=0, equalise=0
    )
    rng = np.random.default_rng(0)
    found = []
    for _ in range(60):
        pair = data.draw_pair(cache, [1.0], RATE, rng, mixing)
        power = np.abs(np.fft.rfft(pair * np.hanning(RATE))) ** 2  # bins of 1 Hz
        found.append(np.argmax(power, axis=1) / (90, 1000))
    drums, rest = np.array(found).T
    assert drums.min() == pytest.approx(lowest, abs=0.01)
    assert rest.min() == pytest.approx(4 / 5, abs=0.01)
    for speeds in (drums, rest):
        assert 1.05 < speeds.max() <= 1.26


def test_levels_follow_the_settings(cache):
    mixing = data.Mixing(across=1, layer=0, muted=0, speed=0, distort=0, spread=0)
    p, h = data.draw_pair(cache, (1, 0), 40_000, np.random.default_rng(2), mixing)
    level = 10 * np.log10(np.mean([p**2, h**2], axis=1))
    np.testing.assert_allclose(level, mixing.level, atol=0.5)


def test_muted_and_distorted(cache):
    rng = np.random.default_rng(0)
    pairs = [data.draw_pair(cache, (1, 1), 5000, rng, data.Mixing(muted=1)) for _ in range(9)]
    assert all(p.any() != h.any() for p, h in pairs if p.any() or h.any())
    x = np.sin(np.arange(4410)).astype(np.float32)
    y = data.distort(x, drive=8)
    assert np.mean(y**2) == pytest.approx(np.mean(x**2), rel=1e-5)
    assert np.abs(y).max() < 0.8  # nearly a square wave
    assert not data.distort(0 * x, drive=8).any()


def test_songs_as_recorded_are_left_alone(cache):
    p, h = data.draw_pair(cache, (1, 0), 20_000, np.random.default_rng(1), data.AS_RECORDED)
    for source, x in (("percussive", p), ("harmonic", h)):
        wholes = [cache.read(s, 0, s.length) for s in cache.signals[source][0]]
        distances = [  # x is a piece of one of them, to the bit
            np.abs(np.lib.stride_tricks.sliding_window_view(w, 3) - x[:3]).sum(1).min()
            for w in wholes
        ]
        assert min(distances) == 0


def test_treatments_of_probability_0_draw_nothing_and_others_do_what_they_say(cache):
    plain = data.Mixing(distort=0, muted=0)
    rng = np.random.default_rng(0)
    p, h = rng.standard_normal((2, 20_000)).astype(np.float32)

    def treated(**changes):
        rng = np.random.default_rng(5)
        return *data.treat(p, h, rng, replace(plain, **changes)), rng.random()

    same = treated()
    assert same[0] is p and same[1] is h
    rng = np.random.default_rng(5)
    rng.random(2)  # distort and muted are always drawn, as before there was more
    assert same[2] == rng.random()
    q, g, _ = treated(kicks=1)
    assert g is h and (q != p).any()
    q, g, _ = treated(duck=1)
    assert q is p and (np.abs(g) <= np.abs(h)).all() and (g != h).any()
    q, g, _ = treated(master=1)
    np.testing.assert_allclose(q * h, g * p, atol=1e-5)
    q, g, _ = treated(rumble=1)
    assert q is p and np.abs(np.mean(g - h)) > 1e-3


def test_random_filter_is_gentle():
    rng = np.random.default_rng(0)
    gains = np.stack([data.random_filter(1025, rng, data.Mixing(low_pass=0)) for _ in range(200)])
    assert 2 < np.std(20 * np.log10(gains)) < 5
    low = data.random_filter(1025, rng, data.Mixing(low_pass=1, equalise=0))
    assert low[0] == 1 and low[-1] == pytest.approx(1e-3, rel=0.01)


def test_excerpts_skip_what_has_no_sdr(tmp_path):
    plain_folder(tmp_path)
    write(tmp_path / "song_0" / "drums.wav", gain=0.0)
    found = list(data.excerpts(data.find_songs(tmp_path), seconds=0.5, count=2))
    assert [name.partition("@")[0] for name, _, _ in found] == ["song_1", "song_1"]
    assert all(len(p) == len(h) == RATE // 2 for _, p, h in found)


def test_a_role_without_weight_is_an_error(cache):
    with pytest.raises(ValueError, match="weight"):
        data.draw_signal(cache, "harmonic", (0, 0), np.random.default_rng(0))


def test_folders_that_link_to_each_other_are_gone_through_once(tmp_path):
    plain_folder(tmp_path / "a" / "b", seconds=0.1)
    for place in ("a", "a/b", "a/b/song_0"):
        for name in ("up", "upper"):
            (tmp_path / place / name).symlink_to(tmp_path)
    found = data.find_songs(tmp_path / "a")
    assert [song.percussive[0].parent.name for song in found] == ["song_0", "song_1"]


@pytest.mark.parametrize("index", ["", "{}", "[]", '{"key": 3}'])
def test_a_damaged_cache_is_made_anew(tmp_path, index):
    songs = data.find_songs(plain_folder(tmp_path / "songs", songs=1))
    made = data.build_cache([songs], tmp_path / "cache").signals
    (tmp_path / "cache" / "index.json").write_text(index)
    assert data.build_cache([songs], tmp_path / "cache").signals == made
