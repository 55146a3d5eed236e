"""The sound: MIDI files that parse back, repeatable synthesis, effects, recorded notes."""

import json
import shutil

import numpy as np
import pytest

from hpss_lib.songs import effects, instruments, synthesis
from hpss_lib.songs.composing import DRUMS, Note, Part, Song, compose

RATE = 44100


def have_synthesiser() -> bool:
    try:
        synthesis.find_font("fluid")
    except FileNotFoundError:
        return False
    return shutil.which("fluidsynth") is not None


synthesiser = pytest.mark.skipif(
    not have_synthesiser(), reason="needs fluidsynth and its sound font FluidR3 GM"
)


def parse_midi(data: bytes):
    """Return (ticks a beat, microseconds a beat, [(tick, message)]) of a format 0 file."""
    assert data[:4] == b"MThd" and data[14:18] == b"MTrk"
    division = int.from_bytes(data[12:14], "big")
    length = int.from_bytes(data[18:22], "big")
    track, at, now, tempo, events = data[22:], 0, 0, None, []
    assert len(track) == length
    while at < length:
        delta = 0
        while True:
            delta = delta << 7 | track[at] & 127
            at += 1
            if not track[at - 1] & 128:
                break
        now += delta
        if track[at] == 0xFF:
            kind, size = track[at + 1], track[at + 2]
            if kind == 0x51:
                tempo = int.from_bytes(track[at + 3 : at + 3 + size], "big")
            at += 3 + size
            if kind == 0x2F:
                assert at == length
        else:
            size = 2 if track[at] >> 4 == 0xC else 3
            events.append((now, track[at : at + size]))
            at += size
    return division, tempo, events


@pytest.mark.parametrize("percussive", [True, False])
def test_midi_holds_every_note_of_its_stem(percussive):
    song = compose(3, style="rock", seconds=15)
    division, tempo, events = parse_midi(synthesis.midi_bytes(song, percussive=percussive))
    second = division * 1e6 / tempo
    started = sorted((m[0] & 15, m[1], at / second) for at, m in events if m[0] >> 4 == 9 and m[2])
    stem = [n for n in song.notes if n.percussive == percussive]
    wanted = sorted((n.channel, n.pitch, n.onset) for n in stem)
    assert len(started) == len(wanted) and np.allclose(started, wanted, atol=0.001)
    loud = sorted(m[2] for _, m in events if m[0] >> 4 == 9)
    assert loud == sorted(n.velocity for n in stem)
    # Every note that starts ends, and in between it is never started again.
    sounding = set()
    for _, m in events:
        key = (m[0] & 15, m[1])
        if m[0] >> 4 == 9:
            assert key not in sounding
            sounding.add(key)
        elif m[0] >> 4 == 8:
            sounding.remove(key)
    assert not sounding


@pytest.mark.parametrize("number", [0, 127, 128, 16383, 16384, 2_000_000])
def test_variable_lengths_parse_back(number):
    value = 0
    coded = synthesis._variable_length(number)
    for byte in coded:
        value = value << 7 | byte & 127
    assert value == number and all(b & 128 for b in coded[:-1]) and not coded[-1] & 128


@synthesiser
def test_rendering_is_repeatable_and_balanced():
    song = compose(5, style="funk", seconds=6)
    first, again = (synthesis.render_stems(song, percussive_db=-2) for _ in range(2))
    for x, y in zip(first, again, strict=True):
        assert x.dtype == np.float32 and len(x) == round(song.seconds * RATE)
        assert np.array_equal(x, y)
    x_p, x_h = first
    assert np.max(np.abs(x_p + x_h)) == pytest.approx(0.7, abs=1e-3)
    assert 10 * np.log10(np.mean(x_p**2) / np.mean(x_h**2)) == pytest.approx(-2, abs=0.01)


@synthesiser
def test_a_note_sounds_at_its_pitch_and_time():
    note = Note(0.5, 1.0, 69, 100, 0, 0, False)
    song = Song("test", (note,), 2.0, 120.0, (), {0: Part((0,))})
    x = synthesis.synthesise(song, percussive=False, reverb=0)
    assert np.max(np.abs(x[: int(0.49 * RATE)])) < 1e-4 < np.max(np.abs(x))
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x))))
    assert np.argmax(spectrum) * RATE / len(x) == pytest.approx(440, rel=0.01)
    assert not synthesis.synthesise(song, percussive=True).any()


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    song = compose(0, style="jazz", seconds=3)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="fluidsynth"):
        synthesis.synthesise(song, percussive=False)
    monkeypatch.setattr(synthesis, "FONT_FOLDERS", (str(tmp_path),))
    monkeypatch.delenv("HPSS_SOUND_FONT", raising=False)
    with pytest.raises(FileNotFoundError, match="fluid-soundfont-gm"):
        synthesis.find_font("fluid")
    with pytest.raises(FileNotFoundError, match="musescore-general-soundfont"):
        synthesis.find_font("musescore")
    monkeypatch.setenv("HPSS_SOUND_FONT", str(tmp_path / "none.sf2"))
    with pytest.raises(FileNotFoundError, match=r"none\.sf2"):
        synthesis.find_font("fluid")


def test_balance_and_fade_leave_their_inputs_alone():
    x_p, x_h = np.random.default_rng(0).standard_normal((2, 5000)).astype(np.float32)
    kept = x_p.copy(), x_h.copy()
    y_p, y_h = synthesis.balance(x_p, 0 * x_h)
    assert np.max(np.abs(y_p)) == pytest.approx(0.7, abs=1e-5) and not y_h.any()
    assert not synthesis.balance(0 * x_p, 0 * x_h)[0].any()
    faded = synthesis.fade_out(x_p, seconds=0.05)
    n = round(0.05 * RATE)
    assert abs(faded[-1]) < 1e-6 and np.array_equal(faded[:-n], x_p[:-n])
    assert np.array_equal(x_p, kept[0]) and np.array_equal(x_h, kept[1])


# --- Effects -------------------------------------------------------------------------------------

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


# --- Recorded notes ------------------------------------------------------------------------------


@pytest.fixture
def recordings(tmp_path):
    """A folder of tones and clicks in the layout of a set of recordings."""
    import soundfile

    t = np.arange(RATE) / RATE
    entries = []

    def save(file, x, **entry):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / file, x, RATE)
        common = {"file": file, "attack_ms": 0.0, "cents": 0.0, "source": "here", "level_db": -20.0}
        entries.append(common | {"clean_licence": True, "layer": 0, "n_layers": 1} | entry)

    for instrument in ("piano_grand_salamander", "ebass_finger_killer", "rhodes"):
        for midi in (36, 48, 60):
            tone = 0.3 * np.sin(2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * t)
            save(f"{instrument}/{midi}.wav", tone, kind="pitched", instrument=instrument, midi=midi)
    for piece, hertz in (("kick", 60), ("snare", 2000), ("hihat_closed", 9000)):
        hit = 0.3 * np.sin(2 * np.pi * hertz * t[:8000]) * np.exp(-t[:8000] / 0.05)
        save(f"kit/{piece}.wav", hit, kind="drum", kit="kit", piece=piece)
    save("unclean/60.wav", 0 * t, kind="pitched", instrument="viol", midi=60, clean_licence=False)
    (tmp_path / "index.json").write_text(json.dumps(entries))
    return tmp_path


def test_only_clean_recordings_are_used(recordings):
    library = instruments.load_library(recordings)
    assert "viol" not in library.pitched and set(library.drums["kit"]) == {
        "kick", "snare", "hihat_closed",
    }  # fmt: skip
    with pytest.raises(FileNotFoundError, match=r"index\.json"):
        instruments.load_library(recordings / "nowhere")


@pytest.mark.parametrize("pitch", [60, 62, 58, 72])
def test_a_recorded_note_is_retuned_and_damped(recordings, pitch):
    library = instruments.load_library(recordings)
    note = Note(0.1, 0.5, pitch, 100, 0, 0, False)
    names = ["piano_grand_salamander"]
    y = instruments.play_part(
        [note], Part((0,)), library, names, np.random.default_rng(0), length=RATE
    )
    sound = np.flatnonzero(np.abs(y) > 1e-4) / RATE
    assert sound[0] == pytest.approx(0.1, abs=0.005) and sound[-1] < 0.7
    spectrum = np.abs(np.fft.rfft(y[4410:26460] * np.hanning(22050), 4 * RATE))
    measured = 69 + 12 * np.log2(np.argmax(spectrum) / 4 / 440)
    assert (measured - pitch + 0.3) % 12 < 0.6  # an octave's move is allowed


def test_interpolation_reads_a_tone_between_its_samples():
    x = np.sin(2 * np.pi * 1000 * np.arange(4000) / RATE)
    at = np.linspace(100, 3900, 5001)
    assert np.max(np.abs(instruments.read_at(x, at) - np.sin(2 * np.pi * 1000 * at / RATE))) < 1e-3


def test_drums_that_no_recording_fits_are_handed_back(recordings):
    library = instruments.load_library(recordings)
    notes = [Note(0.1, 0.1, DRUMS[name], 100, 0, 9, True) for name in ("kick", "hihat", "crash")]
    y, left = instruments.play_drums(notes, library, np.random.default_rng(0), length=RATE)
    assert [n.pitch for n in left] == [DRUMS["crash"]]
    assert not y[: int(0.099 * RATE)].any() and y.any()


def test_songs_are_written_whole_and_not_twice(recordings, tmp_path, monkeypatch):
    import soundfile

    def silent(song, **_):
        return np.zeros(round(song.seconds * RATE), np.float32)

    monkeypatch.setattr(synthesis, "synthesise", silent)
    kept = {"sources": ("recorded",), "instruments": recordings, "lengths": (20.0, 20.0)}
    out = tmp_path / "songs"
    assert [n for n, _ in synthesis.write_songs(out, [1, 2], **kept)] == [
        "song_00001",
        "song_00002",
    ]
    first = {f: f.read_bytes() for f in out.rglob("*.flac")}
    assert len(first) == 4 and list(synthesis.write_songs(out, [1, 2], **kept)) == []
    assert sorted(p.name for p in out.iterdir()) == ["song_00001", "song_00002"]
    x_p, rate = soundfile.read(out / "song_00001" / "drums.flac")
    x_h, _ = soundfile.read(out / "song_00001" / "harmonic.flac")
    assert rate == RATE and len(x_p) == len(x_h) == 20 * RATE and x_p.any()
    assert np.max(np.abs(x_p + x_h)) == pytest.approx(0.8, abs=0.01)
    shutil.rmtree(out / "song_00002")
    assert [n for n, _ in synthesis.write_songs(out, [1, 2], **kept)] == ["song_00002"]
    assert {f: f.read_bytes() for f in out.rglob("*.flac")} == first


def test_two_processes_may_write_the_same_songs(tmp_path, monkeypatch):
    theirs = tmp_path / "songs" / "song_00001"

    def render(seed, *, seconds):
        theirs.mkdir(parents=True)  # while we compute, the other one finishes
        (theirs / "drums.flac").write_bytes(b"theirs")
        return np.zeros(100, np.float32), np.zeros(100, np.float32)

    monkeypatch.setattr(synthesis, "render_song", render)
    assert [n for n, _ in synthesis.write_songs(tmp_path / "songs", [1])] == ["song_00001"]
    assert [f.read_bytes() for f in theirs.iterdir()] == [b"theirs"]


def test_render_song_names_its_mistakes():
    with pytest.raises(ValueError, match="sources"):
        synthesis.render_song(0, sources=("organ",))
    with pytest.raises(ValueError, match="instruments"):
        synthesis.render_song(0, sources=("recorded",))


@synthesiser
def test_a_training_song_is_the_same_from_the_same_seed():
    (a_p, a_h), (b_p, b_h) = (
        synthesis.render_song(4, seconds=8, sources=("fluid",)) for _ in range(2)
    )
    assert len(a_p) == len(a_h) == 8 * RATE
    assert np.array_equal(a_p, b_p) and np.array_equal(a_h, b_h)
