"""How long readers and a run keep each other waiting: a writer as runs are, beside readers that never rest.

    python bench/readers.py --seconds 10 --readers 4 --rows 50000

The writer appends 200 items, works for 20 ms, and so on. Ways to read, each in a process of its own, over and over:

| way | what |
|---|---|
| nobody | the writer alone |
| store | opens the warehouse late and closes it early, as `report` and the review page do |
| copy | opens the copy for readers (`postwright snapshot`), asks, closes it |
| held | opens the copy once and asks again and again, as a notebook does |
| plain | opens the warehouse itself with duckdb.connect(read_only=True), asks, closes it; where refused, tries again |

Prints for each the appends a second, the longest append, and of the readers the questions a second and the longest one;
`--rows` vectors of 512 make the file large (2 kB each), and the copy is renewed as often as a run may.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from components.records import Item  # noqa: E402
from components.warehouse import read_copy  # noqa: E402
from components.warehouse.store import Store  # noqa: E402

ASKED = "SELECT dataset, count(*) AS n, max(ingested_at) AS newest FROM current_items GROUP BY dataset"
T0 = datetime(2026, 3, 2, tzinfo=UTC)


def read(way: str, path: Path, seconds: float) -> dict[str, float]:
    """In a process of its own: questions, the longest and the median one in seconds, and refusals."""
    store, end = Store(path), time.monotonic() + seconds
    took, refused = [], 0
    held = duckdb.connect(read_copy.copy_for_readers(path), read_only=True) if way == "held" else None
    while time.monotonic() < end:
        at = time.monotonic()
        while True:
            try:
                if way == "store":
                    store.query(ASKED)
                elif held is not None:
                    held.execute(ASKED).fetchall()
                else:
                    place = path if way == "plain" else read_copy.copy_for_readers(path)
                    with duckdb.connect(place, read_only=True) as db:
                        db.execute(ASKED).fetchall()
                break
            except duckdb.IOException:
                refused += 1
                time.sleep(0.005)
        took.append(time.monotonic() - at)
    return {"n": len(took), "longest": max(took), "median": statistics.median(took), "refused": refused}


def write(store: Store, seconds: float, first: int) -> list[float]:
    end, took = time.monotonic() + seconds, []
    while time.monotonic() < end:
        rows = [
            Item(item_id=f"i{first + n}", dataset="d", spec_id="D", source_uri=f"u{first + n}", ingested_at=T0)
            for n in range(200)
        ]
        first += 200
        at = time.monotonic()
        store.append({"items": rows})
        took.append(time.monotonic() - at)
        time.sleep(0.02)
    return took


def measure(way: str, folder: Path, rows: int, readers: int, seconds: float) -> str:
    path = folder / way / "warehouse.duckdb"
    path.parent.mkdir()
    store = Store(path)
    store.prepare()
    with store.connect() as db:
        db.execute(
            """INSERT INTO features BY NAME SELECT 'f' || i AS feature_id, 'x' AS item_id, 'F' AS spec_id,
            'clip_image' AS name, 0 AS rank, [random()::FLOAT FOR x IN range(512)] AS vector, 'm' AS model
            FROM range($n) r(i)""",
            {"n": rows},
        )
    store.append({"items": [Item(item_id="i", dataset="d", spec_id="D", source_uri="u", ingested_at=T0)]})
    if way in ("copy", "held"):
        store.copy(store.copy_for_readers)
        read_copy.EVERY_S = 1.0  # a minute would not come round
    command = [sys.executable, __file__, "--read", way, str(path), str(seconds)]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(0 if way == "nobody" else readers)
    ]
    for process in started:
        assert process.stdout is not None and process.stdout.readline() == "begin\n"
    took = write(store, seconds, 1)
    told = [json.loads(process.communicate()[0]) for process in started]
    size = path.stat().st_size / 1e6
    line = f"| {way} | {size:.0f} MB | {len(took) / seconds:.1f} | {ms(statistics.median(took))} | {ms(max(took))} "
    if not told:
        return line + "| | | | |"
    asked, refused = sum(one["n"] for one in told), sum(one["refused"] for one in told)
    median, longest = statistics.median(one["median"] for one in told), max(one["longest"] for one in told)
    return line + f"| {asked / seconds:.0f} | {ms(median)} | {ms(longest)} | {refused:.0f} |"


def ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--ways", nargs="+", default=["nobody", "store", "copy", "held", "plain"])
    parser.add_argument("--read", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        print("begin", flush=True)
        way, path, seconds = given.read
        print(json.dumps(read(way, Path(path), float(seconds))))
        return
    print("| way | file | appends/s | median | longest | questions/s | median | longest | refusals |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for way in given.ways:
            print(measure(way, Path(folder), given.rows, given.readers, given.seconds), flush=True)


if __name__ == "__main__":
    main()
