"""Build the arithmetic of the browser's engine, book/engine/network.wasm, from network.c.

    python -m pip install -r book/engine/requirements.txt
    python tools/build_engine.py

The compiler is clang, as the Python wheel ziglang brings it: one pinned tool, without a library.
The file is committed, so that neither a reader nor the book's build needs a compiler;
tests/test_engine.py builds it again and compares the bytes.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ENGINE = Path(__file__).resolve().parents[1] / "book" / "engine"
COMPILE = (
    *(sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-freestanding"),
    *("-O3", "-msimd128", "-nostdlib"),
    *("-Wl,--no-entry", "-Wl,--export=__heap_base", "-Wl,--strip-all"),
)


def build(out: Path) -> None:
    """Compile network.c to `out`."""
    subprocess.run([*COMPILE, "-o", str(out.resolve()), "network.c"], cwd=ENGINE, check=True)
    out.chmod(0o644)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ENGINE / "network.wasm")
    build(parser.parse_args().out)
