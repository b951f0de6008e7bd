"""Average the weights of readers: python training/average.py WEIGHTS WEIGHTS... --out FILE.

Runs of which one began with the other's weights lie in one basin of the loss, and their average is as a rule no worse
on what they learnt and better on what they did not (Izmailov et al., UAI 2018; Wortsman et al., ICML 2022).
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("weights", type=Path, nargs="+", metavar="WEIGHTS", help="model.safetensors of a run")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    arguments = parser.parse_args()
    save_file(averaged([load_file(path) for path in arguments.weights]), arguments.out)
    return 0


def averaged(runs: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Give the mean of each weight, in half precision."""
    return {name: torch.stack([run[name].float() for run in runs]).mean(dim=0).half() for name in runs[0]}


if __name__ == "__main__":
    sys.exit(main())
