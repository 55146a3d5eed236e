"""Files whole or not at all: what killed runs leave is swept, what is being written is not."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from hpss_lib import audio, drafts


def left_by_a_killed_run(folder):
    """A draft as kill -9 leaves it."""
    program = (
        "import os, signal, sys; from hpss_lib.drafts import whole\n"
        "with whole(sys.argv[1]) as (draft,):\n"
        "    draft.write_bytes(bytes(1000)); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program, folder / "song.wav"])
    assert done.returncode == -signal.SIGKILL
    (draft,) = folder.glob(".hpss-*.part")
    assert draft.stat().st_size == 1000
    return draft


def test_what_a_killed_run_leaves_is_swept_by_the_next(tmp_path):
    draft = left_by_a_killed_run(tmp_path)
    audio.write_wav(tmp_path / "other.wav", np.ones(10, np.float32), 8000)
    assert not draft.exists()
    assert os.listdir(tmp_path) == ["other.wav"]


def test_a_run_at_work_is_not_swept(tmp_path):
    with drafts.whole(tmp_path / "a.txt") as (mine,):
        mine.write_text("mine")
        program = "import sys; from hpss_lib.drafts import sweep; print(sweep(sys.argv[1]))"
        command = [sys.executable, "-c", program, tmp_path]
        assert subprocess.check_output(command, text=True) == "[]\n"
        with drafts.whole(tmp_path / "b.txt") as (other,):  # in this process too
            other.write_text("other")
        assert mine.read_text() == "mine"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.txt": "mine",
        "b.txt": "other",
    }


def test_all_or_none(tmp_path):
    (tmp_path / "a.txt").write_text("before")
    with pytest.raises(KeyError), drafts.whole(tmp_path / "a.txt", tmp_path / "b.txt") as both:
        both[0].write_text("after")
        raise KeyError
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(OSError, match="cannot be written"),
        drafts.whole(tmp_path / "b.txt", tmp_path / "c.txt"),
    ):
        (tmp_path / "c.txt").mkdir()  # while the drafts are written
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "c.txt", "folder"]


def test_without_locks_nothing_is_swept(tmp_path, monkeypatch):
    """As on a network's file system that knows none."""

    def refuse(*_):
        raise OSError(95, "Operation not supported")

    draft = left_by_a_killed_run(tmp_path)
    monkeypatch.setattr(drafts.fcntl, "flock", refuse)
    with drafts.whole(tmp_path / "a.txt") as (new,):
        new.write_text("all")
    assert draft.exists() and (tmp_path / "a.txt").read_text() == "all"


def test_a_draft_swept_before_its_lock_is_begun_again(tmp_path, monkeypatch):
    real, swept = drafts.fcntl.flock, []

    def slow(file, how):
        if not swept:  # another run comes between the draft's birth and its lock
            swept.extend(tmp_path.glob(".hpss-*"))
            swept[0].unlink()
        return real(file, how)

    monkeypatch.setattr(drafts.fcntl, "flock", slow)
    with drafts.whole(tmp_path / "a.txt") as (draft,):
        draft.write_text("all")
    assert swept and os.listdir(tmp_path) == ["a.txt"]


def test_killed_with_its_workers_and_run_again(tmp_path):
    """kill -9 at the command that separates: its workers end, and the next run sweeps."""
    psutil = pytest.importorskip("psutil")
    for name in ("one.wav", "two.wav"):
        with soundfile.SoundFile(tmp_path / name, "w", 8000, 1, "PCM_U8") as sound:
            for _ in range(30):
                sound.write(np.zeros(8000 * 60, np.int16))
    command = [sys.executable, "-m", "hpss_lib", "separate", tmp_path, "--method", "median"]
    command += ["--out", tmp_path / "out", "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    begin = time.monotonic()
    while len(list((tmp_path / "out").glob(".hpss-*"))) < 4:
        assert process.poll() is None and time.monotonic() - begin < 60
        time.sleep(0.02)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    assert psutil.wait_procs(workers, timeout=15)[1] == []
    assert list((tmp_path / "out").glob(".hpss-*"))
    audio.write_wav(tmp_path / "out" / "more.wav", np.ones(10, np.float32), 8000)
    assert os.listdir(tmp_path / "out") == ["more.wav"]


LIMITED = (
    "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    "resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}));"
    "from hpss_lib.__main__ import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.mark.parametrize("command", ["evaluate", "train"])
def test_a_full_disk_is_named_in_one_line(tmp_path, command):
    """A limit on the size of files stands in for the end of the disk."""
    rng = np.random.default_rng(0)
    (tmp_path / "songs" / "one").mkdir(parents=True)
    for stem in ("drums", "bass"):
        audio.write_wav(tmp_path / "songs" / "one" / f"{stem}.wav", rng.normal(size=9000), 44100)
    out = tmp_path / "out" / "scores.csv" if command == "evaluate" else tmp_path / "out"
    (tmp_path / "out").mkdir()
    options = ["--methods", "median", "--workers", "1"] if command == "evaluate" else []
    program = [sys.executable, "-c", LIMITED.format(700), command]
    program += ["--data", tmp_path / "songs", "--out", out, *options]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("hpss: "))
    assert str(tmp_path / "out") in line and "is the disk full?" in line
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob(".hpss-*.part"))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        audio.write_wav(tmp_path / "nowhere" / "a.wav", np.ones(10), 44100)


def test_other_errors_are_left_as_they_are():
    with pytest.raises(PermissionError, match="not mine"), drafts.disk_errors("a/b"):
        raise PermissionError(13, "not mine")
