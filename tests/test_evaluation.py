"""The table of scores: what is computed, written, gone on with and summed up."""

import math
import os
import signal
import subprocess
import sys

import numpy as np
import psutil
import pytest
import soundfile
from distributed import Client, LocalCluster

from hpss_lib import evaluation, measures, oracles, scoreboard
from hpss_lib.__main__ import main
from hpss_lib.audio import SOURCES
from hpss_lib.stft import SAMPLE_RATE


def noise(n, seed=0, sources=2):
    return np.random.default_rng(seed).standard_normal((sources, n))


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
    rows = scoreboard.read_rows(out)
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
    estimates = np.stack(oracles.oracle(x_p, x_h, kind="irm"))
    rows = {(r["protocol"], r["source"], r["frame"]): r for r in scoreboard.read_rows(out)}
    for j, source in enumerate(SOURCES):
        plain = measures.sdr((x_p, x_h)[j], estimates[j])
        assert rows["plain", source, None]["sdr"] == pytest.approx(plain, abs=1e-4)
    result = measures.scores(np.stack([x_p, x_h]), estimates, protocol=measures.MUSEVAL)
    for metric in measures.METRICS:
        expected = getattr(result, metric)[1, 1]
        assert rows["v4-1s", "harmonic", 1][metric] == pytest.approx(expected, abs=1e-4)


def test_the_middle_of_a_song(folder, tmp_path):
    out = tmp_path / "r.csv"
    assert (
        run(folder, out, "--methods", "mixture", "--seconds", "0.5", "--protocols", "v3-30s") == 0
    )
    rows = scoreboard.read_rows(out)
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
    versions = {(r["song"], r["version"]) for r in scoreboard.read_rows(out)}
    assert ("one", "0.0.0") in versions and len(versions) == 3


def test_other_data_of_the_same_name_are_computed_again(folder, tmp_path, monkeypatch):
    out = tmp_path / "r.csv"
    resumed(folder, out, monkeypatch)
    kept = scoreboard.read_rows(out)
    (folder / "one" / "drums.wav").touch()  # another date is no other file
    assert resumed(folder, out, monkeypatch) == []
    write_song(folder / "one", seed=77)
    assert resumed(folder, out, monkeypatch) == [("one", "mixture"), ("one", "librosa")]
    rows = scoreboard.read_rows(out)
    assert len(rows) == len(kept)
    old, new = ({r["data"] for r in of if r["song"] == "one"} for of in (kept, rows))
    assert len(old) == len(new) == 1 and old != new
    drums, rest = folder / "two" / "drums.wav", folder / "two" / "harmonic.wav"
    drums.rename(folder / "x")
    rest.rename(drums)
    (folder / "x").rename(rest)  # the same two files in each other's place
    assert resumed(folder, out, monkeypatch) == [("two", "mixture"), ("two", "librosa")]


def test_rows_from_before_the_column_of_data_are_read_and_kept(folder, tmp_path, monkeypatch):
    out = tmp_path / "r.csv"
    resumed(folder, out, monkeypatch)
    out.write_text("".join(line.rpartition(",")[0] + "\n" for line in out.open()))
    assert out.read_text().partition("\n")[0].endswith(",weights")
    assert {r["data"] for r in scoreboard.read_rows(out)} == {""}
    assert resumed(folder, out, monkeypatch) == []


def test_a_second_run_on_one_file_is_refused(folder, tmp_path, capsys, monkeypatch):
    """The second begins while the first is at its first song, whose rows must stay."""
    out, real, told = tmp_path / "r.csv", evaluation.run_task, []

    def second(task):
        told.append(run(folder, out, "--methods", "mixture", "--protocols", "v4-1s"))
        return real(task)

    for song in ("one", "two"):  # on a new file, and on one that has rows
        monkeypatch.setattr(evaluation, "run_task", second)
        words = ("--methods", "mixture,librosa", "--protocols", "v4-1s", "--songs")
        assert run(folder, out, *words, song) == 0
        assert told == [1, 1]  # once in each of the first run's tasks
        told.clear()
        assert f"another run writes {out}" in capsys.readouterr().err
    assert {(r["song"], r["method"]) for r in scoreboard.read_rows(out)} == {
        (song, method) for song in ("one", "two") for method in ("mixture", "librosa")
    }


def test_versions_are_never_pooled():
    base = dict.fromkeys(scoreboard.COLUMNS, "") | dict.fromkeys(measures.METRICS, math.nan)
    base |= {"frame": None, "frames": 1, "undefined": 0, "method": "mad", "protocol": "plain"}
    rows = [
        base | {"song": song, "version": version, "source": source, "sdr": value}
        for song, version, value in (("a", "0.1", 1.0), ("b", "0.2", 9.0))
        for source in SOURCES
    ]
    assert sorted(r["sdr"] for r in scoreboard.summary(rows)) == [1, 1, 9, 9]
    text = scoreboard.format_summary(rows)
    assert "mad [0.1]" in text and "mad [0.2]" in text and "1.00" in text and "9.00" in text
    assert "[" not in scoreboard.format_summary(rows[:2])


def test_more_protocols_are_computed_again(folder, tmp_path, monkeypatch):
    out = tmp_path / "r.csv"
    resumed(folder, out, monkeypatch)
    assert run(folder, out, "--methods", "mixture") == 0
    found = {(r["method"], r["protocol"]) for r in scoreboard.read_rows(out)}
    assert ("mixture", "v3-30s") in found and ("librosa", "v3-30s") not in found
    assert len(scoreboard.read_rows(out)) == len(
        {tuple(r.items()) for r in scoreboard.read_rows(out)}
    )


def test_two_processes_find_the_same(folder, tmp_path):
    methods = ("--methods", "mixture,median", "--protocols", "v4-1s")
    assert run(folder, tmp_path / "a.csv", *methods) == 0
    before = dict(os.environ)
    assert run(folder, tmp_path / "b.csv", *methods, "--workers", "2") == 0
    assert dict(os.environ) == before
    a, b = (sorted((tmp_path / n).read_text().splitlines()) for n in ("a.csv", "b.csv"))
    assert a == b


def test_a_cluster_that_loses_a_worker_loses_no_row(folder, tmp_path):
    methods, songs = ("mixture", "median"), evaluation.list_songs(str(folder))
    options = {"methods": methods, "protocols": ("v4-1s",)}
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        with Client(address, set_as_default=False) as client:
            pids = list(client.run(os.getpid).values())

        def kill_one(line):
            if len(pids) == 2:
                os.kill(pids.pop(), signal.SIGKILL)

        out = tmp_path / "a.csv"
        _, failures = evaluation.evaluate(songs, out, cluster=address, report=kill_one, **options)
    assert failures == [] and len(pids) == 1
    evaluation.evaluate(songs, tmp_path / "b.csv", workers=1, report=str, **options)
    a, b = (sorted((tmp_path / n).read_text().splitlines()) for n in ("a.csv", "b.csv"))
    assert a == b


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_ended_run_leaves_no_process_and_whole_rows(folder, tmp_path, ending):
    words = ["evaluate", "--data", str(folder), "--out", str(tmp_path / "r.csv"), "--workers", "2"]
    words += ["--methods", "mixture,median,kam,irm,librosa", "--settings", "1,2,compact"]
    program = (
        "import signal, sys; from hpss_lib.__main__ import main; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(main(sys.argv[1:]))"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", program, *words], stderr=subprocess.PIPE, text=True
    )
    assert "done" in run.stderr.readline()
    workers = [process.pid for process in psutil.Process(run.pid).children(recursive=True)]
    run.send_signal(ending)
    told = run.communicate()[1]
    assert run.returncode == 130 and "interrupted" in told and "Traceback" not in told
    assert workers
    _, alive = psutil.wait_procs([psutil.Process(p) for p in workers if psutil.pid_exists(p)], 20)
    assert not alive
    assert scoreboard.read_rows(tmp_path / "r.csv")


def test_a_song_without_drums_is_counted_not_averaged(folder, tmp_path, capsys):
    write_song(folder / "zero", seed=9, silent=("drums",))
    out = tmp_path / "r.csv"
    assert run(folder, out, "--methods", "median", "--protocols", "v4-1s") == 0
    rows = scoreboard.read_rows(out)
    lost = [r for r in rows if r["song"] == "zero" and r["protocol"] == "v4-1s"]
    assert all(math.isnan(r["sdr"]) and "reference silent" in r["note"] for r in lost)
    table = {(r["protocol"], r["source"], r["over"]): r for r in scoreboard.summary(rows)}
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
    assert {r["song"] for r in scoreboard.read_rows(out)} == {"one", "two", "three"}


def test_what_cannot_be_done_is_said_before_it_is_begun(folder, tmp_path, capsys):
    out = tmp_path / "r.csv"
    for words, expected in (
        (["--methods", "magic"], "median"),
        (["--methods", "median+magic"], "median+mixture"),
        (["--methods", "librosa+mixture"], "librosa"),
        (["--settings", "3"], "compact"),
        (["--protocols", "v5"], "v3-30s"),
        (["--seconds", "-1"], "positive"),
        (["--seconds", "inf"], "finite"),
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
    plain = {r["source"]: r["sdr"] for r in scoreboard.read_rows(out) if r["protocol"] == "plain"}
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
    weights = tmp_path / "compact-percussive.safetensors"
    weights.write_bytes(b"weights")
    first = evaluation.weights_hash("mad")
    assert len(first) == 12 and evaluation.weights_hash("mad+pu") == first
    weights.write_bytes(b"others")
    assert evaluation.weights_hash("mad") != first and evaluation.weights_hash("median") == ""


def test_a_method_of_one_setting_is_labelled_in_the_others(folder, tmp_path, monkeypatch):
    """A stand-in for the network: what `separate` does with it, and what the rows say."""
    from hpss_lib import separation

    stub = separation.Method("stand-in", separation.median_estimator, lambda: "compact")
    monkeypatch.setitem(separation.METHODS, "stub", stub)
    out = tmp_path / "r.csv"
    words = ("--methods", "stub,stub:power=1.0", "--settings", "own,2", "--songs", "one")
    assert run(folder, out, *words, "--protocols", "v4-1s") == 0
    rows = scoreboard.read_rows(out)
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
    assert evaluation.parse_method("mad:way=new+pu") == ("mad", {"way": "new"}, "pu")
    options = {"power": math.inf, "margin": 2}
    assert evaluation.parse_method("median:power=inf:margin=2") == ("median", options, "mixture")
    with pytest.raises(ValueError, match="OPTION=VALUE"):
        evaluation.parse_method("median:power")
    with pytest.raises(ValueError, match="no options"):
        evaluation.check_methods(["irm:power=2"], ["1"])
