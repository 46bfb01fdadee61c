"""What looking through a source costs.

A folder with a picture, its text and a row of the table each, beside what the file system needs for the same: names,
states, every text read; no picture is opened. And a table without pictures whose rows are all new, or all met before.
CPU seconds of this thread alone.

    python bench/listing.py [--pictures 10000] [--rows 10000]
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from _texts import write_texts

from components.items import list_entries
from components.specs import DatasetSpec


def seconds(work: Callable[[], object]) -> float:
    """The least CPU of five times."""
    took = []
    for _ in range(5):
        began = time.thread_time()
        work()
        took.append(time.thread_time() - began)
    return min(took)


def plainly(folder: Path) -> int:
    """Every name, every state, the bytes of every text."""
    states = [(entry, entry.stat()) for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)]
    return sum(len(Path(entry).read_bytes()) for entry, _ in states if not entry.name.endswith(".jpg"))


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--pictures", type=int, default=10_000)
    words.add_argument("--rows", type=int, default=10_000)
    given = words.parse_args()
    look_through_a_folder(given.pictures)
    look_through_a_table(given.rows)


def look_through_a_folder(n: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for number in range(n):
            (folder / f"{number}.jpg").touch()
            (folder / f"{number}.txt").write_text("text")
        rows = "".join(f"{number}.jpg,{number}\n" for number in range(n))
        (folder / "table.csv").write_text("image,likes\n" + rows)
        spec = DatasetSpec(source="folder", path=folder)
        assert {entry.problem for entry in list_entries(spec)} == {None}
        listed, least = seconds(lambda: list(list_entries(spec))), seconds(lambda: plainly(folder))
    print(f"{n:,} pictures with texts and rows: {listed:.2f} CPU s, {1e6 * listed / n:.0f} microseconds each")
    print(f"the file system alone: {least:.2f} CPU s; listing / file system: {listed / least:.1f}")


def look_through_a_table(n: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "texts.jsonl"
        write_texts(path, n)
        spec = DatasetSpec(source="jsonl", path=path)
        met = {(entry.source_uri, entry.stamp) for entry in list_entries(spec)}
        new, known = seconds(lambda: list(list_entries(spec))), seconds(lambda: list(list_entries(spec, met)))
    print(f"{n:,} rows of a table: {new:.2f} CPU s, {1e6 * new / n:.0f} microseconds each")
    print(f"all met before: {known:.2f} CPU s, {1e6 * known / n:.0f} microseconds each; met / new: {known / new:.2f}")


if __name__ == "__main__":
    main()
