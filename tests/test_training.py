"""The training loop: it learns, it resumes, it runs in two processes (chapter 6)."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hpss_lib import madtwinnet as mad
from hpss_lib import training

TINY = mad.Config(bins=33, low_bins=12, frames=12, context=3, hidden=8)
PLAN = training.Plan(steps=6, batch=2, rate=3e-3, warm_up=2, every=3, bf16=False)


def draw(rng):
    """Steady lines and short bursts, as magnitudes, and their sum: (2, 12, 33) each."""
    V_h = np.zeros((2, 12, 33), np.float32) + (rng.random((2, 1, 33)) > 0.8)
    V_p = np.zeros((2, 12, 33), np.float32) + (rng.random((2, 12, 1)) > 0.8)
    V_p, V_h = (torch.from_numpy((0.1 + x).astype(np.float32)) for x in (V_p, V_h))
    return V_p + V_h, V_p, V_h


def run(out, **changes):
    options = {k: changes.pop(k) for k in ("stop_after", "start", "config") if k in changes}
    options = {"config": TINY, "quiet": True, "device": "cpu"} | options
    return training.train(draw, out, plan=replace(PLAN, **changes), **options)


def test_it_overfits_one_batch():
    learner = training.Learner(TINY, PLAN)
    V, V_target = training.prepare(*draw(np.random.default_rng(0)), TINY, PLAN)
    V_in = mad.trim(V, TINY)
    scale = (V_in * V_target).sum() / V_in.square().sum()
    trivial = float(mad.kl_loss(V_target, scale * V_in))
    optimiser = torch.optim.Adam(learner.parameters(), 1e-2)
    found = []
    for _ in range(200):
        terms, _ = training.take_step(learner, optimiser, V, V_target, PLAN)
        found.append(terms["denoiser"].item())
    assert found[0] > 0.5 * trivial
    assert min(found[-20:]) < 0.03 * trivial


def test_resuming_equals_not_stopping(tmp_path):
    whole = run(tmp_path / "whole", steps=7)
    for stop in (2, 3, 5, 7):
        parts = run(tmp_path / "parts", steps=7, stop_after=stop)
    for k, v in whole.state_dict().items():
        assert torch.equal(v, parts.state_dict()[k]), k
    a, b = (training.read_log(tmp_path / d / "log.csv") for d in ("whole", "parts"))
    assert a["step"].tolist() == list(range(1, 8))
    for name in set(a) - {"seconds"}:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)
    states = [
        torch.load(tmp_path / d / "checkpoint.pt", weights_only=True) for d in ("whole", "parts")
    ]
    for k, v in states[0]["learner"].items():
        assert torch.equal(v, states[1]["learner"][k])


def test_a_killed_run_repeats_only_what_its_checkpoint_lacks(tmp_path):
    run(tmp_path / "killed", steps=7, stop_after=3)
    checkpoint = (tmp_path / "killed" / "checkpoint.pt").read_bytes()
    run(tmp_path / "killed", steps=7, stop_after=5)
    (tmp_path / "killed" / "checkpoint.pt").write_bytes(checkpoint)  # step 5's was never written
    left = tmp_path / "killed" / ".hpss-0123456789ab.part"
    left.write_bytes(b"half a checkpoint")
    run(tmp_path / "killed", steps=7)
    assert not left.exists()
    run(tmp_path / "whole", steps=7)
    a, b = (training.read_log(tmp_path / d / "log.csv") for d in ("whole", "killed"))
    np.testing.assert_array_equal(a["step"], b["step"])
    np.testing.assert_array_equal(a["total"], b["total"])


def test_seeds_and_processes_see_other_batches(tmp_path):
    a, b, c = run(tmp_path / "a"), run(tmp_path / "b"), run(tmp_path / "c", seed=1)
    key = "masker.mask.linear.weight"
    assert torch.equal(a.state_dict()[key], b.state_dict()[key])
    assert not torch.equal(a.state_dict()[key], c.state_dict()[key])


def test_other_settings_do_not_continue_a_run(tmp_path):
    run(tmp_path, stop_after=3)
    with pytest.raises(ValueError, match="other settings"):
        run(tmp_path, rate=1e-4)
    (tmp_path / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(ValueError, match="damaged"):
        run(tmp_path)


def test_a_log_that_an_interruption_has_torn_keeps_its_whole_lines(tmp_path):
    run(tmp_path, stop_after=3)
    log = tmp_path / "log.csv"
    lines = log.read_text().splitlines()
    log.write_text("\n".join([*lines[:3], lines[3][:9]]))
    run(tmp_path, stop_after=5)
    assert training.read_log(log)["step"].tolist() == [1, 2, 4, 5]
    assert not list(tmp_path.glob(".hpss-*"))


def test_warm_start(tmp_path):
    first = run(tmp_path / "p")
    second = run(
        tmp_path / "h",
        target="harmonic",
        steps=1,
        rate=0.0,
        start=tmp_path / "p" / "last.safetensors",
    )
    for k, v in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[k], v, atol=1e-3, rtol=1e-3)


def test_weight_files_tell_their_story(tmp_path):
    run(tmp_path, target="harmonic")
    model, story = mad.read_model(tmp_path / "last.safetensors")
    assert model.config == TINY
    assert story["target"] == "harmonic" and story["step"] == 6
    assert story["plan"]["seed"] == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "checkpoint.pt", "last.safetensors", "log.csv",
    ]  # fmt: skip


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    def broken(rng):
        return tuple(torch.full((2, 12, 33), torch.nan) for _ in range(3))

    with pytest.raises(FloatingPointError, match="step 1"):
        training.train(broken, tmp_path, config=TINY, plan=PLAN, quiet=True, device="cpu")


def test_learning_rate():
    plan = training.Plan(steps=100, warm_up=10, rate=1.0)
    rates = [training.learning_rate(s, plan) for s in range(100)]
    assert rates[0] == 0.1 and rates[9] == rates[10] == 1.0
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[55] == pytest.approx(0.5) and rates[-1] < 1e-3
    assert {training.learning_rate(s, training.PAPER_PLAN) for s in (0, 1000)} == {1e-4}


def test_targets():
    V, V_p, V_h = draw(np.random.default_rng(0))
    _, y = training.prepare(V, V_p, V_h, TINY, PLAN)
    assert torch.equal(y, V_p[:, 3:-3])
    config = replace(TINY, clip=1.0)
    V_in, y = training.prepare(V, V_p, V_h, config, replace(PLAN, target="harmonic"))
    assert V_in.max() == 1 == y.max()
    _, y = training.prepare(V, V_p, V_h, TINY, replace(PLAN, truth="ratio"))
    np.testing.assert_allclose(y, (2 * V * V_p / (V + V_p))[:, 3:-3], rtol=1e-5)


def test_a_lesson_comes_at_the_network_s_level():
    V, V_p, V_h = draw(np.random.default_rng(0))
    config = replace(TINY, level=0.08)
    for gain in (1e-3, 1.0, 100.0):
        V_in, y = training.prepare(gain * V, gain * V_p, gain * V_h, config, PLAN)
        rms = V_in.square().mean((1, 2)).sqrt()
        torch.testing.assert_close(rms, torch.full_like(rms, 0.08))
        torch.testing.assert_close(y / V_in[:, 3:-3], V_p[:, 3:-3] / V[:, 3:-3])  # truth as well
    silence = torch.zeros_like(V)
    assert all((x == 0).all() for x in training.prepare(silence, silence, silence, config, PLAN))


def test_the_paper_s_plan_is_the_released_one():
    plan = training.PAPER_PLAN
    assert not plan.bf16 and plan.truth == "ratio" and plan.average == 0
    mixing = asdict(plan.mixing)
    assert mixing.pop("level") is None  # as recorded
    assert set(mixing.values()) == {0}  # no speed, no distortion, no strangers


def test_plan_refuses_nonsense():
    with pytest.raises(ValueError, match="truth"):
        training.Plan(truth="guess")
    with pytest.raises(ValueError, match="target"):
        training.Plan(target="bass")
    with pytest.raises(ValueError, match="at least 1"):
        training.Plan(batch=0)


def test_changes():
    changes = ["steps=7", "target='harmonic'", "mixing.speed=0", "config.compression=None"]
    config, plan = training.change(mad.COMPACT, training.COMPACT_PLAN, changes)
    assert (plan.steps, plan.target, plan.mixing.speed) == (7, "harmonic", 0)
    assert config == replace(mad.COMPACT, compression=None)
    for word in ("truth=ratio", "truth='ratio'"):  # a shell takes the quotes away
        assert training.change(config, plan, [word])[1].truth == "ratio"
    assert training.change(config, training.PAPER_PLAN, ["mixing.across=0.5", "steps=2e4"])[1] == (
        replace(
            training.PAPER_PLAN, steps=20000, mixing=replace(training.PAPER_PLAN.mixing, across=0.5)
        )
    )
    unknown = ("speed=0", "mixing=0", "other.steps=1")
    for wrong in (*unknown, "steps=many", "steps=0", "steps=1.5", "rate='1'", "twin=no", "truth=x"):
        with pytest.raises(ValueError):
            training.change(mad.COMPACT, training.COMPACT_PLAN, [wrong])


def test_scores():
    rng = np.random.default_rng(0)
    s, noise = rng.standard_normal((2, 44100)).astype(np.float32)
    model = mad.MaDTwinNet(mad.COMPACT)
    with torch.no_grad():  # masks of 1: the estimate is the mixture
        for p in model.parameters():
            p.zero_()
        model.masker.mask.linear.bias.fill_(1)
        model.denoiser.decoder.bias.fill_(1)
    p, h = training.score(model, [("x", 2 * s, noise)], "percussive")
    assert p == pytest.approx(6, abs=0.1)
    assert h == pytest.approx(0, abs=0.1)
    assert all(np.isnan(training.score(model, [], "percussive")))


WORKER = """
import sys
sys.path.insert(0, {tests!r})
from test_training import run
run({out!r}, stop_after=2)
run({out!r})
"""


def test_two_processes_equal_one_with_both_batches(tmp_path):
    script = tmp_path / "worker.py"
    here, out = str(Path(__file__).parent), str(tmp_path / "two")
    script.write_text(WORKER.format(tests=here, out=out))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    subprocess.run(
        [*torchrun, script],
        check=True, timeout=120, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    step = iter(range(PLAN.steps))

    def both(rng):
        k = next(step)
        parts = [draw(np.random.default_rng((PLAN.seed, rank, k))) for rank in (0, 1)]
        return tuple(torch.cat(xs) for xs in zip(*parts, strict=True))

    one = training.train(both, tmp_path / "one", config=TINY, plan=PLAN, quiet=True, device="cpu")
    two = torch.load(tmp_path / "two" / "checkpoint.pt", weights_only=True)
    assert two["step"] == PLAN.steps
    story = mad.read_model(tmp_path / "two" / "last.safetensors")[1]
    assert story["processes"] == 2
    for k, v in one.state_dict().items():
        torch.testing.assert_close(two["average"][k], v, atol=1e-5, rtol=1e-4)


def test_torchrun_leaves_our_options_alone():
    # It has a --start-method of its own, and takes --start for it unless two dashes come first.
    from torch.distributed.run import get_args_parser

    from hpss_lib.__main__ import _parser

    ours = ["train", "--data", "songs", "--out", "run", "--start", "w.safetensors"]
    found = get_args_parser().parse_args(["--nproc_per_node", "2", "-m", "hpss_lib", "--", *ours])
    assert found.training_script == "hpss_lib"
    options = _parser().parse_args(found.training_script_args)
    assert options.start == Path("w.safetensors") and options.data == ["songs"]


def test_exported_weights_tell_every_stage(tmp_path):
    """Two runs at once, then a third of two processes after them: steps and hours add up."""
    from hpss_lib.chapters.twinnet_training import stages

    tool = Path(__file__).parents[1] / "tools" / "export_weights.py"

    def export(*runs):
        words = [*runs, "--target", "percussive", "--data", "a test", "--out", tmp_path]
        subprocess.run([sys.executable, tool, *words], check=True, capture_output=True)
        stem = tmp_path / "compact-percussive"
        story = mad.read_model(stem.with_suffix(".safetensors"))[1]
        return story, training.read_log(stem.with_suffix(".csv"))

    seconds = {"one": 3600, "two": 1800, "three": 900}
    for name, processes in {"one": 1, "two": 1, "three": 2}.items():
        model = run(tmp_path / name, steps=50, every=25, seed=len(name))
        path = tmp_path / name / "last.safetensors"
        story = mad.read_model(path)[1] | {"processes": processes}
        del story["config"]
        mad.save_model(path, model, **story)
        log = tmp_path / name / "log.csv"
        lines = log.read_text().splitlines()
        cells = [line.split(",") for line in lines[1:]]
        log.write_text(
            "\n".join([lines[0], *(",".join([c[0], f"{seconds[name]}", *c[2:]]) for c in cells)])
        )
    story, curve = export(tmp_path / "one", tmp_path / "two")
    assert (story["step"], story["hours"], len(story["before"])) == (100, 1.5, 1)
    (tmp_path / "kept").mkdir()
    for suffix in (".safetensors", ".csv"):
        (tmp_path / f"compact-percussive{suffix}").rename(tmp_path / "kept" / f"stem{suffix}")
    story, curve = export(tmp_path / "three", "--before", tmp_path / "kept" / "stem")
    assert (story["step"], story["hours"], story["processes"]) == (150, 2.0, 2)
    assert [s["steps"] for s in story["before"]] == [50, 50]
    assert [s["hours"] for s in story["before"]] == [1.0, 0.5]
    assert [s["seed"] for s in story["before"]] == [3, 3] and story["plan"]["seed"] == 5
    assert len(curve["step"]) == 6 and (np.diff(curve["step"]) > 0).all()
    assert curve["seconds"][-1] == 6300
    heads, rows = stages(story)
    assert all(len(row) == len(heads) for row in rows.values())
    assert [row[0] for row in rows.values()] == [50, 50, 50]
    assert [row[1].split()[0] for row in rows.values()] == ["2", "2", "4"]


def test_command_line(tmp_path, capsys):
    from test_data import plain_folder

    from hpss_lib.__main__ import main

    data = str(plain_folder(tmp_path / "songs", songs=1, seconds=1.0))
    out = ["--out", str(tmp_path / "out"), "--device", "cpu"]
    tiny = ["steps=2", "batch=1", "config.low_bins=4", "config.hidden=2", "bf16=False"]
    assert main(["train", "--data", data, *out, "--target", "harmonic", "--set", *tiny]) == 0
    _, story = mad.read_model(tmp_path / "out" / "last.safetensors")
    assert story["target"] == "harmonic" and story["step"] == 2
    assert main(["train", "--data", str(tmp_path / "none"), *out]) == 1
    assert "no folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["train", "--data", str(tmp_path / "empty"), *out]) == 1
    assert "no songs" in capsys.readouterr().err


def test_what_the_command_line_refuses(tmp_path, capsys):
    """Each of these once trained on something else, or ended in a traceback."""
    from test_data import write

    from hpss_lib.__main__ import main

    words = ["train", "--out", str(tmp_path / "run")]
    for data, named in (("songs=nan", "'nan' is no weight"), ("songs=-1", "'-1' is no weight")):
        assert main([*words, "--data", str(tmp_path / data)]) == 1
        assert named in capsys.readouterr().err
    if not torch.cuda.is_available():
        write(tmp_path / "a=b" / "drums.wav")
        write(tmp_path / "a=b" / "harmonic.wav")
        assert main([*words, "--data", str(tmp_path / "a=b"), "--device", "cuda"]) == 1
        assert "torch finds no device 'cuda' here: '" in capsys.readouterr().err


def test_a_folder_may_be_named_with_an_equals_sign(tmp_path):
    from test_data import write

    for name in ("a=b", "c"):
        write(tmp_path / name / "drums.wav")
    songs, weights = training.find_groups(
        [f"{tmp_path}/a=b", f"{tmp_path}/a=b=2", f"{tmp_path}/c=0.5"], [], []
    )
    assert [group[0].name for group in songs] == ["a=b", "a=b", "c"]
    assert weights == [1, 2, 0.5]


def test_folders_to_weights(tmp_path):
    from test_data import plain_folder

    plain_folder(tmp_path / "songs", songs=3, seconds=1.5)
    plan = training.Plan(steps=1, batch=2, every=1, bf16=False, twin=False)
    training.train_on_folders(
        [f"{tmp_path / 'songs'}=2"], tmp_path / "out", config=replace(mad.COMPACT, hidden=0),
        plan=plan, validation=[str(tmp_path / "songs" / "song_1")], skip=["song_2"], seconds=0.5,
        count=1, quiet=True, device="cpu",
    )  # fmt: skip
    index = json.loads((tmp_path / "out" / "cache" / "index.json").read_text())
    assert index["songs"] == ["song_0"]
    log = training.read_log(tmp_path / "out" / "log.csv")
    assert np.isfinite(log["sdr_percussive"]).all()
    _, story = mad.read_model(tmp_path / "out" / "best.safetensors")
    assert story["data"] == ["songs"]
