"""How far leave-one-out and YAKE agree on keywords, and what each costs: python bench/keywords.py

Prints one table per data set: texts of drawn pictures with their caption, and real tweets, which are looked for in
--real; where they are not there, a line says so. CPU milliseconds per item in one thread, without loading models.
"""

import argparse
import csv
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from components.drawings.captions import captions
from components.drawings.plan import plan
from components.drawings.words import accompanying_text
from components.features import forward_passes, load_models
from components.features.keyword_agreement import agreement
from components.features.keyword_ranking import Asked, Method, rank
from components.features.keywords import candidates, readable, sentence_of
from components.specs import FeatureSpec

METHODS: tuple[Method, ...] = ("leave_one_out", "yake")
BATCH = 16
LONG = 20
FIRST_SEED = 30_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=Path("../shared/data/real"), help="folder of the real data")
    parser.add_argument("--models", default="starter", help="model set whose text encoder is used")
    parser.add_argument("--items", type=int, default=1000, help="at most so many of each data set")
    parser.add_argument("--keywords", type=int, default=6, help="k: kept per item")
    given = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    compare("drawn texts with a caption", *drawn(given.items), given.models, given.keywords)
    files = sorted((given.real / "tweets").glob("*.csv"))
    if not files:
        print(f"no real tweets in {given.real / 'tweets'}: that table is left out")
        return
    compare("real tweets, whole accounts resampled", *tweets(files, given.items), given.models, given.keywords)


def drawn(n: int) -> tuple[list[tuple[str, str, str | None]], list[str]]:
    """(text, caption, language) and an author each; each drawing is its own."""
    rows: list[tuple[str, str, str | None]] = []
    for seed in range(FIRST_SEED, FIRST_SEED + n):
        rng = np.random.default_rng(seed)
        rows.append((accompanying_text(plan(seed), rng), captions(plan(seed), rng)[0], None))
    return rows, [str(i) for i in range(n)]


def tweets(files: Sequence[Path], n: int) -> tuple[list[tuple[str, str, str | None]], list[str]]:
    """An even sample of all exports."""
    rows: list[tuple[str, str, str | None]] = []
    accounts = []
    for file in files:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            found = list(csv.DictReader(lines))
        rows += [(row["text"], "", row["language"] or None) for row in found]
        accounts += [file.name.split("_tweets_")[0]] * len(found)
    chosen = np.sort(np.random.default_rng(0).permutation(len(rows))[:n])
    return [rows[i] for i in chosen], [accounts[i] for i in chosen]


def compare(
    name: str,
    texts: Sequence[tuple[str, str, str | None]],
    clusters: Sequence[str],
    models: str,
    k: int,
) -> None:
    encoder = load_models(FeatureSpec(models=models)).text_encoder
    start = time.process_time()
    asked: list[Asked] = []
    for text, caption, language in texts:
        read = readable(text)
        asked.append((sentence_of(read, caption), candidates(read, caption, language)))
    words = sum(len(found) for _, found in asked)
    print(f"\n{name}: {len(texts)} items, {words / len(texts):.1f} candidates each,", end=" ")
    print(f"{1000 * (time.process_time() - start) / len(texts):.1f} CPU ms per item to find them")
    kept, costs = {}, {}
    for method in METHODS:
        rank(asked[:BATCH], method, encoder, k)
        before, start = forward_passes(), time.process_time()
        kept[method] = [
            [word for word, _ in found]
            for i in range(0, len(asked), BATCH)
            for found in rank(asked[i : i + BATCH], method, encoder, k)
        ]
        costs[method] = 1000 * (time.process_time() - start) / len(texts)
        passes = (forward_passes() - before)["text_encoder"]
        start, long = time.process_time(), [one for one in asked if len(one[1]) >= LONG]
        for i in range(0, len(long), BATCH):
            rank(long[i : i + BATCH], method, encoder, k)
        dear = f"{1000 * (time.process_time() - start) / len(long):6.2f}" if long else "-"
        print(
            f"| {method:14} | {costs[method]:6.2f} CPU ms per item | {dear} per item of {LONG} candidates or more |",
            end="",
        )
        print(f" {passes} passes of the encoder for {words} words |")
    print(f"| leave_one_out / yake | {costs['leave_one_out'] / costs['yake']:.1f} times as dear |")
    pairs = list(zip(*kept.values(), strict=True))
    rng = np.random.default_rng(0)
    chance = [[found[i].shown for i in rng.permutation(len(found))[:k]] for _, found in asked]
    by_chance = agreement(list(zip(kept["leave_one_out"], chance, strict=True)), k, clusters)
    for found, random in zip(agreement(pairs, k, clusters), by_chance, strict=True):
        interval = "" if found.low is None else f" [{found.low:.3f}, {found.high:.3f}]"
        print(f"| {found.measure:10} | {found.value:.3f}{interval} | with a random order {random.value:.3f} |", end=" ")
        print(f"n {found.n}, {found.skipped} without keywords |")


if __name__ == "__main__":
    main()
