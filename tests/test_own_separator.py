"""my_separator.py: as shipped nothing is filled in, the solution is right, mistakes get words."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from hpss_lib import views
from hpss_lib.audio import load_excerpt
from hpss_lib.chapters import own_checks as own
from hpss_lib.separation import separate
from hpss_lib.stft import SAMPLE_RATE

BOOK = Path(__file__).resolve().parent.parent / "book"
STUB, SOLUTION = BOOK / own.FILE, BOOK / "solutions" / own.FILE


@pytest.mark.parametrize("name", own.PARTS)
def test_a_stub_is_not_filled_in(name):
    assert own.judge(own.load(STUB), name) is None


@pytest.mark.parametrize("name", own.PARTS)
def test_the_solution_is_right(name):
    assert own.judge(own.load(SOLUTION), name) == ""


def test_stub_and_solution_have_the_same_functions():
    heads = [re.findall(r"^def .*:$", path.read_text(), re.M) for path in (STUB, SOLUTION)]
    assert heads[0] == heads[1]
    assert [re.match(r"def (\w+)", head).group(1) for head in heads[0]] == list(own.PARTS)


def test_every_chapter_has_a_function():
    assert {part.chapter for part in own.PARTS.values()} == set(range(1, 10))


# The function, what to put for what in the solution, and a part of what is said.
MISTAKES = [
    ("sdr", "10 * np.log10(np.sum(s**2)", "20 * np.log10(np.sum(s**2)", "10 log10"),
    ("sdr", "np.log10(np.sum", "np.log(np.sum", "natural"),
    ("sdr", "np.sum(s**2) / np.sum((s - s_hat) ** 2)",
     "np.sum((s - s_hat) ** 2) / np.sum(s**2)", "turn the fraction"),
    ("stft", "np.arange(N_FFT) / N_FFT)", "np.arange(N_FFT) / (N_FFT - 1))", "periodic"),
    ("stft", " * WINDOW for a", " for a", "no window"),
    ("stft", ".T / np.sqrt(N_FFT)", ".T", "sqrt(N_FFT)"),
    ("stft", "np.fft.rfft(frames, axis=1)", "np.fft.rfft(frames, axis=1).conj()", "conjugate"),
    ("stft", "np.fft.rfft(frames", "np.fft.fft(frames", "rfft"),
    ("stft", "axis=1).T / np", "axis=1) / np", "transpose"),
    ("stft", "np.pad(x, N_FFT // 2)", "np.pad(x, (0, N_FFT))", "differs by"),
    ("stft", "len(x) + 1, HOP", "len(x) - N_FFT, HOP", "frames missing"),
    ("stft", "return np.fft", "np.fft", "None"),
    ("istft", "total[inside] / weight[inside]", "total[inside]", "squared windows"),
    ("istft", " * np.sqrt(N_FFT)\n    total", "\n    total", "sqrt(N_FFT)"),
    ("istft", "N_FFT // 2 + length)", "N_FFT // 2 + length - 5)", "5 samples missing"),
    ("medians", "along_time(V), along_time(V.T).T", "along_time(V.T).T, along_time(V)", "swap"),
    ("medians", 'mode="symmetric"', 'mode="constant"', "differs by"),
    ("medians", "return along_time(V), along_time(V.T).T", "return along_time(V)", "in a tuple"),
    ("mask", "P**2 / np.where(total > 0, total, 1), 0.5", "H**2 / np.where(total > 0, total, 1), "
     "0.5", "harmonic part"),
    ("mask", "P**2 + H**2\n", "P + H\n", "differs by"),
    ("mask", "1), 0.5)", "1), 0.0)", "silence"),
    ("mask", "np.where(total > 0, P**2 / np.where(total > 0, total, 1), 0.5)", "P**2 / total",
     "NaN"),
    ("subtract", "np.where(V > 0, V, 1)", "V", "NaN"),
    ("subtract", "return S_p, X - S_p", "return np.abs(S_p), X - S_p", "is real"),
    ("subtract", "return S_p, X - S_p", "return X - S_p, S_p", "swap"),
    ("subtract", "    S_p = V_p * X", "    X *= 1\n    X += 0.1\n    S_p = V_p * X", "changes"),
    ("gru", "a_r, a_z, a_n", "a_z, a_r, a_n", "differs by"),
    ("propagate", "phase + 2", "phase - 2", "other way"),
    ("propagate", " * HOP / N_FFT", "", "whole frame"),
    ("closed_form", "< 0, -1, 1", "< 0, 1, -1", "wrong side"),
    ("si_sdr", "sdr(target, s_hat)", "sdr(s, s_hat)", "gain"),
    ("frequencies", "0.01 * v.max()", "0.5 * v.max()", "differs by"),
    ("frequencies", "higher = ", "higher = nothing + ", "raises NameError"),
    ("network", "+ x\n    inner", "\n    inner", "differs by"),
    ("estimate", "/ gain)", ")", "differs by"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "right", "wrong", "words"), MISTAKES)
def test_a_mistake_gets_its_words(name, right, wrong, words, tmp_path):
    text = SOLUTION.read_text(encoding="utf-8")
    assert right in text
    path = tmp_path / own.FILE
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    assert words in own.judge(own.load(path), name)


def test_a_file_that_is_no_python_is_said(tmp_path):
    path = tmp_path / own.FILE
    path.write_text("import numpy\ndef sdr(:\n")
    with pytest.raises(AssertionError, match="line 2"):
        own.load(path)
    with pytest.raises(AssertionError, match="beside its notebooks"):
        own.load(tmp_path / "nothing.py")


def test_check_raises_what_is_wrong(tmp_path):
    path = tmp_path / own.FILE
    text = SOLUTION.read_text(encoding="utf-8").replace("10 * np.log10(", "20 * np.log10(")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AssertionError, match="sdr: the factor is 20"):
        own.check("mask", "sdr", path=path)


def test_a_notebook_alone_is_told_what_it_lacks(tmp_path, capsys):
    own.check("sdr", path=tmp_path / own.FILE)
    assert "it comes with the book" in capsys.readouterr().out


def test_check_says_what_is_open_and_what_is_right(capsys):
    own.check("stft", "istft", path=STUB)
    assert "stft: Not filled in yet." in capsys.readouterr().out
    own.check("stft", "istft", path=SOLUTION)
    assert capsys.readouterr().out == "stft: Right.\nistft: Right.\n"


@pytest.mark.parametrize("path", [STUB, SOLUTION], ids=["lent", "own"])
def test_parts_make_a_separator(path, capsys):
    parts = own.parts(path)
    said = capsys.readouterr().out
    assert said.count("not filled in yet; the library's is used.") == (
        len(own.PARTS) if path == STUB else 0
    )
    assert said.startswith("Yours: sdr, stft, istft") == (path == SOLUTION)
    x = sum(s[: 2 * SAMPLE_RATE] for s in load_excerpt("rock")).astype(float)
    X = parts.stft(x)
    H, P = parts.medians(np.abs(X))
    s_p = parts.istft(parts.mask(P, H) * X, len(x))
    theirs, _ = separate(x, SAMPLE_RATE, method="median")
    assert parts.sdr(theirs.astype(float), s_p) > 60


def test_parts_say_what_is_wrong_and_go_on(tmp_path, capsys):
    path = tmp_path / own.FILE
    text = SOLUTION.read_text(encoding="utf-8").replace("10 * np.log10(", "20 * np.log10(")
    path.write_text(text, encoding="utf-8")
    one = np.array([1.0, 0.0])
    assert np.isclose(own.parts(path).sdr(one, 0.5 * one), 20 * np.log10(2))
    assert "sdr (chapter 1): the factor is 20" in capsys.readouterr().out
    for words in ("def sdr(:\n", None):
        if words:
            path.write_text(words, encoding="utf-8")
        else:
            path.unlink()
        assert np.isclose(own.parts(path).sdr(one, 0.5 * one), 20 * np.log10(2))
        assert "All functions are the library's." in capsys.readouterr().out


def test_chapter_10_is_put_together_from_the_readers_own(tmp_path, monkeypatch, capsys):
    """As shipped it is run by tests/test_exercises.py; here with all functions filled in."""
    shutil.copy(SOLUTION, tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("stem_player", "table"):
        monkeypatch.setattr(views, name, lambda *args, **options: None)
    notebook = json.loads((BOOK / "10_your_own_separator.ipynb").read_text(encoding="utf-8"))
    cells = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    namespace = {}
    for name in ("c02", "c04", "c06", "c08", "c10", "c12", "c13"):  # each asserts its difference
        exec(compile(cells[name], name, "exec"), namespace)
    said = capsys.readouterr().out
    assert f"Yours: {', '.join(own.PARTS)}\n" in said and "the library's is used" not in said
    assert namespace["mine"].network.__code__.co_filename.endswith(own.FILE)
    assert max(row[0] for row in namespace["rows"].values()) < -60  # dB, from the library
