"""The scores: by hand, against mir_eval and museval, in bad cases; and the table made of them."""

import math
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import soundfile

from hpss_lib import evaluation
from hpss_lib.__main__ import main
from hpss_lib.audio import SOURCES
from hpss_lib.evaluation import Protocol
from hpss_lib.stft import COMPACT, SAMPLE_RATE, istft, stft

WHOLE_V3 = Protocol("v3", math.inf, math.inf)
WHOLE_V4 = Protocol("v4", math.inf, math.inf)
SECOND = SAMPLE_RATE


def noise(n, seed=0, sources=2):
    return np.random.default_rng(seed).standard_normal((sources, n))


def decibel(a, b):
    return 10 * np.log10(np.square(a).sum() / np.square(b).sum())


# ------------------------------------------------------------------------------ plain measures


def test_plain_sdr_by_hand():
    s = np.array([1.0, 1.0, 0.0])
    assert evaluation.sdr(s, np.array([1.0, 0.0, 0.0])) == pytest.approx(10 * math.log10(2))
    assert evaluation.sdr(s, 0.9 * s) == pytest.approx(20)
    assert evaluation.sdr(s, np.zeros(3)) == 0
    assert evaluation.sdr(s, s) == math.inf
    assert math.isnan(evaluation.sdr(np.zeros(3), s))


def test_scale_invariant_sdr_by_hand():
    s, e = np.array([1.0, 0.0]), np.array([3.0, 1.0])
    assert evaluation.si_sdr(s, e) == pytest.approx(20 * math.log10(3))
    assert evaluation.si_sdr(7 * s, -0.1 * e) == pytest.approx(20 * math.log10(3))
    assert evaluation.si_sdr(s, 0.2 * s) == math.inf
    assert math.isnan(evaluation.si_sdr(s, np.zeros(2)))
    assert math.isnan(evaluation.si_sdr(np.zeros(2), s))


def test_measures_compute_in_double():
    s = np.full(3_000_000, 0.1, np.float32)
    e = s + np.float32(1e-5)
    assert evaluation.sdr(s, e) == pytest.approx(decibel(s.astype(float), e - s.astype(float)))


def test_signals_without_a_score_are_refused():
    s = np.ones(4)
    for measure in (evaluation.sdr, evaluation.si_sdr):
        with pytest.raises(ValueError, match="length"):
            measure(s, s[1:])
        with pytest.raises(ValueError, match="NaN"):
            measure(s, s * np.nan)


# ------------------------------------------------------------------------ BSS Eval by hand


@pytest.mark.parametrize("protocol", [WHOLE_V3, WHOLE_V4])
def test_a_known_gain_is_a_distortion_of_the_image_alone(protocol):
    references = noise(SECOND)
    result = evaluation.scores(references, [[0.5], [0.9]] * references, protocol=protocol)
    np.testing.assert_allclose(result.sdr[:, 0], [20 * math.log10(2), 20], atol=1e-6)
    np.testing.assert_allclose(result.isr, result.sdr, atol=1e-6)
    assert (result.sir > 100).all() and (result.sar > 100).all()


def test_a_known_interference_lowers_sir_and_not_sar():
    p, h = noise(4 * SECOND)
    result = evaluation.scores(np.stack([p, h]), np.stack([p + 0.1 * h, h + 0.3 * p]))
    expected = [decibel(p, 0.1 * h), decibel(h, 0.3 * p)]
    np.testing.assert_allclose(result.sdr[:, 0], expected, atol=1e-6)
    np.testing.assert_allclose(result.sir[:, 0], expected, atol=0.1)
    assert (result.sar > 100).all()


def test_a_known_artifact_lowers_sar_and_not_sir():
    references, extra = noise(4 * SECOND), 0.1 * noise(4 * SECOND, seed=1)
    result = evaluation.scores(references, references + extra)
    expected = [decibel(r, e) for r, e in zip(references, extra, strict=True)]
    np.testing.assert_allclose(result.sdr[:, 0], expected, atol=1e-6)
    np.testing.assert_allclose(result.sar[:, 0], expected, atol=0.1)
    assert (result.sir > result.sar + 15).all()  # 512 taps of noise explain a little of the noise


def test_a_short_delay_is_forgiven_by_sar_and_sir_but_not_by_sdr():
    references = noise(SECOND)
    delayed = np.pad(references, ((0, 0), (100, 0)))[:, :SECOND]
    result = evaluation.scores(references, delayed)
    np.testing.assert_allclose(result.sdr[:, 0], -10 * math.log10(2), atol=0.2)
    assert (result.sir > 20).all() and (result.sar > 20).all()
    assert max(evaluation.sdr(r, d) for r, d in zip(references, delayed, strict=True)) < 0


# -------------------------------------------------------------------- against other programs


def test_mode_v3_is_mir_evals():
    mir_eval = pytest.importorskip("mir_eval")
    references = noise(2 * SECOND)
    estimates = references + 0.2 * references[::-1] + 0.1 * noise(2 * SECOND, seed=2)
    protocol = Protocol("v3", 1.0, 0.5)
    found = evaluation.scores(references, estimates, protocol=protocol)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # deprecated there, still the reference
        expected = mir_eval.separation.bss_eval_images_framewise(
            references[:, :, None], estimates[:, :, None], SECOND, SECOND // 2
        )
    for name, values in zip(evaluation.METRICS, expected, strict=False):
        np.testing.assert_allclose(getattr(found, name), values, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(found.start, [0, 0.5, 1])


def test_mode_v4_is_musevals_default():
    references = noise(2 * SECOND + 5000)
    estimates = references + 0.2 * references[::-1] + 0.1 * noise(2 * SECOND + 5000, seed=3)
    found = evaluation.scores(references, estimates, protocol=evaluation.MUSEVAL)
    expected = evaluation.museval_metrics().bss_eval(
        references[:, :, None], estimates[:, :, None], SECOND, SECOND
    )
    for name, values in zip(evaluation.METRICS, expected, strict=False):
        np.testing.assert_array_equal(getattr(found, name), values)
    assert found.why == ("", "")  # the last 5000 samples fill no window


def test_the_published_protocol():
    assert evaluation.PUBLISHED == Protocol("v3", 30, 15)
    assert evaluation.MUSEVAL == Protocol("v4", 1, 1)
    with pytest.raises(ValueError, match="v5"):
        Protocol("v5", 1, 1)
    with pytest.raises(ValueError, match="every"):
        Protocol("v4", 1, 0)


def test_scores_without_ffmpeg():
    """`import museval` raises where ffmpeg is missing; the scores do not need it."""
    program = """
import sys, numpy as np
try:
    import museval
except Exception as error:
    print(type(error).__name__)
for name in [n for n in sys.modules if n.partition(".")[0] in ("museval", "musdb", "stempeg")]:
    del sys.modules[name]
from hpss_lib import evaluation
r = np.random.default_rng(0).standard_normal((2, 5000))
print(float(evaluation.scores(r, 0.9 * r).sdr[0, 0]), "museval" in sys.modules)
"""
    env = {**os.environ, "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "RuntimeError"  # ffmpeg is off the PATH indeed
    value, imported = done.stdout.splitlines()[1].split()
    assert float(value) == pytest.approx(20) and imported == "False"


# ----------------------------------------------------------------------------------- bad cases


@pytest.mark.parametrize("mode", ["v3", "v4"])
def test_frames_with_a_silent_source_are_undefined_and_counted(mode):
    references = noise(3 * SECOND)
    references[0, SECOND : 2 * SECOND] = 0
    estimates = references + 0.1 * noise(3 * SECOND, seed=4)
    found = evaluation.scores(references, estimates, protocol=Protocol(mode, 1, 1))
    assert found.why == ("", "percussive reference silent", "") and found.undefined == 1
    assert np.isnan(found.sdr[:, 1]).all() and np.isfinite(found.sdr[:, ::2]).all()


@pytest.mark.parametrize("mode", ["v3", "v4"])
@pytest.mark.parametrize("source", [0, 1])
@pytest.mark.parametrize("kind", ["reference", "estimate"])
def test_a_silent_signal_leaves_all_frames_undefined(mode, source, kind):
    references, estimates = noise(2 * SECOND), noise(2 * SECOND, seed=5)
    (references if kind == "reference" else estimates)[source] = 0
    found = evaluation.scores(references, estimates, protocol=Protocol(mode, 1, 1))
    assert found.why == (f"{SOURCES[source]} {kind} silent",) * 2
    assert np.isnan(found.sdr).all()


@pytest.mark.parametrize("protocol", [evaluation.PUBLISHED, evaluation.MUSEVAL])
@pytest.mark.parametrize("n", [1, 2, 512, evaluation.SHORTEST - 1])
def test_signals_that_the_filters_would_explain_are_undefined(protocol, n):
    found = evaluation.scores(noise(n), noise(n, seed=6), protocol=protocol)
    assert found.undefined == 1 and "shorter" in found.why[0] and np.isnan(found.sdr).all()
    longer = evaluation.SHORTEST
    assert evaluation.scores(noise(longer), noise(longer, seed=6), protocol=protocol).why == ("",)


@pytest.mark.parametrize("mode", ["v3", "v4"])
def test_equal_references_are_undefined(mode):
    r = noise(SECOND, sources=1)
    found = evaluation.scores(
        np.concatenate([r, -2 * r]), noise(SECOND), protocol=Protocol(mode, 1, 1)
    )
    assert found.why == ("references proportional",)


@pytest.mark.parametrize("mode", ["v3", "v4"])
def test_no_solution_is_undefined(mode, monkeypatch):
    """museval's own way out names an error that numpy 2 no longer has under that name."""

    def singular(*_):
        raise np.linalg.LinAlgError

    monkeypatch.setattr(np.linalg, "solve", singular)
    protocol = Protocol(mode, 0.5, 0.5)
    found = evaluation.scores(noise(SECOND), noise(SECOND, seed=7), protocol=protocol)
    assert found.why == ("no solution",) * 2 and np.isnan(found.sdr).all()


def test_scores_refuse_what_has_no_score():
    r = noise(5000)
    with pytest.raises(ValueError, match=r"\(2, n\)"):
        evaluation.scores(r, r[:, 1:])
    with pytest.raises(ValueError, match=r"\(2, n\)"):
        evaluation.scores(r[0], r[0])
    with pytest.raises(ValueError, match="NaN"):
        evaluation.scores(r, r * np.inf)


def test_swapped_estimates_are_noticed_and_scored_as_given():
    references = noise(SECOND)
    assert evaluation.look_swapped(references, references[::-1] + 0.1 * noise(SECOND, seed=8))
    assert not evaluation.look_swapped(references, references + 0.1 * noise(SECOND, seed=8))
    assert not evaluation.look_swapped(references, np.zeros((2, SECOND)))
    found = evaluation.scores(references, references[::-1])
    assert (found.sir < -10).all() and (found.sdr < 0).all()


def test_medians_leave_out_the_undefined():
    assert evaluation.median_defined(np.array([1.0, np.nan, 4.0])) == 2.5
    assert math.isnan(evaluation.median_defined(np.array([np.nan])))
    assert math.isnan(evaluation.median_defined(np.array([])))


# ------------------------------------------------------------------------------------- oracles


def sources(seconds=8.0):
    """Clicks, and a tone that glides: longer than one block of frames."""
    n = int(seconds * SAMPLE_RATE)
    t = np.arange(n) / SAMPLE_RATE
    x_h = 0.3 * np.sin(2 * np.pi * (400 + 20 * t) * t)
    x_p = np.random.default_rng(9).standard_normal(n) * np.exp(-30 * (t % 0.25))
    return x_p.astype(np.float32), x_h.astype(np.float32)


def test_oracles_are_their_formulas():
    x_p, x_h = sources()
    X_p, X_h = stft(x_p, COMPACT), stft(x_h, COMPACT)
    X, V_p, V_h = X_p + X_h, np.abs(X_p), np.abs(X_h)
    expected = {
        "irm": V_p / (V_p + V_h) * X,
        "ibm": (V_p > V_h) * X,
        "true": V_p * X / np.abs(X),
    }
    for kind, S_p in expected.items():
        s_p, s_h = evaluation.oracle(x_p, x_h, kind=kind)
        np.testing.assert_allclose(s_p, istft(S_p, COMPACT, len(x_p)), atol=1e-4)
        if kind != "true":
            np.testing.assert_allclose(s_p + s_h, x_p + x_h, atol=1e-5)
    np.testing.assert_allclose(s_h, istft(V_h * X / np.abs(X), COMPACT, len(x_h)), atol=1e-4)


def test_oracles_beat_the_scaled_mixture():
    x_p, x_h = sources(1.0)
    mixture = evaluation.scaled_mixture(x_p, x_h)
    for kind in evaluation.ORACLES:
        for setting in ("1", "2", "compact"):
            estimates = evaluation.oracle(x_p, x_h, kind=kind, setting=setting)
            for s, e, m in zip((x_p, x_h), estimates, mixture, strict=True):
                assert evaluation.sdr(s, e) > evaluation.sdr(s, m) + 3


def test_oracles_of_silence_and_wrong_names():
    nothing = np.zeros(3000, np.float32)
    for kind in evaluation.ORACLES:
        s_p, s_h = evaluation.oracle(nothing, nothing, kind=kind)
        assert not s_p.any() and not s_h.any()
    with pytest.raises(ValueError, match="irm"):
        evaluation.oracle(nothing, nothing, kind="wiener")
    with pytest.raises(ValueError, match="compact"):
        evaluation.oracle(nothing, nothing, setting="3")
    with pytest.raises(ValueError, match="mixture"):
        evaluation.oracle(nothing, nothing, phase="guess")
    with pytest.raises(ValueError, match="3000"):
        evaluation.oracle(nothing, nothing[1:])


def test_the_scaled_mixture_is_the_best_one():
    x_p, x_h = sources(1.0)
    for s, e in zip((x_p, x_h), evaluation.scaled_mixture(x_p, x_h), strict=True):
        best = evaluation.sdr(s, e)
        for factor in (0.9, 1.1):
            assert evaluation.sdr(s, factor * e) < best
        x = x_p + x_h
        np.testing.assert_allclose(e * x[0], x * e[0], atol=1e-6)  # a multiple of the mixture
    assert not any(s.any() for s in evaluation.scaled_mixture(0 * x_p, 0 * x_h))


def test_librosa_as_it_comes():
    x_p, x_h = sources(1.0)
    s_p, s_h = evaluation.librosa_hpss(x_p + x_h)
    np.testing.assert_allclose(s_p + s_h, x_p + x_h, atol=1e-4)
    assert evaluation.sdr(x_p, s_p) > 0 and evaluation.sdr(x_h, s_h) > 3


# ------------------------------------------------------------------------------------ the table


def write(path, x):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, x, SAMPLE_RATE, subtype="FLOAT")


def write_song(folder, seed, stems=("drums", "harmonic"), seconds=2.0, silent=()):
    n = int(seconds * SAMPLE_RATE)
    signals = 0.1 * noise(n, seed=seed, sources=len(stems))
    for stem, x in zip(stems, signals, strict=True):
        write(folder / f"{stem}.wav", 0 * x if stem in silent else x)
    return folder


@pytest.fixture
def folder(tmp_path):
    for k, name in enumerate(("one", "two", "three")):
        write_song(tmp_path / "songs" / name, seed=k)
    return tmp_path / "songs"


def run(folder, out, *more):
    return main(["evaluate", "--data", str(folder), "--out", str(out), "--workers", "1", *more])


def test_the_command_writes_rows_and_a_table(folder, tmp_path, capsys):
    out = tmp_path / "results" / "results.csv"
    assert run(folder, out, "--methods", "mixture,median,irm", "--settings", "compact,2") == 0
    rows = evaluation.read_rows(out)
    songs = [r for r in rows if r["frame"] is None]
    # 3 songs x (1 + 2 + 2 methods and settings) x 2 sources x (2 simple + 2 protocols)
    assert len(songs) == 3 * 5 * 2 * 4
    frames = [r for r in rows if r["frame"] is not None]
    assert len(frames) == 3 * 5 * 2 * (1 + 2)
    assert {r["version"] for r in rows} == {evaluation.__version__}
    assert {(r["method"], r["setting"]) for r in rows} == {
        ("mixture", ""),
        *((m, s) for m in ("median", "irm") for s in ("compact", "2")),
    }
    for r in songs:
        if r["protocol"] == "v4-1s":
            same = ("song", "method", "setting", "source", "protocol")
            of_song = [f["sdr"] for f in frames if all(f[k] == r[k] for k in same)]
            assert r["frames"] == 2 and r["sdr"] == pytest.approx(np.median(of_song), abs=1e-4)
    text = capsys.readouterr()
    assert "v3-30s, median of frames" in text.out and "irm" in text.out
    assert text.err.count(": done;") == 15 and "left" in text.err


def test_scores_in_the_table_are_those_of_the_signals(folder, tmp_path):
    from hpss_lib.audio import load

    out = tmp_path / "r.csv"
    assert run(folder, out, "--methods", "irm", "--songs", "two") == 0
    x_p, x_h = (load(folder / "two" / f"{stem}.wav") for stem in ("drums", "harmonic"))
    estimates = np.stack(evaluation.oracle(x_p, x_h, kind="irm"))
    rows = {(r["protocol"], r["source"], r["frame"]): r for r in evaluation.read_rows(out)}
    for j, source in enumerate(SOURCES):
        plain = evaluation.sdr((x_p, x_h)[j], estimates[j])
        assert rows["plain", source, None]["sdr"] == pytest.approx(plain, abs=1e-4)
    result = evaluation.scores(np.stack([x_p, x_h]), estimates, protocol=evaluation.MUSEVAL)
    for metric in evaluation.METRICS:
        expected = getattr(result, metric)[1, 1]
        assert rows["v4-1s", "harmonic", 1][metric] == pytest.approx(expected, abs=1e-4)


def test_the_middle_of_a_song(folder, tmp_path):
    out = tmp_path / "r.csv"
    assert (
        run(folder, out, "--methods", "mixture", "--seconds", "0.5", "--protocols", "v3-30s") == 0
    )
    rows = evaluation.read_rows(out)
    assert {r["part"] for r in rows} == {"0.5 s"} and {r["seconds"] for r in rows} == {0.5}


def resumed(folder, out, monkeypatch, *more):
    """Run again: which songs and methods were computed."""
    computed, real = [], evaluation.run_task

    def counting(task):
        computed.append((task.song.name, task.method))
        return real(task)

    monkeypatch.setattr(evaluation, "run_task", counting)
    assert run(folder, out, "--methods", "mixture,librosa", "--protocols", "v4-1s", *more) == 0
    monkeypatch.setattr(evaluation, "run_task", real)
    return computed


def test_an_interrupted_run_goes_on_where_it_was_cut(folder, tmp_path, monkeypatch):
    out = tmp_path / "r.csv"
    assert len(resumed(folder, out, monkeypatch)) == 6
    whole = out.read_text()
    assert resumed(folder, out, monkeypatch) == []
    assert out.read_text() == whole
    for cut in (len(whole) - 1, len(whole) - 30, len(whole) - 500, 100):
        out.write_text(whole[:cut] if cut > 200 else whole.splitlines()[0] + "\n")
        computed = resumed(folder, out, monkeypatch)
        # A cut that takes only the last line break has taken nothing.
        assert len(computed) == {100: 6}.get(cut, 0 if cut == len(whole) - 1 else 1)
        assert out.read_text() == whole
    assert not list(tmp_path.glob(".*.part"))


def test_another_version_is_computed_again_and_other_songs_stay(folder, tmp_path, monkeypatch):
    out = tmp_path / "r.csv"
    resumed(folder, out, monkeypatch)
    monkeypatch.setattr(evaluation, "__version__", "0.0.0")
    assert resumed(folder, out, monkeypatch, "--songs", "one") == [
        ("one", "mixture"),
        ("one", "librosa"),
    ]
    versions = {(r["song"], r["version"]) for r in evaluation.read_rows(out)}
    assert ("one", "0.0.0") in versions and len(versions) == 3


def test_more_protocols_are_computed_again(folder, tmp_path, monkeypatch):
    out = tmp_path / "r.csv"
    resumed(folder, out, monkeypatch)
    assert run(folder, out, "--methods", "mixture") == 0
    found = {(r["method"], r["protocol"]) for r in evaluation.read_rows(out)}
    assert ("mixture", "v3-30s") in found and ("librosa", "v3-30s") not in found
    assert len(evaluation.read_rows(out)) == len(
        {tuple(r.items()) for r in evaluation.read_rows(out)}
    )


def test_two_processes_find_the_same(folder, tmp_path):
    methods = ("--methods", "mixture,median", "--protocols", "v4-1s")
    assert run(folder, tmp_path / "a.csv", *methods) == 0
    before = dict(os.environ)
    assert run(folder, tmp_path / "b.csv", *methods, "--workers", "2") == 0
    assert dict(os.environ) == before
    a, b = (sorted((tmp_path / n).read_text().splitlines()) for n in ("a.csv", "b.csv"))
    assert a == b


def test_a_song_without_drums_is_counted_not_averaged(folder, tmp_path, capsys):
    write_song(folder / "zero", seed=9, silent=("drums",))
    out = tmp_path / "r.csv"
    assert run(folder, out, "--methods", "median", "--protocols", "v4-1s") == 0
    rows = evaluation.read_rows(out)
    lost = [r for r in rows if r["song"] == "zero" and r["protocol"] == "v4-1s"]
    assert all(math.isnan(r["sdr"]) and "reference silent" in r["note"] for r in lost)
    table = {(r["protocol"], r["source"], r["over"]): r for r in evaluation.summary(rows)}
    for source in SOURCES:
        of_songs = table["v4-1s", source, "median of songs"]
        assert (of_songs["songs"], of_songs["songs_left_out"]) == (3, 1)
        assert (of_songs["frames"], of_songs["undefined"]) == (8, 2)
        found = [r["sdr"] for r in rows if r["frame"] is None and r["source"] == source]
        assert len(found) == 4 * 3
        of_frames = table["v4-1s", source, "median of frames"]
        pooled = [r["sdr"] for r in rows if r["frame"] is not None and r["source"] == source]
        assert (
            of_frames["sdr"] == pytest.approx(np.nanmedian(pooled)) and of_frames["undefined"] == 2
        )
    # A silent reference has no plain SDR; the other source of that song has one.
    assert table["plain", "percussive", "median of songs"]["songs_left_out"] == 1
    assert table["plain", "harmonic", "median of songs"]["songs_left_out"] == 0
    assert "3/4" in capsys.readouterr().out


def test_a_song_that_cannot_be_read_does_not_stop_the_others(folder, tmp_path, capsys):
    (folder / "broken").mkdir()
    (folder / "broken" / "drums.wav").write_bytes(b"no sound")
    out = tmp_path / "r.csv"
    assert run(folder, out, "--methods", "mixture", "--protocols", "v4-1s") == 1
    assert "drums.wav" in capsys.readouterr().err
    assert {r["song"] for r in evaluation.read_rows(out)} == {"one", "two", "three"}


def test_what_cannot_be_done_is_said_before_it_is_begun(folder, tmp_path, capsys):
    out = tmp_path / "r.csv"
    for words, expected in (
        (["--methods", "magic"], "median"),
        (["--methods", "median+magic"], "median+mixture"),
        (["--methods", "librosa+mixture"], "librosa"),
        (["--settings", "3"], "compact"),
        (["--protocols", "v5"], "v3-30s"),
        (["--seconds", "-1"], "positive"),
        (["--songs", "nothing*"], "nothing"),
        (["--methods", ","], "at least one"),
    ):
        assert run(folder, out, *words) == 1
        assert expected in capsys.readouterr().err
        assert not out.exists()
    out.write_text("my,own,table\n1,2,3\n")
    assert run(folder, out) == 1
    assert out.read_text() == "my,own,table\n1,2,3\n"
    assert run(tmp_path / "nowhere", tmp_path / "s.csv") == 1
    assert main(["evaluate", "--data", "dsd100", "--root", str(tmp_path / "no"), "--out", "x"]) == 1
    assert "--root" in capsys.readouterr().err


FOUR = ("bass", "drums", "other", "vocals")


def test_dsd100(tmp_path):
    root = tmp_path / "DSD100"
    for part, name in (("Dev", "051 - A - B"), ("Test", "001 - C - D"), ("Test", "002 - E - F")):
        song = write_song(root / "Sources" / part / name, seed=1, stems=FOUR)
        write(root / "Mixtures" / part / name / "mixture.wav", soundfile.read(song / "bass.wav")[0])
    songs = evaluation.list_songs("dsd100", root)
    assert [s.name for s in songs] == ["001 - C - D", "002 - E - F"]
    assert [f.stem for f in songs[0].percussive] == ["drums"]
    assert [f.stem for f in songs[0].harmonic] == ["bass", "other", "vocals"]
    out = tmp_path / "r.csv"
    words = ["--data", "dsd100", "--root", str(root), "--methods", "mixture", "--out", str(out)]
    assert main(["evaluate", *words, "--workers", "1", "--protocols", "v3-30s"]) == 0
    # Four equal noises, one of them drums: the best gains are 1/4 and 3/4.
    plain = {r["source"]: r["sdr"] for r in evaluation.read_rows(out) if r["protocol"] == "plain"}
    assert plain["percussive"] == pytest.approx(10 * math.log10(4 / 3), abs=0.1)
    assert plain["harmonic"] == pytest.approx(10 * math.log10(4), abs=0.1)


def test_musdb18_in_both_forms(tmp_path, capsys, monkeypatch):
    hq = tmp_path / "MUSDB18-HQ"
    for part, name in (("train", "A - B"), ("test", "C - D")):
        write_song(hq / part / name, seed=2, stems=(*FOUR, "mixture"))
    songs = evaluation.list_songs("musdb18", hq)
    assert [s.name for s in songs] == ["C - D"]
    assert [f.stem for f in songs[0].harmonic] == ["bass", "other", "vocals"]
    stems = tmp_path / "MUSDB18"
    (stems / "test").mkdir(parents=True)
    (stems / "test" / "E - F.stem.mp4").write_bytes(b"a film")
    assert [s.name for s in evaluation.list_songs("musdb18", stems)] == ["E - F"]
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)  # ./MUSDB18 is where it is looked for
    words = ["--data", "musdb18", "--methods", "mixture", "--out", "r.csv", "--workers", "1"]
    assert main(["evaluate", *words]) == 1
    assert "E - F" in (text := capsys.readouterr().err) and "ffmpeg" in text


def test_the_books_excerpts():
    from hpss_lib.audio import EXCERPTS
    from hpss_lib.data import read_song

    songs = evaluation.list_songs("excerpts")
    assert [s.name for s in songs] == list(EXCERPTS) and songs
    x_p, x_h = read_song(songs[0])
    assert x_p.shape == x_h.shape and x_p.any() and x_h.any()


def test_rows_of_a_network_carry_its_weights(tmp_path, monkeypatch):
    from hpss_lib import madtwinnet

    monkeypatch.setattr(madtwinnet, "WEIGHTS", tmp_path)
    percussive, harmonic = (tmp_path / f"compact-{s}.safetensors" for s in SOURCES)
    percussive.write_bytes(b"weights")
    harmonic.write_bytes(b"weights too")
    first, both = (evaluation.weights_hash(m) for m in ("mad", "mad:harmonic=network"))
    assert len(first) == 12 and both != first
    harmonic.write_bytes(b"others")
    assert evaluation.weights_hash("mad:harmonic=network") != both
    assert evaluation.weights_hash("mad") == first  # which does not use them
    percussive.write_bytes(b"others")
    assert evaluation.weights_hash("mad") != first and evaluation.weights_hash("median") == ""


def test_a_method_of_one_setting_is_labelled_in_the_others(folder, tmp_path, monkeypatch):
    """A stand-in for the network: what `separate` does with it, and what the rows say."""
    from hpss_lib import separation

    stub = separation.Method("stand-in", separation.median_estimator, setting="compact")
    monkeypatch.setitem(separation.METHODS, "stub", stub)
    out = tmp_path / "r.csv"
    words = ("--methods", "stub,stub:power=1.0", "--settings", "compact,2", "--songs", "one")
    assert run(folder, out, *words, "--protocols", "v4-1s") == 0
    rows = evaluation.read_rows(out)
    labels = {(r["setting"], r["estimate"]) for r in rows}
    assert labels == {("compact", ""), ("2", "compact, analysed again")}
    plain = {
        (r["method"], r["setting"]): r["sdr"]
        for r in rows
        if (r["protocol"], r["source"]) == ("plain", "percussive")
    }
    assert len(set(plain.values())) == 4


def test_how_methods_are_written():
    assert evaluation.parse_method("kam") == ("kam", {}, "mixture")
    assert evaluation.parse_method("mad:harmonic=network+pu") == (
        "mad",
        {"harmonic": "network"},
        "pu",
    )
    options = {"power": math.inf, "margin": 2}
    assert evaluation.parse_method("median:power=inf:margin=2") == ("median", options, "mixture")
    with pytest.raises(ValueError, match="OPTION=VALUE"):
        evaluation.parse_method("median:power")
    with pytest.raises(ValueError, match="no options"):
        evaluation.check_methods(["irm:power=2"], ["1"])


# ------------------------------------------------------------------------------ paired differences


def test_paired_differences():
    rng = np.random.default_rng(10)
    b = rng.standard_normal(40)
    found = evaluation.paired_difference(b + 1, b)
    assert found == {
        "median": pytest.approx(1),
        "low": pytest.approx(1),
        "high": pytest.approx(1),
        "pairs": 40,
        "left_out": 0,
    }
    a = b + rng.normal(0.5, 1, 40)
    found = evaluation.paired_difference(a, b)
    assert found["low"] < found["median"] < found["high"]
    assert found == evaluation.paired_difference(a, b)  # the same draws
    a[3] = np.nan
    assert evaluation.paired_difference(a, b)["left_out"] == 1
    empty = evaluation.paired_difference([np.nan], [1.0])
    assert empty["pairs"] == 0 and math.isnan(empty["median"])
    with pytest.raises(ValueError, match="each song"):
        evaluation.paired_difference(a, b[1:])


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        found = evaluation.paired_difference(rng.normal(1, 1, 15), np.zeros(15), resamples=500)
        held += found["low"] <= 1 <= found["high"]
    assert 0.88 < held / 200 < 0.995
