"""Weights for one source from those for the other, to begin a training with.

    python tools/complement.py WEIGHTS OUT

The mask layer W h + b becomes 1 - (W h + b), so that the new masker estimates what the old one
leaves of the mixture, wherever its mask lies between 0 and 1; the denoiser begins as the identity.
"""

import argparse
from pathlib import Path

import torch

from hpss_lib.audio import SOURCES
from hpss_lib.madtwinnet import Denoiser, MaDTwinNet, read_model, save_model


@torch.no_grad()
def complement(model: MaDTwinNet) -> MaDTwinNet:
    """Turn a network's estimate into what it leaves of the mixture, in place."""
    layer = model.masker.mask.linear
    layer.weight.neg_()
    layer.bias.neg_().add_(1)
    if isinstance(model.denoiser, Denoiser):
        model.denoiser.decoder.weight.zero_()
        model.denoiser.decoder.bias.fill_(1)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    model, story = read_model(options.weights)
    target = SOURCES[1 - SOURCES.index(story.pop("target"))]
    del story["config"]
    save_model(options.out, complement(model), target=target, **story)
    print(f"{options.out}: {target}")


if __name__ == "__main__":
    main()
