"""Render random songs to train on, as folders with drums.flac and harmonic.flac.

    python tools/render_training.py --out DIR --count 90 --seed 1000 [--instruments DIR]

Run again, it goes on where it was stopped. Needs FluidSynth and a sound font (Debian: fluidsynth,
fluid-soundfont-gm, and musescore-general-soundfont for the second one); --instruments adds songs
played on single recorded notes, from a folder as hpss_lib.songs.instruments describes; --grooves
lets drummers play, from a folder of MIDI files as hpss_lib.songs.grooves describes.
"""

import argparse
import time

from hpss_lib.songs.lessons import SOUNDS, write_songs


def main() -> None:
    """Render what is asked for, one line a song."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, help="folder to write songs to")
    parser.add_argument("--count", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1000, help="of the first song; then one more")
    parser.add_argument(
        "--seconds", type=float, nargs=2, default=(40, 60), help="shortest, longest"
    )
    parser.add_argument("--sounds", nargs="+", choices=SOUNDS, help="default: all there are")
    parser.add_argument("--instruments", help="folder of recorded notes with its index.json")
    parser.add_argument("--grooves", help="folder of drummers' MIDI files, *beat_4-4.mid")
    options = parser.parse_args()
    sounds = options.sounds or SOUNDS[: 3 if options.instruments else 2]
    begin, music = time.process_time(), 0.0
    seeds = range(options.seed, options.seed + options.count)
    kept = {"sounds": sounds, "instruments": options.instruments, "grooves": options.grooves}
    start = time.perf_counter()
    for name, seconds in write_songs(options.out, seeds, lengths=tuple(options.seconds), **kept):
        music += seconds
        rate = music / (time.perf_counter() - start)
        print(f"{name} {seconds:.1f} s, {rate:.1f} times real time so far", flush=True)
    print(f"{music / 60:.1f} minutes of music, {time.process_time() - begin:.0f} s in Python")


if __name__ == "__main__":
    main()
