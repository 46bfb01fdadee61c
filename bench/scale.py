"""What an item costs as runs grow: 1,000, 10,000, 100,000 items through the flows, each size in a process of its own.

Text-only items with few words as features, which the benchmark puts into the warehouse by itself: keywords would take
50 ms an item, and hide what is looked at here. Writer and judge are the offline ones, so buying is in process; what
they cost without flows, checks and warehouse is the line `bare`. Then the same command again, which has nothing to do.

`--split N` says where the time goes beyond plain calls: steps one after the other, and a clock at the doors of the
warehouse, the checks and the report. What is left is Prefect's and that of what holds the steps together.
`--rows N` puts the rows of all steps in, without buying anything, and then runs over them: what size alone costs.
`--naive N` is the same work with a Prefect task per row and step, on few rows, and extrapolated.

    python bench/scale.py [--sizes 1000 10000 100000] [--split 10000] [--rows 1000000] [--naive 200]
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from _measured import CHUNK, campaign_of, ended_profile, memory, started_profile, words_of
from _rows import over_the_rows, put_rows
from _texts import own_prefect, write_texts

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def put_features(n: int, place: Path) -> dict[str, Any]:
    """Texts, ingested by the flow, and features put in beside it: seconds of the flow, and its memory."""
    write_texts(place / "texts.jsonl", n)
    with own_prefect(place / "home"):
        import great_expectations  # noqa: F401 - imports are not what is measured

        from components.specs import Selection
        from flows.ingest_items import ingest_items
        from flows.settings import Settings

        campaign, store = campaign_of(place), Settings.from_environment().prepare().store()
        begun = time.perf_counter()
        ingest_items(campaign.dataset)
        took, peak = time.perf_counter() - begun, memory()
        items = store.items(Selection(dataset=campaign.dataset.name))
        for start in range(0, n, CHUNK):
            store.append({"features": words_of(items[start : start + CHUNK], campaign.features.id)})
    return {"ingest": took, "ingest_peak": peak}


def through_the_flows(
    n: int, place: Path, profiled: str = "", in_turn: bool = False, doors: "Doors | None" = None
) -> dict[str, Any]:
    """Seconds and memory of one size over what `put_features` left; `doors` count during the first run."""
    with own_prefect(place / "home"):
        import great_expectations  # noqa: F401

        from flows import stages
        from flows.pipeline import pipeline

        stages.LONG = 10**9 if in_turn else stages.LONG
        campaign, before = campaign_of(place), memory()
        profile = started_profile(profiled)
        begun, used = time.perf_counter(), time.process_time()
        with doors.open() if doors else nullcontext():
            first = pipeline(campaign)
        took, cpu = time.perf_counter() - begun, time.process_time() - used
        peak = memory()
        ended_profile(profile, profiled)
        profile = started_profile(profiled)
        begun = time.perf_counter()
        again = pipeline(campaign)
        second = time.perf_counter() - begun
        ended_profile(profile, f"{profiled}.again")
    assert all(step.rows == step.bought == step.passes == 0 for step in again.steps)
    assert {step.step: step.rows for step in first.steps}["judge_posts"] == 4 * n
    steps = {step.step: step.seconds for step in first.steps}
    return {"n": n, "steps": steps, "pipeline": took, "cpu": cpu, "again": second, "before": before, "peak": peak}


class Doors:
    """Seconds that the main thread was behind each door; within another one they are that one's."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {"warehouse": 0.0, "checks": 0.0, "report": 0.0}
        self._inside = True

    @contextmanager
    def open(self) -> Iterator[None]:
        self._inside = False
        yield
        self._inside = True

    @contextmanager
    def behind(self, name: str) -> Iterator[None]:
        if self._inside or threading.current_thread() is not threading.main_thread():
            yield
            return
        self._inside, begun = True, time.perf_counter()
        try:
            yield
        finally:
            self._inside = False
            self.seconds[name] += time.perf_counter() - begun

    def wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def behind(*given: Any, **named: Any) -> Any:
            with self.behind(name):
                return function(*given, **named)

        return behind


def split_of(n: int) -> dict[str, float]:
    """Milliseconds an item of a run whose steps go one after the other, by what they are for."""
    import great_expectations  # noqa: F401

    from components.warehouse.connecting import Connecting
    from data_checks import validate as checks
    from flows import batching
    from flows import pipeline as pipelines
    from flows.stages import slice_of

    doors, batching.LIVE = Doors(), slice_of(n)  # parts as large as where steps run at once
    connect = Connecting.connect

    @contextmanager
    def behind_the_door(self: Connecting) -> Iterator[Any]:
        with doors.behind("warehouse"), connect(self) as db:
            yield db

    setattr(Connecting, "connect", behind_the_door)  # noqa: B010
    checks.validate = doors.wrapped("checks", checks.validate)
    pipelines.write_report = doors.wrapped("report", pipelines.write_report)
    with tempfile.TemporaryDirectory() as folder:
        put_features(n, Path(folder))
        whole = through_the_flows(n, Path(folder), in_turn=True, doors=doors)["pipeline"]
    return {name: 1000 * seconds / n for name, seconds in {"whole": whole, **doors.seconds}.items()}


def bare(n: int) -> float:
    """Seconds of the same steps by plain calls, without ingesting: prompts, posts and judgments."""
    from components.chat import Journal, Ledger, buy
    from components.items import list_entries, read_entries
    from components.judgments import judge
    from components.posts import ask, read_posts
    from components.prompts import build
    from components.specs import DatasetSpec, FeatureSpec, GenerationSpec, JudgeSpec, PromptSpec

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.jsonl"
        write_texts(path, n)
        dataset, writer, judge_spec = DatasetSpec(source="jsonl", path=path), GenerationSpec(), JudgeSpec()
        items, _ = read_entries(list(list_entries(dataset)), dataset)
        by_item: dict[str, list[Any]] = {item.item_id: [] for item in items}
        for feature in words_of(items, FeatureSpec().id):
            by_item[feature.item_id].append(feature)
        begun = time.perf_counter()
        prompts, _ = build(items, by_item, PromptSpec())
        journal, ledger = Journal(Path(folder) / "calls"), Ledger(1.0)
        known = {item.item_id: item for item in items}

        async def write_and_judge() -> None:
            asked = ask(prompts, known, writer)
            made = await buy(asked.requests, spec=writer, api_key=None, journal=journal, ledger=ledger, run_id="bare")
            posts = read_posts(asked.prompts, made, {}, writer, NOW)
            words = {p.prompt_id: {f.name: [f.text] for f in by_item[p.item_id] if f.text} for p in prompts}

            async def pay(requests: Any) -> Any:
                return await buy(requests, spec=judge_spec, api_key=None, journal=journal, ledger=ledger, run_id="bare")

            await judge(posts, {p.prompt_id: p for p in prompts}, known, words, judge_spec, pay, NOW)

        asyncio.run(write_and_judge())
        return time.perf_counter() - begun


def naive(n: int) -> float:
    """Seconds for n items with a Prefect task per row and step, three steps: prompt, post, judgment."""
    with tempfile.TemporaryDirectory() as folder, own_prefect(Path(folder) / "home"):
        from prefect import flow, task

        @task
        def step(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "n": row["n"] + 1}

        @flow
        def per_row(rows: list[dict[str, Any]]) -> None:
            for _ in range(3):
                rows = [future.result() for future in [step.submit(row) for row in rows]]

        per_row([{"n": 0}])
        begun = time.perf_counter()
        per_row([{"n": k, "text": "a row"} for k in range(n)])
        return time.perf_counter() - begun


def apart(*arguments: str) -> Any:
    """One arm in a process of its own: its memory is its own."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    return json.loads(done.stdout.splitlines()[-1])


def print_split(n: int) -> None:
    plain = 1000 * apart("--arm", "bare", "--sizes", str(n)) / n
    found = apart("--arm", "split", "--sizes", str(n))
    whole = found.pop("whole")
    rest = whole - plain - sum(found.values())
    parts = ", ".join(f"{name} {ms:.2f}" for name, ms in {**found, "Prefect and all else": rest}.items())
    print(
        f"{n:,} items, a step after the other: {whole:.2f} ms per item = plain calls {plain:.2f}, {parts}", flush=True
    )


def print_rows(n: int, place: Path, profiled: str) -> None:
    at, filled = ("--sizes", str(n), "--kept", str(place)), place / f"filled with {n} items"
    if not filled.exists():
        if any(place.glob("*")):
            raise SystemExit(f"--kept: {place} holds something else than {n} items; name an empty folder")
        place.mkdir(parents=True, exist_ok=True)
        put = apart("--arm", "rows", *at)
        filled.touch()
        tenths = ", ".join(f"{seconds:.1f}" for seconds in put["tenths"])
        print(
            f"{put['rows']:,} rows of {n:,} items: {put['writing']:.0f} s of writing ({tenths} per tenth)", flush=True
        )
    one = apart("--arm", "over", *at, "--profile", profiled)
    print(f"  a run over them: {one['again']:.1f} s, {one['peak']:.0f} MiB ({one['before']:.0f} before)", flush=True)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--sizes", type=int, nargs="*", default=[1000, 10_000, 100_000])
    words.add_argument("--rows", type=int, default=1_000_000)
    words.add_argument("--split", type=int, default=10_000)
    words.add_argument("--naive", type=int, default=200)
    words.add_argument("--profile", default="", metavar="FILE", help="cProfile's statistics, of the main thread")
    words.add_argument("--in-turn", action="store_true", help="steps one after the other, for a profile of all")
    words.add_argument("--kept", type=Path, metavar="FOLDER", help="keep what --rows puts in, or use it")
    words.add_argument(
        "--arm", choices=("features", "flows", "bare", "split", "rows", "over", "naive"), help="one, here"
    )
    given = words.parse_args()
    if given.arm in ("features", "flows", "rows", "over") and given.kept is None:
        words.error(f"--arm {given.arm} wants --kept; flows go on from features, over from rows")
    if given.arm:
        arms: dict[str, Callable[[int], Any]] = {
            "bare": bare,
            "naive": naive,
            "split": split_of,
            "features": lambda n: put_features(n, given.kept),
            "flows": lambda n: through_the_flows(n, given.kept, given.profile, given.in_turn),
            "rows": lambda n: put_rows(n, given.kept),
            "over": lambda _: over_the_rows(given.kept, given.profile),
        }
        print(json.dumps(arms[given.arm](given.sizes[0])))
        return
    small = min(given.sizes, default=0)
    plain = apart("--arm", "bare", "--sizes", str(small)) / small if small else 0.0
    if small:
        print(f"bare, {small} items: {1000 * plain:.2f} ms per item for prompts, posts and judgments")
        print("| items | ms per item: ingest | prompts, posts, judgments, report | over bare | again, s | peaks, MiB |")
    for n in given.sizes:
        with tempfile.TemporaryDirectory() as folder:
            at = ("--sizes", str(n), "--kept", folder)
            put = apart("--arm", "features", *at)
            one = apart("--arm", "flows", *at, "--profile", given.profile, *["--in-turn"] * given.in_turn)
        each = one["pipeline"] / n
        print(
            f"| {n:,} | {1000 * put['ingest'] / n:.2f} | {1000 * each:.2f} | "
            f"{1000 * (each - plain):.2f} | {one['again']:.1f} | {put['ingest_peak']:.0f}, {one['peak']:.0f} "
            f"({one['before']:.0f} before) |",
            flush=True,
        )
        print(f"  {', '.join(f'{name} {seconds:.1f} s' for name, seconds in one['steps'].items())}", flush=True)
    if given.split:
        print_split(given.split)
    if given.rows:
        with nullcontext(given.kept) if given.kept else tempfile.TemporaryDirectory() as folder:
            print_rows(given.rows, Path(folder), given.profile)
    if given.naive:
        took = apart("--arm", "naive", "--sizes", str(given.naive))
        print(
            f"a Prefect task per row: {1000 * took / given.naive:.1f} ms per item by {given.naive} items, three steps "
            f"that do nothing; extrapolated, 100,000 items would take {took / given.naive * 100_000 / 60:.0f} minutes"
        )


if __name__ == "__main__":
    main()
