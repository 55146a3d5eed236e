"""The notes: the same from the same seed, playable, in time, and in the styles' own words."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpss_lib.songs import performing, score
from hpss_lib.songs.composing import compose
from hpss_lib.songs.performing import perform
from hpss_lib.songs.score import CHORDS, DRUM_CHANNEL, DRUMS, Note, Part, Score, Section
from hpss_lib.songs.styles import STYLES


def a_score(**changes) -> Score:
    """A small score with everything straight and unhumanised."""
    plain = Score(
        style="test",
        tempo=120,
        parts={"bass": Part((33,), 28, 43), "keys": Part((0,), 52, 72)},
        sections=(
            Section(
                2,
                "C|Am",
                drums={"kick": "X...x...X...x...", "hihat": "x.x.x.x.x.x.x.x."},
                lines={"bass": "r-------5-------", "keys": "x" + "-" * 15},
            ),
        ),
        human=0.0,
        ending="",
    )
    return replace(plain, **changes)


def test_the_same_seed_gives_the_same_notes_and_another_seed_others():
    assert compose(7, seconds=20) == compose(7, seconds=20)
    assert compose(7, seconds=20).notes != compose(8, seconds=20).notes


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_gives_playable_notes_in_both_stems(style):
    for seed in range(3):
        song = compose(seed, style=style, seconds=30)
        assert song.style == style and song.seconds <= 30
        assert {n.percussive for n in song.notes} == {True, False}
        onsets = [n.onset for n in song.notes]
        assert onsets == sorted(onsets) and onsets[0] >= 0
        for n in song.notes:
            assert 0 < n.duration and n.onset + n.duration <= song.seconds + 1e-3
            assert 12 <= n.pitch <= 108 and 1 <= n.velocity <= 127
            assert 0 <= n.program <= 127 and 0 <= n.channel <= 15
            assert n.percussive or n.channel != DRUM_CHANNEL
        low, high = STYLES[style].tempo
        assert low <= song.tempo <= high + 0.1
        # A song is music, not a lone note now and then.
        assert len(song.notes) > 60


@pytest.mark.parametrize("style", sorted(STYLES))
def test_no_note_overlaps_the_next_of_its_pitch(style):
    song = compose(11, style=style, seconds=30)
    ends: dict[tuple[int, int], float] = {}
    for n in song.notes:
        where = (n.channel, n.pitch)
        assert n.onset >= ends.get(where, 0) - 2e-4
        ends[where] = n.onset + n.duration


def test_tempo_sets_the_beats_and_the_strokes():
    scores = [a_score(tempo=t) for t in (60, 120)]
    assert np.allclose(scores[0].beats, np.arange(9)) and len(scores[1].beats) == 9
    assert np.allclose(np.diff(scores[1].beats), 0.5)
    slow, fast = (perform(s, 0) for s in scores)
    kick = DRUMS["kick"]
    kicks = [n.onset for n in fast.notes if n.pitch == kick and n.percussive]
    assert np.allclose(kicks, np.arange(8) * 0.5)
    assert np.allclose([n.onset for n in slow.notes], [2 * n.onset for n in fast.notes], atol=2e-4)


def test_chords_over_time_are_gapless_and_in_the_sounding_key():
    first = a_score().sections[0]
    two = (first, replace(first, bars=3, chords="Am|F#m7 G|G"))
    written = a_score(sections=two).chords  # at 120 beats a minute a bar lasts two seconds
    assert written == (
        (0.0, 2.0, "C"), (2.0, 6.0, "Am"), (6.0, 7.0, "F#m7"), (7.0, 10.0, "G"),
    )  # fmt: skip
    up = a_score(sections=two, key=3, ending="C").chords
    assert [symbol for _, _, symbol in up] == ["Eb", "Cm", "Am7", "Bb", "Eb"]
    assert up[-1][:2] == (10.0, 11.25)
    # What the keys play is what the chords say.
    song = perform(a_score(sections=two, key=3), 0)
    for start, end, symbol in a_score(sections=two, key=3).chords:
        root, intervals = score.parse_chord(symbol)
        played = {n.pitch % 12 for n in song.notes if n.channel == 1 and start <= n.onset < end}
        assert played <= {(root + i) % 12 for i in intervals}


def test_swing_moves_the_off_beats_alone():
    straight, swung = (
        [n.onset for n in perform(a_score(swing=s), 0).notes if n.pitch == DRUMS["hihat"]]
        for s in (0.5, 2 / 3)
    )
    assert np.allclose(straight[::2], swung[::2], atol=1e-4)
    # At 120 beats a minute an off-beat moves from 250 to 333 ms after its beat.
    assert np.allclose(np.subtract(swung[1::2], straight[1::2]), 0.5 * (2 / 3 - 1 / 2), atol=1e-4)


@given(st.floats(0.5, 0.7), st.sampled_from([1, 2]), st.floats(50, 200))
def test_time_never_runs_backwards(swing, unit, tempo):
    swung = a_score(swing=swing, swing_unit=unit, tempo=tempo)
    times = [score.step_time(s / 4, swung) for s in range(256)]
    assert np.all(np.diff(times) > 0)
    assert score.step_time(16, swung) == pytest.approx(4 * 60 / tempo)


def test_humanised_notes_stay_near_the_written_ones():
    written = perform(a_score(), 0)
    played = perform(a_score(human=0.006), 0)
    assert len(written.notes) == len(played.notes)
    shift = np.subtract(sorted(n.onset for n in played.notes), [n.onset for n in written.notes])
    assert 0.001 < np.std(shift) < 0.015


@given(
    st.integers(0, 11),
    st.sampled_from(sorted(CHORDS)),
    st.integers(40, 60),
    st.lists(st.integers(48, 72), max_size=4),
)
def test_voicings_hold_only_the_chord_and_stay_in_range(root, quality, low, previous):
    high = low + 20
    voicing = performing.voice_chord(root, CHORDS[quality], previous, low=low, high=high, voices=4)
    allowed = {(root + i) % 12 for i in CHORDS[quality]}
    assert voicing and all(p % 12 in allowed and low <= p <= high for p in voicing)
    assert list(voicing) == sorted(set(voicing))


def test_voices_lead_to_near_chords():
    c = performing.voice_chord(0, CHORDS[""], (), low=48, high=76, voices=3)
    g = performing.voice_chord(7, CHORDS[""], c, low=48, high=76, voices=3)
    assert abs(np.mean(c) - np.mean(g)) < 3


def test_a_bass_plays_roots_and_fifths_in_the_song_s_key():
    pitches = [n.pitch for n in perform(a_score(key=2), 0).notes if n.channel == 0]
    assert [p % 12 for p in pitches] == [2, 9, 11, 6]  # D and A, B and F sharp


def test_words_of_the_notation():
    assert score.pitch_number("C4") == 60 and score.pitch_number("Bb3") == 58
    assert score.parse_chord("F#m7") == (6, (0, 3, 7, 10))
    assert score.tune("C4:4 .:2 E4:2") == ((0, 4, 60), (6, 2, 64))
    assert score.onsets_of("x--.X.o") == [(0, 3, "x"), (4, 1, "X"), (6, 1, "o")]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: score.pitch_number("H2"), "'H2'"),
        (lambda: score.parse_chord("Cx"), "'Cx'"),
        (lambda: compose(0, style="polka"), "polka"),
        (lambda: compose(0, seconds=0), "positive"),
        (lambda: perform(a_score(sections=(Section(1, "C", drums={"gong": "x"}),)), 0), "gong"),
        (lambda: perform(a_score(sections=(Section(1, "C", lines={"oboe": "x"}),)), 0), "oboe"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_fill_takes_over_from_the_groove_but_not_from_the_kick():
    section = replace(a_score().sections[0], fill={"snare": "........xxxxxxxx"})
    song = perform(a_score(sections=(section,)), 0)
    late = [n.pitch for n in song.notes if n.onset > 2.9 and n.channel == DRUM_CHANNEL]
    assert late.count(DRUMS["snare"]) == 8
    assert DRUMS["hihat"] not in late and DRUMS["kick"] in late


def test_notes_struck_twice_become_one_and_held_ones_are_cut():
    first = Note(0.0, 1.0, 60, 90, 0, 0, False)
    notes = [first, first._replace(onset=0.004), first._replace(onset=0.5)]
    kept = performing.without_overlaps(notes)
    assert [(n.onset, n.duration) for n in kept] == [(0.0, 0.5), (0.5, 1.0)]
