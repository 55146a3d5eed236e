"""Seconds and peak memory of each notebook, run top to bottom in a fresh kernel on one core.

python tools/notebook_budget.py book/*.ipynb

A Binder session has 2 GB in all, for two notebooks, a server, and what a notebook has done
elsewhere (`hpss_lib.workers`), so each kernel may take 600 MB; and 60 s.  Exits with 1 where one
takes more.  The memory is the kernel's peak resident set (Linux, macOS), under the settings of
`make lab`; beside it stands that of the largest process that it started.
"""

import os
import sys
import time

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
MAXIMUM_SECONDS = 60
MAXIMUM_MB = 600
MMAP_THRESHOLD = 2**20  # bytes; as in the Makefile and in .binder/start
# ru_maxrss counts kilobytes on Linux and bytes on macOS.
PEAK_MB = """
import resource, sys
workers = sys.modules.get("hpss_lib.workers")
if workers and workers._other_process.cache_info().currsize:
    workers._other_process().shutdown()  # only what has ended is counted
for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
    print(resource.getrusage(who).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3))
"""


def measure(path):
    """Run one notebook; return (seconds, peak MB, peak MB of a process that it started)."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(PEAK_MB))
    client = NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": os.path.dirname(path)}}
    )
    start = time.perf_counter()
    client.execute()
    own, elsewhere = map(float, notebook.cells[-1].outputs[0]["text"].split())
    return time.perf_counter() - start, own, elsewhere


def main():
    # Inherited by the kernels
    os.environ.update(dict.fromkeys(THREADS, "1"), MALLOC_MMAP_THRESHOLD_=str(MMAP_THRESHOLD))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    over = False
    print(f"{'notebook':40s} {'seconds':>8s} {'peak MB':>8s} {'elsewhere':>10s}")
    for path in sorted(sys.argv[1:]):
        seconds, peak, elsewhere = measure(path)
        flag = seconds > MAXIMUM_SECONDS or peak > MAXIMUM_MB
        over |= flag
        print(
            f"{path:40s} {seconds:8.1f} {peak:8.0f} {elsewhere:10.0f}"
            f"{'  over budget' if flag else ''}",
            flush=True,
        )
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
