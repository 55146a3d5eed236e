"""What the tests of this room share: a synthesiser where there is one, and a folder of notes."""

import json
import os
import shutil

import numpy as np
import pytest

from hpss_lib.songs import synthesis

RATE = 44100


@pytest.fixture(scope="session")
def synthesiser():
    """Skip what cannot be heard here."""
    missing = [] if shutil.which("fluidsynth") else ["fluidsynth"]
    try:
        synthesis.find_font("fluid")
    except FileNotFoundError:
        missing.append("the sound font FluidR3 GM")
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"continuous integration installs these, and they are missing: {missing}")
    if missing:
        # Never in CI, which fails above. A reader separates and trains without them: only rendering
        # new songs needs them.
        needed = f"needs {' and '.join(missing)}, packages of the system"
        pytest.skip(needed)  # never in CI; only rendering new songs needs these


@pytest.fixture
def recordings(tmp_path):
    """A folder of tones and clicks in the layout of a set of recordings."""
    import soundfile

    t = np.arange(RATE) / RATE
    entries = []

    def save(file, x, **entry):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / file, x, RATE)
        common = {"file": file, "attack_ms": 0.0, "cents": 0.0, "source": "here", "level_db": -20.0}
        entries.append(common | {"clean_licence": True, "layer": 0, "n_layers": 1} | entry)

    for instrument in ("piano_grand_salamander", "ebass_finger_killer", "rhodes"):
        for midi in (36, 48, 60):
            tone = 0.3 * np.sin(2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * t)
            save(f"{instrument}/{midi}.wav", tone, kind="pitched", instrument=instrument, midi=midi)
    for piece, hertz in (("kick", 60), ("snare", 2000), ("hihat_closed", 9000)):
        hit = 0.3 * np.sin(2 * np.pi * hertz * t[:8000]) * np.exp(-t[:8000] / 0.05)
        save(f"kit/{piece}.wav", hit, kind="drum", kit="kit", piece=piece)
    save("unclean/60.wav", 0 * t, kind="pitched", instrument="viol", midi=60, clean_licence=False)
    (tmp_path / "index.json").write_text(json.dumps(entries))
    return tmp_path
