"""List drum kits that a folder of recordings holds and its index.json does not.

    python tools/index_notes.py FOLDER --out DIR --kits muldjord_tight muldjord_room [--instead]

DIR receives a new index.json, and links to FOLDER's recordings, for tools/render_training.py
--instruments DIR. A kit is FOLDER/drums/KIT/PIECE/LAYER_NUMBER.ogg, layer 0 the softest; that its
licence permits the use is for you to know. --instead leaves all other kits out: songs that are held
back can so be played on drums that no lesson has.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile


def hits(folder: Path, kit: str) -> list[dict]:
    """Describe every recording of a kit, as hpss_lib.songs.instruments wants it."""
    found = []
    for piece in sorted(p for p in (folder / "drums" / kit).iterdir() if p.is_dir()):
        files = {tuple(map(int, f.stem.split("_"))): f for f in sorted(piece.glob("*.ogg"))}
        layers = len({layer for layer, _ in files})
        for (layer, number), file in files.items():
            x, rate = soundfile.read(file, always_2d=True)
            loud = np.sqrt(np.mean(np.square(x.mean(axis=1)[: round(0.15 * rate)])))
            found.append(
                {
                    "file": str(file.relative_to(folder)),
                    "kind": "drum",
                    "kit": kit,
                    "piece": piece.name,
                    "layer": layer,
                    "n_layers": layers,
                    "round_robin": number,
                    "level_db": round(float(20 * np.log10(loud + 1e-9)), 1),
                    "attack_ms": 0.0,
                    "clean_licence": True,
                    "source": f"{kit}:{file.name}",
                }
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kits", nargs="+", required=True)
    parser.add_argument("--instead", action="store_true", help="of all kits that the index has")
    options = parser.parse_args()
    entries = json.loads((options.folder / "index.json").read_text())
    kept = [e for e in entries if e["kind"] != "drum" or not options.instead]
    known = {e.get("kit") for e in kept}
    added = [hit for kit in options.kits if kit not in known for hit in hits(options.folder, kit)]
    options.out.mkdir(parents=True, exist_ok=True)
    for part in {Path(e["file"]).parts[0] for e in entries}:
        link = options.out / part
        if not link.exists():
            link.symlink_to((options.folder / part).resolve(), target_is_directory=True)
    (options.out / "index.json").write_text(json.dumps([*kept, *added], indent=1))
    print(f"{len(added)} recordings added to {len(kept)}")


if __name__ == "__main__":
    main()
