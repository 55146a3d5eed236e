"""Many tasks at once: in this process, in several on this machine, or on a cluster (chapter 9).

    function, tasks  ->  `run_tasks`  ->  (index, result, error) of each task as it ends
    function, arguments  ->  `elsewhere`  ->  its result, and the memory it took is free again

On one machine joblib keeps the processes (loky); a cluster is one of dask.distributed. What is
written down is written by the caller alone, so that no two processes share a file.
"""

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import lru_cache, partial
from itertools import chain
from typing import Any, cast

# What a task may raise without ending the others: a file that cannot be read, a song that does not
# fit, a library for which no memory is left. Anything else is a mistake in the program, and shall
# be seen.
ERRORS = (OSError, ValueError, TypeError, RuntimeError, MemoryError, ImportError)

Outcome = tuple[int, Any, str | None]

_PATIENCE = 30.0  # seconds, for a cluster to answer and to have a worker
_WATCH = 0.5  # seconds between two looks for the process that a worker works for


def run_tasks(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    *,
    workers: int | None = None,
    cluster: str | None = None,
) -> Iterator[Outcome]:
    """Call a function on each task, and yield what comes of it in the order in which they end.

    Parameters
    ----------
    function : callable
        Takes one task; must be importable by the workers (a function of a module, not a lambda
        that holds open files), and so must what it returns.
    tasks : sequence
        Anything that can be pickled. Sent a few at a time, so that there may be very many.
    workers : int, optional
        Processes on this machine, of one thread each; default: one for each core. With 1 the tasks
        run in this process, one after the other.
    cluster : str, optional
        Address of a dask scheduler, "HOST:PORT"; its workers do the work then, and `workers` is of
        no account. It reads the files by the same paths. A task whose worker is lost is given to
        another worker; one that loses several of them has failed.

    Yields
    ------
    index : int
        Of the task in `tasks`; each comes once.
    result : object
        What the function returned; None if it failed.
    error : str or None
        Why it failed, in one line, where it raised one of `ERRORS`; else None.

    Raises
    ------
    ValueError
        If `workers` is less than 1.
    ModuleNotFoundError
        If a cluster is named and dask.distributed is not installed.
    OSError
        If no cluster answers at that address, or it has no workers, for half a minute.
    MemoryError
        If a process on this machine was ended by the system.

    Examples
    --------
    >>> from math import sqrt
    >>> sorted(run_tasks(sqrt, [4, -1, 9], workers=1))  # doctest: +ELLIPSIS
    [(0, 2.0, None), (1, None, '...'), (2, 3.0, None)]
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; at least 1 is needed")
    call = partial(_attempt, function)
    if cluster is not None:
        yield from _on_cluster(call, tasks, cluster)
        return
    workers = min(workers or os.cpu_count() or 1, max(1, len(tasks)))
    if workers == 1:
        yield from map(call, enumerate(tasks))
    else:
        yield from _on_this_machine(call, tasks, workers)


_IDLE = 15.0  # seconds after which a process that nobody asks again ends


def elsewhere(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a function in a process of its own, which ends when it is not asked again for a while.

    What the function imports goes with that process: torch takes 200 MB, librosa 260, and a
    notebook that needs one of them now and then does not keep it. One call is made at a time.

    Parameters
    ----------
    function : callable
        Of a module, so that the other process finds it.
    *arguments, **options
        Its arguments; copied, as is what it returns.

    Returns
    -------
    object
        What the function returns; what it raises is raised here. Chapters 3, 8, 9 and 11.

    Raises
    ------
    MemoryError
        If the process was ended by the system.

    Examples
    --------
    >>> elsewhere(os.getpid) == os.getpid()
    False
    """
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        return _other_process().submit(function, *arguments, **options).result()
    except TerminatedWorkerError:
        _other_process.cache_clear()  # a pool that has lost its process takes no more calls
        raise MemoryError(
            "the process that computed this was ended by the system, most likely for want of memory"
        ) from None


@lru_cache(maxsize=1)
def _other_process() -> Any:
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor(max_workers=1, timeout=_IDLE)


def _attempt(function: Callable[[Any], Any], numbered: tuple[int, Any]) -> Outcome:
    index, task = numbered
    try:
        return index, function(task), None
    except ERRORS as error:
        return index, None, " ".join(str(error).split()) or type(error).__name__


def _watched(call: Callable[[tuple[int, Any]], Outcome], parent: int, task: Any) -> Outcome:
    """Call it in a worker that ends soon after its parent, whatever has ended that."""
    name = f"until {parent} ends"
    if name not in {thread.name for thread in threading.enumerate()}:
        threading.Thread(target=_end_with, args=[parent], name=name, daemon=True).start()
    return call(task)


def _end_with(parent: int) -> None:
    """Wait until this process has been left to another parent, and end it then.

    A parent that is killed can tell its workers nothing, and these would finish what they were
    given; on Linux alone the kernel would tell them.
    """
    while os.getppid() == parent:
        time.sleep(_WATCH)
    os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)


def _on_this_machine(call: Callable, tasks: Sequence[Any], workers: int) -> Iterator[Outcome]:
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    # One thread each: the processes share the cores. One task at a time: each ends when it ends.
    with parallel_config(backend="loky", inner_max_num_threads=1):
        pool = Parallel(workers, batch_size=cast(Any, 1), return_as="generator_unordered")
    call = partial(_watched, call, os.getpid())
    outcomes = cast(Generator, pool(delayed(call)(numbered) for numbered in enumerate(tasks)))
    try:
        yield from chain(outcomes)  # a plain iterator, so that only the end below closes the pool
    except TerminatedWorkerError:
        raise MemoryError(
            "a worker was ended by the system, most likely for want of memory; what is done is "
            "kept: go on with --workers 1"
        ) from None
    finally:
        with warnings.catch_warnings():  # joblib says how many tasks it cancels
            warnings.simplefilter("ignore", UserWarning)
            outcomes.close()  # ends the processes where not all tasks have been waited for


def _on_cluster(call: Callable, tasks: Sequence[Any], address: str) -> Iterator[Outcome]:
    # joblib's own way to dask (1.6) waits for ever for a task that dask has given up because every
    # worker that took it was lost. Asked itself, dask says so, and the other tasks go on.
    try:
        from distributed import Client, KilledWorker, as_completed
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "a cluster needs dask.distributed: pip install 'hpss_lib[cluster]'"
        ) from None

    with Client(address, timeout=_PATIENCE, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=_PATIENCE)
        futures = {
            client.submit(call, numbered, pure=False): numbered[0] for numbered in enumerate(tasks)
        }
        ended = as_completed(futures, loop=client.loop, raise_errors=False)
        try:
            for future in ended:
                try:
                    yield future.result()
                except KilledWorker:
                    yield futures[future], None, "each worker that took it was lost"
                future.release()  # the result need not be held on the cluster any more
        finally:
            client.cancel(list(futures))
