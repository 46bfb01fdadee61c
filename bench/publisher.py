"""What one publisher can take in, and how large it gets: the figures behind docs/scale.md.

Chunks of real features (starter models over drawings, copied under other ids) go as parquet through an exchange and are
checked and published; then the questions that a run asks first are put to warehouses of --items items. Everything that
does not scale out with workers is here: the parcels, the checks, the writes, the anti-join.

    python bench/publisher.py [--chunks 40] [--items 200000]
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from components.exchange import Parcels, Place
from components.records import Feature, Item
from components.specs import FeatureSpec, Selection
from components.warehouse.store import Store

CHUNK = 128


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    made = work()
    return time.perf_counter() - began, made


def drawn(folder: Path, spec: FeatureSpec) -> tuple[list[Item], list[Feature]]:
    """Eight drawings as items, and what the starter models find in them."""
    from components.drawings.drawing import draw
    from components.features import extract
    from components.items.pictures import inspect_picture

    items = []
    for n in range(8):
        made, path = draw(9_600_000 + n, size=256), folder / f"{n}.jpg"
        made.image.save(path, quality=85)
        facts = inspect_picture(path)
        items.append(
            Item(
                item_id=Item.make_id("d", facts.sha256, made.text),
                dataset="d",
                spec_id="s",
                source_uri=path.name,
                image_path=str(path),
                sha256=facts.sha256,
                width=facts.width,
                height=facts.height,
                text=made.text,
                published_at=datetime(2026, 1, 1, tzinfo=UTC),
                ingested_at=datetime(2026, 1, 2, tzinfo=UTC),
            )
        )
    return items, extract(items, spec)[0]


def chunk_of(number: int, items: list[Item], features: list[Feature]) -> tuple[list[Item], list[Feature]]:
    """128 items like the drawn ones, under ids of their own, with their features."""
    rows: list[Feature] = []
    copies: list[Item] = []
    for k in range(CHUNK):
        item = items[k % len(items)]
        item_id = Item.make_id("d", item.sha256, f"{number} {k}")
        copies.append(replace(item, item_id=item_id, source_uri=f"{number}-{k}.jpg"))
        rows += [
            replace(row, item_id=item_id, feature_id=Feature.make_id(item_id, row.spec_id, row.name, row.rank))
            for row in features
            if row.item_id == item.item_id
        ]
    return copies, rows


def publishing(folder: Path, chunks: int) -> None:
    from flows.publish import publish

    spec = FeatureSpec()
    items, features = drawn(folder, spec)
    store = Store(folder / "warehouse.duckdb")
    store.prepare()
    place, seconds = Place((folder / "exchange").as_uri()), {"put": [], "get": [], "publish": []}
    size = 0
    for number in range(chunks):
        copies, rows = chunk_of(number, items, features)
        store.append({"items": copies})
        parcels = Parcels(place, str(number))
        seconds["put"].append(timed(lambda p=parcels, r=rows: p.put("features", r))[0])
        size = next(iter(place.names(f"chunks/{number}").values()))
        took, back = timed(lambda p=parcels: p.get("features", Feature))
        seconds["get"].append(took)
        took, _ = timed(
            lambda n=number, b=back: publish(store, "features", b, [], chunk=str(n), run_id="r", dataset="d")
        )
        seconds["publish"].append(took)
    each = {name: statistics.median(found[1:]) for name, found in seconds.items()}
    n = chunks * CHUNK
    at_publisher = each["get"] + each["publish"]
    print(f"a chunk: {CHUNK} items, {len(rows)} rows of features, {size / 1000:.0f} kB as parquet")
    for name, found in each.items():
        print(f"  {name:8} {found * 1000:7.0f} ms")
    print(f"  the first and the last tenth of publishing: {_tenths(seconds['publish'])}")
    print(
        f"publisher: {CHUNK / at_publisher:.0f} items/s; {86_400 * CHUNK / at_publisher / 1e6:.0f} million items a day"
    )
    print(f"warehouse: {store.path.stat().st_size / n:.0f} bytes per item with its features, at {n} items")


def _tenths(found: list[float]) -> str:
    part = max(1, len(found) // 10)
    first, last = statistics.median(found[1 : 1 + part]), statistics.median(found[-part:])
    return f"{first * 1000:.0f} and {last * 1000:.0f} ms"


def asking(folder: Path, items: int) -> None:
    """What a run asks first, where nothing, and where a hundredth, is left to do."""
    store = Store(folder / "large.duckdb")
    store.prepare()
    with store.connect() as db:
        db.execute(
            """INSERT INTO items BY NAME SELECT md5(n::VARCHAR)[:20] AS item_id, 'd' AS dataset, 's' AS spec_id,
                'file ' || n AS source_uri, 'stamp' AS stamp, 'A text that is about as long as a short post is, number '
                || n AS text, TIMESTAMPTZ '2026-01-01' + INTERVAL (n) SECOND AS published_at,
                TIMESTAMPTZ '2026-01-02' AS ingested_at FROM range($n) t(n)""",
            {"n": items},
        )
        db.execute(
            """INSERT INTO features BY NAME SELECT md5(n || ' ' || k)[:20] AS feature_id,
                md5(n::VARCHAR)[:20] AS item_id, 'f' AS spec_id, 'keyword' AS name, k AS rank, 'word' AS text,
                0.5 AS score, 'm' AS model FROM range($n) t(n), range(4) u(k) WHERE n % 100 <> 0""",
            {"n": items},
        )
    month = Selection(
        dataset="d", published_from=datetime(2026, 1, 1, tzinfo=UTC), published_to=datetime(2026, 1, 2, tzinfo=UTC)
    )
    whole = Selection(dataset="d")
    print(f"{items} items, 4 features each, {store.path.stat().st_size / items:.0f} bytes per item:")
    for name, selection in (("all", whole), ("one day (86,400 items)", month)):
        took, left = timed(lambda s=selection: store.items_without_features(s, "f"))
        print(f"  what is left of {name}: {took:.1f} s, {len(left)} items")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--chunks", type=int, default=40)
    words.add_argument("--items", type=int, default=200_000)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as name:
        publishing(Path(name), asked.chunks)
        asking(Path(name), asked.items)


if __name__ == "__main__":
    main()
