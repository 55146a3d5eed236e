"""Tasks here, in processes, and on a cluster: each outcome once, whatever ends a worker."""

import os
import signal
import time
from math import sqrt

import numpy as np
import pytest
from distributed import Client, LocalCluster

from hpss_lib import workers
from hpss_lib.workers import elsewhere, run_tasks


@pytest.mark.parametrize("workers", [1, 2])
def test_each_task_has_one_outcome(workers):
    outcomes = sorted(run_tasks(sqrt, [4, -1, 9], workers=workers))
    assert [o[:2] for o in outcomes] == [(0, 2.0), (1, None), (2, 3.0)]
    errors = [error for *_, error in outcomes]
    assert errors[::2] == [None, None] and errors[1] and "\n" not in errors[1]


def two_lines(_):
    raise OSError("one line\n  and another")


def mistake(_):
    raise KeyError("a mistake in the program")


@pytest.mark.parametrize("workers", [1, 2])
def test_failures_are_one_line_and_mistakes_are_seen(workers):
    assert next(iter(run_tasks(two_lines, [0], workers=workers)))[2] == "one line and another"
    with pytest.raises(KeyError):
        list(run_tasks(mistake, [0, 1], workers=workers))


def test_workers_are_counted_from_one():
    with pytest.raises(ValueError, match="at least 1"):
        list(run_tasks(sqrt, [4], workers=0))
    assert list(run_tasks(sqrt, [])) == []


def one_thread(_):
    return os.environ["OMP_NUM_THREADS"], os.getpid()


def test_the_processes_share_the_cores():
    threads, pids = zip(
        *(result for _, result, _ in run_tasks(one_thread, [0, 1], workers=2)), strict=True
    )
    assert set(threads) == {"1"} and os.getpid() not in pids


def die(seconds):
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_ended_by_the_system_is_said():
    with pytest.raises(MemoryError, match="--workers 1"):
        list(run_tasks(die, [0, 0], workers=2))


def pid_then_sleep(seconds):
    time.sleep(seconds)
    return os.getpid()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_processes_end_with_who_waits_for_them():
    """As by Ctrl-C: the generator is left while a task is at work."""
    outcomes = run_tasks(pid_then_sleep, [0, 60, 60], workers=2)
    _, pid, _ = next(outcomes)
    outcomes.close()
    end = time.monotonic() + 30
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(pid)


# -------------------------------------------------------------------------------------- a cluster


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes, each brought back where it is lost."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


def once_lost(task):
    """Kills the worker that takes the first of these tasks, the first time."""
    number, flag = task
    try:
        if number == 0:
            flag.touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)
    except FileExistsError:
        pass
    return number


def test_a_lost_worker_loses_no_task(cluster, tmp_path):
    tasks = [(number, tmp_path / "lost") for number in range(8)]
    outcomes = list(run_tasks(once_lost, tasks, cluster=cluster.scheduler_address))
    assert (tmp_path / "lost").exists()
    assert sorted(outcomes) == [(number, number, None) for number in range(8)]


def test_a_task_that_loses_every_worker_fails_alone(cluster):
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        client.run_on_scheduler(
            lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0)
        )
    outcomes = list(run_tasks(die, [0], cluster=cluster.scheduler_address))
    assert outcomes == [(0, None, "each worker that took it was lost")]


def test_no_cluster_is_said(monkeypatch):
    monkeypatch.setattr(workers, "_PATIENCE", 1)  # in place of half a minute
    with pytest.raises(OSError):
        list(run_tasks(sqrt, [4], cluster="tcp://127.0.0.1:1"))


# --------------------------------------------------------------------------------- elsewhere


def place_and_sum(x, *, twice):
    return os.getpid(), (2 if twice else 1) * x.sum()


def test_elsewhere_is_another_process_that_ends_when_nobody_asks(monkeypatch):
    monkeypatch.setattr(workers, "_IDLE", 0.5)
    workers._other_process.cache_clear()
    x = np.arange(1000.0)
    first, total = elsewhere(place_and_sum, x, twice=True)
    again, _ = elsewhere(place_and_sum, x, twice=False)
    assert first == again != os.getpid() and total == 2 * x.sum()
    with pytest.raises(ProcessLookupError):
        for _ in range(600):
            os.kill(first, 0)
            time.sleep(0.1)
    later, _ = elsewhere(place_and_sum, x, twice=False)
    assert later not in (first, os.getpid())
    workers._other_process.cache_clear()


def test_what_it_raises_is_raised_here_and_a_lost_process_is_said():
    with pytest.raises(KeyError, match="mistake"):
        elsewhere(mistake, 0)
    with pytest.raises(MemoryError, match="ended by the system"):
        elsewhere(die, 0)
    assert elsewhere(sqrt, 9) == 3
