"""Draw the README's results: chapter 9's dots of MDB Drums, from book/data/results.csv.

python tools/readme_figure.py
"""

import hashlib
from pathlib import Path

from hpss_lib import scoreboard
from hpss_lib.chapters.evaluation import songs_figure

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "book" / "data" / "results.csv"
PICTURE = ROOT / "book" / "images" / "results.png"


def main() -> None:
    figure = songs_figure(scoreboard.read_rows(RESULTS), ["MDB Drums"])
    # The picture says which table it shows; a test compares.
    table = hashlib.sha256(RESULTS.read_bytes()).hexdigest()
    figure.savefig(PICTURE, dpi=160, facecolor="white", metadata={"Comment": table})
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
