"""A drill of operations: from an empty home to a finished backfill, with a kill -9 of all that runs in the midst.

    python bench/drill.py --folder drilled

`postwright up`; a schedule that fires in seconds; a backfill of 14 windows, started from the UI's own form by a
headless Chromium (screenshots in --folder); half way kill -9 of the worker and of its run, at one time; `up` again;
then all windows are to be done, and the same backfill once more is to buy nothing. The calls are bought from a server
that counts them, so it knows what was bought twice: at most those in flight at the kill. Prints what happened, what was
lost, and what it cost.
"""

import argparse
import asyncio
import csv
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from components.warehouse.store import Store  # noqa: E402
from tests.chromium import CHROMIUM, Tab, browser  # noqa: E402
from tests.fake_provider import FakeProvider  # noqa: E402
from tests.flows.service import Service, wait_until  # noqa: E402

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass
class Drill:
    """What is told at the end. Seconds are of wall time."""

    windows: int
    items: int
    hands: int
    seconds: dict[str, float] = field(default_factory=dict)
    windows_before: int = 0
    calls: int = 0
    twice: int = 0
    most: int = 0
    in_flight_at_the_kill: int = 0
    posts: int = 0
    judged: int = 0
    windows_done: int = 0
    told: list[str] = field(default_factory=list)

    def check(self) -> None:
        assert self.windows_done == self.windows, f"{self.windows_done} of {self.windows} windows are done"
        assert (self.posts, self.judged) == (self.items, self.items), f"{self.posts} posts, {self.judged} judged"
        assert self.most <= 2, f"a call was bought {self.most} times"
        assert self.twice <= self.hands, f"{self.twice} calls were bought twice, {self.hands} can be in flight"


class Clock:
    def __init__(self, drill: Drill) -> None:
        self.drill, self.begun = drill, time.monotonic()

    def step(self, words: str, **more: Any) -> None:
        now = time.monotonic()
        self.drill.seconds[words] = round(now - self.begun, 1)
        said = "".join(f", {name.replace('_', ' ')}: {value}" for name, value in more.items())
        print(f"{self.drill.seconds[words]:7.1f} s  {words}{said}", flush=True)
        self.begun = time.monotonic()


def write_campaign(folder: Path, url: str, drill: Drill) -> Path:
    """Texts of so many days, and a prefect.yaml whose backfill reads them."""
    per_day = drill.items // drill.windows
    with (folder / "texts.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["text", "published_at"])
        for n in range(drill.items):
            at = BEGIN + timedelta(days=n // per_day, hours=8 + n % per_day)
            rows.writerow([f"Boat number {n} left the harbour before breakfast.", at.isoformat()])
    chat = {"endpoint": url, "max_concurrency": drill.hands}
    campaign = {
        "name": "drill",
        "dataset": {"source": "csv", "path": str(folder / "texts.csv")},
        "generation": {"model": "openai/writer", **chat},
        "judge": {"model": "openai/judge", **chat},
        "budget": {"usd": 1.0, "allow_unpriced": True},
    }
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    declared["deployments"] = [one for one in declared["deployments"] if one["name"] in ("demo", "backfill")]
    declared["deployments"][1]["parameters"] |= {"campaign": campaign}
    file = folder / "prefect.yaml"
    file.write_text(yaml.safe_dump(declared))
    return file


def scheduled_run(service: Service) -> str:
    """Give the demo a schedule that fires in seconds, as one would in the UI; the id of the run it makes."""
    demo = service.deployment("pipeline/demo")
    # The first time after now that lies whole days from the anchor is in 40 s: a busy machine takes some time
    # to write the runs down.
    anchor = datetime.now(UTC) - timedelta(days=1) + timedelta(seconds=40)
    schedule = {"schedule": {"interval": 86400.0, "anchor_date": anchor.isoformat()}, "active": True}
    schedule |= {"parameters": {"limit": 4}}
    service.ask(f"/deployments/{demo['id']}/schedules", [schedule])  # type: ignore[arg-type]
    which = {"deployments": {"id": {"any_": [demo["id"]]}}, "sort": "EXPECTED_START_TIME_ASC", "limit": 1}
    wait_until(lambda: service.ask("/flow_runs/filter", which), 60)
    return str(service.ask("/flow_runs/filter", which)[0]["id"])


async def start_in_the_ui(service: Service, folder: Path, parallel: int) -> str:
    """Fill *Custom run* of the backfill as a person would, submit it, and find the run it made."""
    deployment = service.deployment("backfill/backfill")
    async with browser(Path(tempfile.mkdtemp(dir=folder))) as tab:
        await tab.open(f"{service.url}/deployments/deployment/{deployment['id']}/run", 1280, 1600)
        await tab.size(1280, 1600)
        await tab.until("document.body.innerText.includes('Windows at a time')", 60)
        await tab.picture(folder / "form.png")
        await fill(tab, "Windows at a time", str(parallel))
        await tab.picture(folder / "filled.png")
        await tab.js("[...document.querySelectorAll('button')].find(b => b.innerText.trim() === 'Submit').click()")
        which = {"deployments": {"id": {"any_": [deployment["id"]]}}}
        wait_until(lambda: service.ask("/flow_runs/filter", which), 60)
        (run,) = service.ask("/flow_runs/filter", which)
        await asyncio.sleep(5)
        await tab.picture(folder / "submitted.png")
        assert run["parameters"]["parallel"] == parallel, "what was typed is what runs"
        return str(run["id"])


async def fill(tab: Tab, name: str, text: str) -> None:
    """The number field of a parameter, by its label, with real key presses."""
    label = f"//label[starts-with(normalize-space(.), '{name}')]"
    path = f"({label}//input | {label}/following::input)[1]"
    field = f'document.evaluate("{path}", document, null, 9, null).singleNodeValue'
    await tab.until(field + " !== null")
    await tab.js(f"{field}.scrollIntoView({{block: 'center'}}); {field}.focus(); {field}.select()")
    await tab.type(text)
    await tab.until(f"{field}.value === '{text}'", 5)
    await asyncio.sleep(1)


async def show(service: Service, folder: Path, run_id: str, name: str) -> None:
    """The page of a run, as it is now."""
    async with browser(Path(tempfile.mkdtemp(dir=folder))) as tab:
        await tab.open(f"{service.url}/runs/flow-run/{run_id}", 1280, 1000)
        await tab.size(1280, 1000)
        await asyncio.sleep(6)
        await tab.picture(folder / f"{name}.png")


def begin_backfill(service: Service, folder: Path) -> tuple[str, str]:
    if CHROMIUM is None:
        return service.start("backfill/backfill", parallel=2), "by the API: there is no chromium here"
    return asyncio.run(start_in_the_ui(service, folder, parallel=2)), f"screenshots in {folder}"


def done_windows(service: Service) -> int:
    """Windows of the backfill that a pipeline run has finished."""
    sql = "SELECT count(DISTINCT window_from) AS n FROM runs WHERE campaign = 'drill' AND state = 'done'"
    file = service.home / "warehouse.duckdb"
    return int(Store(file).query(sql)[0]["n"]) if file.exists() else 0


def run_drill(folder: Path, drill: Drill, latency: float) -> Drill:
    clock = Clock(drill)
    with FakeProvider(latency=latency) as provider:
        service = Service(folder / "home", PREFECT_WORKER_QUERY_SECONDS="2", TMPDIR=str(folder))
        file = write_campaign(folder, provider.url, drill)
        try:
            service.up("--port", "0", "--file", str(file))
            clock.step("an empty home is up", url=service.url)
            run = scheduled_run(service)
            state = service.ended(run)["state_name"]
            clock.step("a scheduled run", state=state)
            assert state == "Completed", service.told(run)
            run, how = begin_backfill(service, folder)
            clock.step("a backfill is started in the UI", run=run, how=how)
            half = drill.items  # of the calls: each item is written and judged
            wait_until(lambda: len(provider.answered) >= half and provider.in_flight, 400, lambda: service.told(run))
            drill.in_flight_at_the_kill, drill.windows_before = provider.in_flight, done_windows(service)
            service.kill("worker start", "prefect.engine")
            clock.step(
                "half way: kill -9 of the worker and its run",
                windows_done=drill.windows_before, calls=len(provider.answered), in_flight=drill.in_flight_at_the_kill,
            )  # fmt: skip
            state = service.run(run)["state_name"]
            up = service.up("--file", str(file))
            (lost,) = up["went_on"]
            clock.step(
                "up again", Prefect_thought=state, now=service.run(run)["state_name"], goes_on_as=lost["next_id"]
            )
            state = service.ended(lost["next_id"], 400)["state_name"]
            drill.windows_done = done_windows(service)
            clock.step("the run that goes on", state=state, windows_done=drill.windows_done)
            if CHROMIUM is not None:
                asyncio.run(show(service, folder, run, "lost"))
                asyncio.run(show(service, folder, lost["next_id"], "went-on"))
            assert state == "Completed", service.told(lost["next_id"])
            before = sum(provider.bodies.values())
            again = service.ended(service.start("backfill/backfill", parallel=2), 400)["state_name"]
            clock.step("the same backfill once more", state=again, calls=sum(provider.bodies.values()) - before)
            assert (again, sum(provider.bodies.values())) == ("Completed", before), "it buys nothing"
            service.postwright("down")
            clock.step("down", processes_left=len(service.processes()))
        finally:
            service.close()
        seen = Counter(provider.bodies.values())
        drill.calls, drill.twice, drill.most = sum(provider.bodies.values()), sum(seen.values()) - seen[1], max(seen)
    store = Store(service.home / "warehouse.duckdb")
    (rows,) = store.query(
        "SELECT count(*) AS posts, count(overall) AS judged FROM judged_posts "
        "WHERE dataset = 'texts' AND text IS NOT NULL"
    )
    drill.posts, drill.judged = rows["posts"], rows["judged"]
    return drill


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, help="for the home and the screenshots (default: thrown away)")
    parser.add_argument("--windows", type=int, default=14)
    parser.add_argument("--per-window", type=int, default=3)
    parser.add_argument("--hands", type=int, default=4, help="calls in flight, of writer and of judge")
    parser.add_argument("--latency", type=float, default=0.5)
    given = parser.parse_args()
    holder = nullcontext(given.folder) if given.folder else tempfile.TemporaryDirectory()
    with holder as folder:
        place = Path(folder).resolve()
        shutil.rmtree(place / "home", ignore_errors=True)
        place.mkdir(parents=True, exist_ok=True)
        drill = Drill(given.windows, given.windows * given.per_window, given.hands)
        run_drill(place, drill, given.latency)
    wanted = 2 * drill.items
    print(
        f"\n{drill.windows_done} of {drill.windows} windows done, {drill.windows_before} of them before the kill\n"
        f"{drill.items} items: {drill.posts} posts, {drill.judged} judged\n"
        f"{drill.calls} calls for {wanted}: {drill.twice} bought twice, none more than {drill.most} times; "
        f"{drill.in_flight_at_the_kill} were in flight when the kill began, {drill.hands} can be\n"
        f"{json.dumps(drill.seconds)}"
    )
    drill.check()


if __name__ == "__main__":
    main()
