"""What a backfill of many windows takes: the first time, repeated, and planned. By the command itself, Prefect's start
included; offline writer and judge, starter models, text-only items.

    python bench/backfill.py [--windows 365] [--items 2000] [--first 20] [--parallel 1]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from _texts import NOUNS, VERBS

FIRST = date(2025, 1, 1)
ROOT = Path(__file__).parents[1]


def write_items(path: Path, items: int, days: int) -> None:
    """Different short texts, spread evenly over the days."""
    with path.open("w", encoding="utf-8") as file:
        for k in range(items):
            what, did = NOUNS[k % len(NOUNS)], VERBS[k % len(VERBS)]
            minutes = k * days * 24 * 60 // items
            at = f"{FIRST + timedelta(minutes=minutes)}T{minutes // 60 % 24:02}:{minutes % 60:02}:00Z"
            row = {"text": f"The {what} {did} again, for the {k}th time. #travel", "published_at": at, "id": str(k)}
            file.write(json.dumps(row) + "\n")


def command(*words: str) -> tuple[float, float, dict[str, Any]]:
    """Seconds of the clock and of the processors (Prefect's server included), and what it says to machines."""
    begun, before = time.perf_counter(), cpu_seconds()
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *words, "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return took, cpu_seconds() - before, json.loads(done.stdout)


def cpu_seconds() -> float:
    """Of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--windows", type=int, default=365)
    words.add_argument("--items", type=int, default=2000)
    words.add_argument("--first", type=int, default=20, help="windows that are run one by one; the others by one run")
    words.add_argument("--parallel", type=int, default=1)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_items(place / "texts.jsonl", asked.items, asked.windows)
        campaign = place / "campaign.yaml"
        campaign.write_text(f"name: bench\ndataset: {{source: jsonl, path: {place / 'texts.jsonl'}}}\n")
        os.environ["POSTWRIGHT_HOME"] = str(place / "home")
        last, some = FIRST + timedelta(days=asked.windows), FIRST + timedelta(days=asked.first)
        start = ["backfill", str(campaign), "--from", str(FIRST), "--parallel", str(asked.parallel)]
        whole, part = [*start, "--to", str(last)], [*start, "--to", str(some)]

        def timed(name: str, *line: str) -> dict[str, Any]:
            took, busy, found = command(*line)
            calls = sum(stage["calls"] for stage in found["stages"]) if "stages" in found else found.get("calls", 0)
            print(f"{name:<28} {took:8.1f} s of the clock {busy:8.1f} s of processors   {calls} calls", flush=True)
            return found

        timed("planned, nothing there", *whole, "--dry-run")
        timed(f"{asked.first} windows, the first time", *part)
        timed(f"{asked.first} windows, repeated", *part)
        timed("all others, by one run", "run", str(campaign))
        done = timed("all windows, found done", *whole)
        again = timed("all windows, repeated", *whole)
        timed("planned, all there", *whole, "--dry-run")
        assert done["kinds"]["done"] == again["kinds"]["done"] == len([w for w in done["windows"] if w["items"]])
        assert again["calls"] == 0 and again["posts"] == asked.items
    print(f"{asked.windows} windows, {asked.items} items, {asked.parallel} at a time; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
