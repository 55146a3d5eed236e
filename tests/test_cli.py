"""The command line: what it writes, what it says, and what it leaves behind when it fails."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

import hpss_lib
from hpss_lib import audio
from hpss_lib.__main__ import main


@pytest.fixture
def song(tmp_path):
    """Half a second of stereo noise at 44.1 kHz."""
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (22050, 2)).astype(np.float32)
    soundfile.write(tmp_path / "song.wav", x, 44100, "FLOAT")
    return tmp_path / "song.wav"


def run(*words):
    return main([str(word) for word in words])


def separate(*words):
    """What is tested here is the command, with the method that needs no weights."""
    return run("separate", *words, "--method", "median")


def usage_error(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        run(*words)
    assert stop.value.code == 2
    return capsys.readouterr().err


def start(*words, **options):
    # Not `-m hpss_lib`: what starts the tests may ignore SIGINT (nohup), which a child inherits.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from hpss_lib.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, *map(str, words), "--method", "median"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **(pipes | options))


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3"])
def test_separates_each_format(tmp_path, song, kind, capsys):
    x, rate = audio.read(song)
    soundfile.write(tmp_path / f"other.{kind}", x, rate)
    out = tmp_path / "out"
    assert separate(tmp_path / f"other.{kind}", "--out", out) == 0
    x, _ = audio.read(tmp_path / f"other.{kind}")
    parts = [audio.read(out / f"other.{part}.wav") for part in ("percussive", "harmonic")]
    assert all(y.shape == x.shape and rate == 44100 for y, rate in parts)
    np.testing.assert_allclose(parts[0][0] + parts[1][0], x, atol=1e-6)
    assert sorted(os.listdir(out)) == ["other.harmonic.wav", "other.percussive.wav"]
    told = capsys.readouterr()
    assert told.out.split() == [str(out / "other.percussive.wav"), str(out / "other.harmonic.wav")]
    assert told.err == ""


def test_each_setting_is_the_librarys_and_they_differ(song, tmp_path):
    from hpss_lib import separation

    results = {}
    for setting in ("1", "2", "compact"):
        out = tmp_path / setting
        assert separate(song, "--out", out, "--setting", setting) == 0
        y, _ = audio.read(out / "song.percussive.wav")
        x, _ = audio.read(song)
        expected, _ = separation.separate(x, 44100, method="median", setting=setting)
        np.testing.assert_array_equal(y, expected)
        results[setting] = y
    for one, other in (("1", "2"), ("1", "compact"), ("2", "compact")):
        assert np.abs(results[one] - results[other]).max() > 0.01


def test_bad_inputs_get_one_line_each_and_the_others_are_done(song, tmp_path, capsys):
    (tmp_path / "text.mp3").write_text("no sound")
    (tmp_path / "folder").mkdir()
    soundfile.write(tmp_path / "nan.wav", np.array([0, np.nan]), 44100, "FLOAT")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 44100)
    long = tmp_path / "long.wav"
    with soundfile.SoundFile(long, "w", 100, 1, "PCM_U8") as sound:
        sound.write(np.zeros(3_600_000, np.int16))
    bad = [tmp_path / n for n in ("text.mp3", "folder", "nan.wav", "none.wav", "missing.wav")]
    out = tmp_path / "out"
    assert separate(bad[0], *bad[1:3], song, *bad[3:], long, "--out", out) == 1
    lines = capsys.readouterr().err.splitlines()
    expected = (
        "folder: this folder holds no .wav, .flac, .ogg, .mp3 file",
        "text.mp3 cannot be read as audio",
        "nan.wav holds 1 NaN or infinite samples",
        "none.wav holds no samples",
        "missing.wav: there is no such file",
        "long.wav lasts 10.0 hours; at most 3",
    )
    assert len(lines) == len(expected)
    for line, words in zip(lines, expected, strict=True):
        assert line.startswith("hpss: ") and words in line
    assert sorted(os.listdir(out)) == ["song.harmonic.wav", "song.percussive.wav"]


def test_folders_that_cannot_be_written_to(song, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert separate(song, "--out", tmp_path / "file") == 1
    assert "is a file; name a folder" in capsys.readouterr().err
    assert separate(song, "--out", tmp_path / "file" / "out") == 1
    assert "cannot be written to: Not a directory" in capsys.readouterr().err
    if os.geteuid() != 0:  # root may write anywhere
        (tmp_path / "locked").mkdir(mode=0o500)
        assert separate(song, "--out", tmp_path / "locked") == 1
        assert "cannot be written to: Permission denied" in capsys.readouterr().err


def test_unreadable_folder_is_said_in_one_line(song, tmp_path, capsys, monkeypatch):
    """What a locked folder does, also where the tests run as root."""
    from hpss_lib import separation

    def locked(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(separation.tempfile, "TemporaryFile", locked)
    assert separate(song, "--out", tmp_path / "out") == 1
    assert capsys.readouterr().err.endswith("out cannot be written to: Permission denied\n")


def test_a_full_disk_leaves_nothing(song, tmp_path):
    """A limit on the size of files stands in for the end of the disk."""
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000));"
        "from hpss_lib.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "separate", song, "--out", tmp_path / "out"]
    command += ["--method", "median"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "is the disk full?" in done.stderr
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_leaves_nothing(tmp_path, stop):
    with soundfile.SoundFile(tmp_path / "long.wav", "w", 8000, 1, "PCM_U8") as sound:
        for _ in range(12):
            sound.write(np.zeros(8000 * 60, np.int16))
    process = start("separate", tmp_path / "long.wav", "--out", tmp_path / "out")
    while process.poll() is None and not any(
        part.stat().st_size > 1000 for part in (tmp_path / "out").glob(".hpss-*")
    ):
        time.sleep(0.05)
    process.send_signal(stop)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and err.startswith("hpss: interrupted")
    assert err.count("\n") == 1
    assert os.listdir(tmp_path / "out") == []


def test_two_inputs_of_one_name(song, tmp_path, capsys):
    (tmp_path / "b").mkdir()
    other = tmp_path / "b" / "song.flac"
    soundfile.write(other, np.zeros(100), 44100)
    out = tmp_path / "out"
    for pair in ((song, other), (song, song)):
        assert "would both write song.percussive.wav" in usage_error(
            capsys, "separate", *pair, "--out", out
        )
    assert not out.exists()


def test_results_never_overwrite_an_input(song, tmp_path, capsys):
    trap = tmp_path / "song.percussive.wav"
    soundfile.write(trap, np.zeros(100), 44100)
    before = trap.read_bytes()
    assert "would be overwritten" in usage_error(capsys, "separate", song, trap, "--out", tmp_path)
    assert trap.read_bytes() == before


def test_can_be_run_again(song, tmp_path):
    for _ in range(2):
        assert separate(song, "--out", tmp_path / "out") == 0
    assert len(os.listdir(tmp_path / "out")) == 2


def test_out_of_memory_is_said(song, tmp_path, capsys, monkeypatch):
    from hpss_lib import separation

    def no_room(*_, **__):
        raise MemoryError

    monkeypatch.setattr(separation, "separate_blocks", no_room)
    assert separate(song, "--out", tmp_path / "out") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "song.wav: not enough memory is free" in line and "long for" not in line
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"
        ),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        MemoryError("Unable to allocate 1.2 GiB for an array"),
    ],
)
def test_memory_that_ends_in_a_library_is_said_and_the_others_are_done(
    song, tmp_path, capsys, monkeypatch, error
):
    """As torch says it, by an error of its own kind."""
    from hpss_lib import separation

    real = separation.separate_file

    def short_of_memory(path, *words, **options):
        if path.name == "other.wav":
            raise error
        return real(path, *words, **options)

    monkeypatch.setattr(separation, "separate_file", short_of_memory)
    out = tmp_path / "out"
    assert separate(tmp_path / "other.wav", song, "--out", out) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"hpss: {tmp_path / 'other.wav'}: not enough memory")
    assert len(os.listdir(out)) == 2


class FullDisk(io.TextIOWrapper):
    """A stdout that takes nothing: /dev/full, or a pipe whose reader has gone."""

    def __init__(self, error):
        super().__init__(io.BytesIO(), encoding="ascii")
        self.error = error

    def write(self, text):
        raise self.error


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), BrokenPipeError(32, "")])
@pytest.mark.parametrize("report", [(), ("--json",)])
def test_a_stdout_that_takes_no_more_ends_nothing(
    song, tmp_path, capsys, monkeypatch, error, report
):
    (tmp_path / "b.wav").write_bytes(song.read_bytes())
    monkeypatch.setattr(sys, "stdout", FullDisk(error))
    assert separate(song, tmp_path / "b.wav", "--out", tmp_path / "out", *report) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("hpss: stdout takes no more")
    assert len(os.listdir(tmp_path / "out")) == 4


def test_a_terminal_without_accents(song, tmp_path, monkeypatch):
    song.rename(tmp_path / "é.wav")
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert separate(tmp_path / "é.wav", "--out", tmp_path / "out", "--only", "harmonic") == 0
    assert terminal.buffer.getvalue().endswith(b"out/\\xe9.harmonic.wav\n")


def test_links_in_a_circle(song, tmp_path, capsys):
    (tmp_path / "a.wav").symlink_to(tmp_path / "b.wav")
    (tmp_path / "b.wav").symlink_to(tmp_path / "a.wav")
    assert separate(tmp_path / "a.wav", song, "--out", tmp_path / "out") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"hpss: {tmp_path / 'a.wav'}: ") and "symbolic links" in line
    assert len(os.listdir(tmp_path / "out")) == 2


def test_a_name_too_long_for_its_results_is_refused_before_the_work(
    song, tmp_path, capsys, monkeypatch
):
    path = song.rename(tmp_path / f"{241 * 'a'}.wav")
    monkeypatch.setattr(
        audio, "read_blocks", lambda path: (pytest.fail("it was read") for _ in "1")
    )
    assert separate(path, "--out", tmp_path / "out") == 1
    assert "name too long" in capsys.readouterr().err
    assert os.listdir(tmp_path / "out") == []


def test_interrupted_while_it_imports(capsys, monkeypatch):
    from hpss_lib import __main__

    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(__main__, "_parser", stop)
    assert run("--help") == 130
    assert capsys.readouterr().err.startswith("hpss: interrupted")


def test_usage_errors_are_plain(song, tmp_path, capsys):
    assert "COMMAND" in usage_error(capsys)
    assert "IN" in usage_error(capsys, "separate")
    for option in ("--setting", "--method", "--phase"):
        told = usage_error(capsys, "separate", song, "--out", tmp_path, option, "other")
        assert f"argument {option}: invalid choice: 'other'" in told


def test_help_and_version(capsys):
    for words in (["--help"], ["separate", "--help"], ["--version"]):
        with pytest.raises(SystemExit) as stop:
            run(*words)
        assert stop.value.code == 0
    told = capsys.readouterr().out
    assert "separate" in told and "--setting" in told and "--out DIR" in told
    assert f"hpss_lib {hpss_lib.__version__}" in told


def test_a_long_file_shows_its_progress_in_a_terminal(tmp_path):
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    soundfile.write(tmp_path / "long.wav", np.zeros(44100 * 25), 44100)
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    process = start("separate", tmp_path / "long.wav", "--out", tmp_path, stderr=slave)
    os.close(slave)
    told = b""
    while True:
        try:
            piece = os.read(master, 4096)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        told += piece
    os.close(master)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert b"long.wav" in told and b"100 %" in told


def test_importing_is_light():
    """What costs time is imported where it is used."""
    heavy = ("torch", "librosa", "scipy", "numba", "matplotlib", "soundfile", "soxr", "tqdm")
    program = (
        "import sys; import hpss_lib, hpss_lib.separation, hpss_lib.audio, hpss_lib.__main__;"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_folders_and_patterns(song, tmp_path, capsys, monkeypatch):
    x, rate = audio.read(song)
    for name in ("album/one.flac", "album/two.WAV", "more/deep/three.ogg", "more/[4].wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, x[:2000], rate, format=path.suffix[1:].upper())
    (tmp_path / "album" / "cover.txt").write_text("no sound")
    monkeypatch.chdir(tmp_path)
    assert separate("album", "more/**/*.ogg", "more/[4].wav", "*.mp3") == 1
    told = capsys.readouterr()
    assert told.err == "hpss: *.mp3: no file matches this pattern\n"
    written = {f"{n}.{s}.wav" for n in ("one", "two", "three", "[4]") for s in audio.SOURCES}
    assert set(os.listdir("separated")) == written  # the folder if none is named
    assert {os.path.basename(line) for line in told.out.splitlines()} == written


def test_formats_and_a_single_part(song, tmp_path):
    words = ("--format", "flac", "--subtype", "pcm16", "--only", "harmonic")
    assert separate(song, "--out", tmp_path / "out", *words) == 0
    assert os.listdir(tmp_path / "out") == ["song.harmonic.flac"]
    assert soundfile.info(tmp_path / "out" / "song.harmonic.flac").subtype == "PCM_16"
    assert separate(song, "--out", tmp_path, "--format", "flac", "--subtype", "float") == 1


def test_a_report_in_json(song, tmp_path, capsys):
    missing = tmp_path / "missing.wav"
    assert separate(missing, song, "--out", tmp_path / "out", "--json") == 1
    told = capsys.readouterr()
    report = json.loads(told.out)
    assert report["failed"] == [
        {"input": str(missing), "error": f"{missing}: there is no such file"}
    ]
    (one,) = report["files"]
    assert one["outputs"] == {s: str(tmp_path / "out" / f"song.{s}.wav") for s in audio.SOURCES}
    assert (one["input"], one["seconds"], one["rate"], one["channels"]) == (
        str(song),
        0.5,
        44100,
        2,
    )
    assert (one["method"], one["setting"], one["phase"]) == ("median", "compact", "mixture")
    assert one["elapsed"] * one["real_time_factor"] == pytest.approx(0.5)
    assert one["warnings"] == []


def test_what_is_clipped_is_said(tmp_path, capsys):
    soundfile.write(tmp_path / "a.wav", np.full(1000, 1.5), 44100, "FLOAT")
    words = ("--out", tmp_path / "out", "--subtype", "pcm16", "--json")
    assert separate(tmp_path / "a.wav", *words) == 0
    told = capsys.readouterr()
    assert "hpss: a.wav: 1000 samples of the input exceed full scale" in told.err
    assert "1000 samples" in json.loads(told.out)["files"][0]["warnings"][0]


def test_several_files_by_two_processes(song, tmp_path, capsys):
    x, rate = audio.read(song)
    paths = [tmp_path / f"{k}.wav" for k in range(3)]
    for k, path in enumerate(paths):
        soundfile.write(path, x[: 3000 + k], rate, "FLOAT")
    bad = tmp_path / "bad.mp3"
    bad.write_text("no sound")
    words = ("--workers", 2, "--out", tmp_path / "two", "--json")
    assert separate(*paths, bad, *words) == 1
    told = capsys.readouterr()
    report = json.loads(told.out)
    assert [file["input"] for file in report["files"]] == [str(path) for path in paths]
    assert "bad.mp3 cannot be read as audio" in told.err
    assert separate(*paths, "--out", tmp_path / "one") == 0
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_workers_that_cannot_be_had(song, tmp_path, capsys):
    assert separate(song, "--out", tmp_path / "out", "--workers", 0) == 1
    assert capsys.readouterr().err == "hpss: workers is 0; at least 1 is needed\n"
