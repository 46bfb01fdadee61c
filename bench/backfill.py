"""What a backfill of many windows takes: the first time, repeated, and planned. By the command itself, Prefect's start
included; offline writer and judge, starter models, text-only items.

    python bench/backfill.py [--windows 365] [--items 2000] [--parallel 1]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pipeline import NOUNS, VERBS

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


def command(*words: str) -> tuple[float, dict[str, Any]]:
    """Wall seconds, and what it says to machines."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *words, "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return took, json.loads(done.stdout)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--windows", type=int, default=365)
    words.add_argument("--items", type=int, default=2000)
    words.add_argument("--parallel", type=int, default=1)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_items(place / "texts.jsonl", asked.items, asked.windows)
        campaign = place / "campaign.yaml"
        campaign.write_text(f"name: bench\ndataset: {{source: jsonl, path: {place / 'texts.jsonl'}}}\n")
        os.environ["POSTWRIGHT_HOME"] = str(place / "home")
        last = FIRST + timedelta(days=asked.windows)
        line = ["backfill", str(campaign), "--from", str(FIRST), "--to", str(last), "--parallel", str(asked.parallel)]
        one = ["backfill", str(campaign), "--from", str(FIRST), "--to", str(FIRST + timedelta(days=1))]
        told: list[tuple[str, float, str]] = []
        took, plan = command(*line, "--dry-run")
        told.append(("planned before", took, f"{sum(stage['calls'] for stage in plan['stages'])} calls to buy"))
        took, found = command(*line)
        told.append(("the first time", took, f"{found['kinds']}, {found['calls']} calls"))
        took, again = command(*line)
        told.append(("repeated", took, f"{again['kinds']}, {again['calls'] - found['calls']} calls more"))
        took, plan = command(*line, "--dry-run")
        told.append(("planned after", took, f"{sum(stage['calls'] for stage in plan['stages'])} calls to buy"))
        took, _ = command(*one)
        told.append(("one window, repeated", took, "what starting costs"))
        assert again["calls"] == found["calls"] and found["kinds"].get("done", 0) > 0
    print(f"{asked.windows} windows, {asked.items} items, {asked.parallel} at a time; load {os.getloadavg()[0]:.1f}")
    for name, seconds, said in told:
        print(f"{name:<22} {seconds:8.1f} s   {said}")


if __name__ == "__main__":
    main()
