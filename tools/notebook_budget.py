"""Seconds and peak memory of each notebook, run top to bottom in a fresh kernel on one core.

python tools/notebook_budget.py book/*.ipynb

A Binder session has 2 GB in all, so each notebook may take 1 GB; and 60 s.  Exits with 1 where one
takes more.  The memory is the kernel's peak resident set (Linux, macOS).
"""

import os
import sys
import time

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
MAXIMUM_SECONDS = 60
MAXIMUM_MB = 1000
# ru_maxrss counts kilobytes on Linux and bytes on macOS.
PEAK_MB = """
import resource, sys
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak / (1e6 if sys.platform == "darwin" else 1e3))
"""


def measure(path):
    """Run one notebook; return (seconds, peak MB)."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(PEAK_MB))
    client = NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": os.path.dirname(path)}}
    )
    start = time.perf_counter()
    client.execute()
    return time.perf_counter() - start, float(notebook.cells[-1].outputs[0]["text"])


def main():
    os.environ.update(dict.fromkeys(THREADS, "1"))  # inherited by the kernels
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    over = False
    print(f"{'notebook':40s} {'seconds':>8s} {'peak MB':>8s}")
    for path in sorted(sys.argv[1:]):
        seconds, peak = measure(path)
        flag = seconds > MAXIMUM_SECONDS or peak > MAXIMUM_MB
        over |= flag
        print(f"{path:40s} {seconds:8.1f} {peak:8.0f}{'  over budget' if flag else ''}", flush=True)
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
