"""Measure a folder of recorded notes and write the index that songs are played from.

    python tools/index_notes.py FOLDER [--out DIR] [--kits NAME ...]

FOLDER holds drums/KIT/PIECE/LAYER_NUMBER.ogg and pitched/INSTRUMENT/MIDI_LAYER.ogg (or .flac or
.wav), at 44.1 kHz, layer 0 the softest; hpss_lib.songs.instruments says which pieces and which
instruments it knows. What FOLDER/index.json lists already stays as it stands, everything else is
measured and marked as clean: that its licence permits the use is for you to know. index.json goes
to FOLDER, or to DIR with links to FOLDER's recordings; tools/render_training.py --instruments plays
on either.

--kits takes only the kits named: songs that are held back can so be played on drums that no lesson
has.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile

from hpss_lib.stft import SAMPLE_RATE

SUFFIXES = (".ogg", ".flac", ".wav")
LEVEL_SECONDS = {"drum": 0.15, "pitched": 0.4}
BLOCK = SAMPLE_RATE // 200  # 5 ms
CENTS = np.arange(-70.0, 70.5)  # where the pitch is looked for, beside the named one


def level_db(x: np.ndarray, seconds: float) -> float:
    """Return the RMS of the beginning of x (n,), in dB of full scale."""
    power = np.mean(np.square(x[: round(seconds * SAMPLE_RATE)]))
    return float(10 * np.log10(power + 1e-18))


def attack_ms(x: np.ndarray) -> float:
    """Return when x (n,) is first half as loud, over 5 ms, as it gets in its first 400 ms."""
    beginning = x[: round(0.4 * SAMPLE_RATE) // BLOCK * BLOCK]
    beginning = beginning[: len(beginning) // BLOCK * BLOCK].reshape(-1, BLOCK)
    rms = np.sqrt(np.mean(np.square(beginning), axis=1))
    return 5.0 * int(np.argmax(rms >= 0.5 * rms.max())) if len(rms) else 0.0


def cents(x: np.ndarray, midi: int) -> float:
    """Return how far a note x (n,) lies from its named pitch, in cents.

    The first eight partials of its first second are looked for around where they should lie: the
    answer is the shift, of at most 70 cents, for which their magnitudes sum up highest.
    """
    x = x[:SAMPLE_RATE]
    n = 2**18
    magnitude = np.abs(np.fft.rfft(x * np.hanning(len(x)), n))
    partials = np.arange(1, 9) * 440 * 2 ** ((midi - 69) / 12)
    shifted = partials[partials < SAMPLE_RATE / 2, None] * 2 ** (CENTS / 1200)
    found = np.interp(shifted * n / SAMPLE_RATE, np.arange(len(magnitude)), magnitude)
    return float(CENTS[np.argmax(found.sum(axis=0))])


def describe(folder: Path, kind: str, file: Path) -> dict:
    """Return what the index says of one recording (hpss_lib.songs.instruments)."""
    x, rate = soundfile.read(file, always_2d=True)
    if rate != SAMPLE_RATE or not len(x):
        raise SystemExit(f"{file}: {len(x)} samples at {rate} Hz; give sound at {SAMPLE_RATE} Hz")
    x = x.mean(axis=1)
    if not x.any():
        raise SystemExit(f"{file} is silent: take it out")
    try:
        first, second = map(int, file.stem.split("_"))
    except ValueError:
        form = "LAYER_NUMBER" if kind == "drum" else "MIDI_LAYER"
        raise SystemExit(f"{file}: name it {form}, two integers, as in 0_1{file.suffix}") from None
    entry = {
        "file": str(file.relative_to(folder)),
        "kind": kind,
        "level_db": round(level_db(x, LEVEL_SECONDS[kind]), 1),
        "attack_ms": attack_ms(x),
        "clean_licence": True,
        "source": f"{file.parent.name}:{file.name}",
    }
    if kind == "drum":
        kit, piece = file.parts[-3:-1]
        return entry | {"kit": kit, "piece": piece, "layer": first, "round_robin": second}
    named = {"instrument": file.parent.name, "midi": first, "layer": second}
    return entry | named | {"cents": cents(x, first)}


def recordings(folder: Path, kind: str, names: Sequence[str] | None = None) -> Iterator[Path]:
    """Yield a folder's recordings of a kind, of the kits or instruments named (None: of all)."""
    top, pattern = {"drum": ("drums", "*/*"), "pitched": ("pitched", "*")}[kind]
    for name in names or sorted(p.name for p in (folder / top).glob("*")):
        found = sorted((folder / top / name).glob(pattern))
        yield from (file for file in found if file.suffix in SUFFIXES)


def index(folder: Path, kits: Sequence[str] | None = None) -> list[dict]:
    """Return the entries of a folder: those that its own index has, and the rest as measured."""
    own = folder / "index.json"
    kept = json.loads(own.read_text()) if own.is_file() else []
    kept = [e for e in kept if e["kind"] != "drum" or kits is None or e["kit"] in kits]
    listed = {e["file"] for e in kept}
    files = [("drum", file) for file in recordings(folder, "drum", kits)]
    files += [("pitched", file) for file in recordings(folder, "pitched")]
    new = [(k, f) for k, f in files if str(f.relative_to(folder)) not in listed]
    return [*kept, *with_layers([describe(folder, kind, file) for kind, file in new])]


def with_layers(entries: Sequence[dict]) -> list[dict]:
    """Add to each entry how many layers there are of its piece, or of its pitch."""

    def sounds_like(entry):
        keys = ("kit", "piece") if entry["kind"] == "drum" else ("instrument", "midi")
        return tuple(entry[key] for key in keys)

    layers: dict[tuple, set[int]] = {}
    for entry in entries:
        layers.setdefault(sounds_like(entry), set()).add(entry["layer"])
    return [entry | {"n_layers": len(layers[sounds_like(entry)])} for entry in entries]


def main() -> None:
    """Write the index, and links to what it lists where it goes elsewhere."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="of recorded notes")
    parser.add_argument("--out", type=Path, help="where the index goes; default: FOLDER")
    parser.add_argument("--kits", nargs="+", help="drum kits to list; default: all")
    options = parser.parse_args()
    out = options.out or options.folder
    missing = [k for k in options.kits or () if not (options.folder / "drums" / k).is_dir()]
    if missing:
        parser.error(f"no kit {', '.join(missing)} in {options.folder / 'drums'}")
    entries = index(options.folder, options.kits)
    out.mkdir(parents=True, exist_ok=True)
    for top in {Path(entry["file"]).parts[0] for entry in entries}:
        if not (out / top).exists():
            (out / top).symlink_to((options.folder / top).resolve(), target_is_directory=True)
    (out / "index.json").write_text(json.dumps(entries, indent=1) + "\n")
    print(f"{len(entries)} recordings in {out / 'index.json'}")


if __name__ == "__main__":
    main()
