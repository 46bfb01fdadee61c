"""`python -m components.drawings`: draw the sample campaign."""

import argparse
from pathlib import Path

from components.drawings.samples import write_samples
from components.drawings.vocabulary import SAMPLE_SEEDS


def main() -> None:
    """Read the options and write the folder."""
    parser = argparse.ArgumentParser(prog="python -m components.drawings", description="Draw the sample campaign.")
    parser.add_argument("--out", type=Path, default=Path("campaigns/samples"), help="folder to write (%(default)s)")
    parser.add_argument("--size", type=int, default=768, help="pixels per side (%(default)s)")
    parser.add_argument("--seed", type=int, default=SAMPLE_SEEDS.start, help="first sample seed (%(default)s)")
    options = parser.parse_args()
    written = write_samples(options.out, options.seed, options.size)
    total = sum(path.stat().st_size for path in written)
    print(f"{len(written)} pictures, {total / 1e6:.2f} MB, and samples.csv in {options.out}")


if __name__ == "__main__":
    main()
