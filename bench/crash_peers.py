"""What a crash costs: kill -9 at a random moment, start again, and count the calls that are bought a second time.

    python bench/crash_peers.py --calls 2000 --in-flight 256 --seeds 5

For each contender and seed: starts it on an empty folder, kills its process group once a share of the calls drawn from
15 to 85 % has reached the server, starts it again on the same folder, and asks the server (bench/_quick_server.py) how
many calls came again although it had answered them. `engine` goes on from its journal, curator from its files of
responses, litellm from its cache on disk, litellm without one from nothing, as openai does. bench/crash.py looks deeper
into the engine alone.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import CONTENDERS, Contender, one_run, pinned, served

BY_NAME = {contender.name: contender for contender in CONTENDERS}
RESUMING = [
    BY_NAME["engine"],
    BY_NAME["curator"],
    replace(BY_NAME["litellm"], name="litellm, cache on disk", kind="disk"),
    replace(BY_NAME["litellm"], name="litellm"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="those whose name begins so")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    given = parser.parse_args()
    chosen = [c for c in RESUMING if not given.only or any(c.name.startswith(name) for name in given.only)]
    runs: dict[str, list[dict[str, Any]]] = {contender.name: [] for contender in chosen if not contender.missing()}
    for seed in range(given.seeds):
        for contender in chosen:
            if contender.missing():
                print(f"missing: {contender.name} (python bench/peers/install.py {contender.environment})")
                continue
            run = crashed(contender, seed, given)
            runs[contender.name].append(run)
            print(f"  seed {seed}, {contender.name}: {run}", file=sys.stderr, flush=True)
    print(f"\n{given.calls:,} calls, {given.in_flight} in flight, {given.latency:g} s, {given.seeds} seeds\n")
    print(
        "| | answered and bought again, least to most (median) | calls in all | texts in the end |\n|---|---|---|---|"
    )
    for name, found in runs.items():
        print(row(name, found, given.calls))
    if given.json:
        given.json.write_text(json.dumps({"calls": given.calls, "in_flight": given.in_flight, "runs": runs}, indent=1))


def row(name: str, runs: list[dict[str, Any]], calls: int) -> str:
    done = [run for run in runs if "failed" not in run]
    if not done:
        return f"| {name} | failed: {runs[-1]['failed'][:100]} | | |"
    again = [run["again"] for run in done]
    failed = f"; {len(runs) - len(done)} starts failed" if len(done) < len(runs) else ""
    texts = min(run["texts"] for run in done)
    return (
        f"| {name} | {min(again)} to {max(again)} ({statistics.median(again):.0f}){failed} "
        f"| {statistics.median(run['requests'] for run in done):,.0f} | {texts:,} of {calls:,} |"
    )


def crashed(contender: Contender, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """`share` of the calls had arrived at the kill; `again`: answered before it, and asked for once more."""
    dice = random.Random(seed)
    share, pause = dice.uniform(0.15, 0.85), dice.uniform(0, given.latency)
    with (
        served("quick", given.latency, True) as url,
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryDirectory() as folder,
    ):
        command = contender.command(url, given.calls, given.in_flight, f"{seed}", "--cold", "--folder", folder)
        arrived = killed(contender, command, home, url, share * given.calls, pause)
        run = one_run(contender, command, home, given.calls * given.latency / given.in_flight, pin=True)
        after = stats(url)
    if "failed" in run:
        return run
    return {
        "share": round(arrived / given.calls, 2),
        "again": after["again"],
        "requests": arrived + after["requests"],
        "texts": run["texts"],
    }


def killed(contender: Contender, command: list[str], home: str, url: str, target: float, pause_s: float) -> int:
    """Starts it, kills it some time after `target` calls have arrived, and sets the server's counts back; how many had
    arrived. The pause is there because calls arrive in waves, and always just after answers."""
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=home,
        env=contender.surroundings(home),
        start_new_session=True,
        preexec_fn=lambda: pinned(server=False),
    ) as process:
        end = time.monotonic() + 300
        # A contender marks the server's counts just before it begins; what it sends is counted from there.
        while stats(url)["requests"] < target and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(pause_s)
        os.killpg(process.pid, signal.SIGKILL)
    time.sleep(0.5)  # calls in flight end at the server: those whose sender is gone are not answered
    arrived = int(stats(url)["requests"])
    stats(url, "mark")
    return arrived


def stats(url: str, what: str = "stats") -> dict[str, float]:
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}/{what}", timeout=30) as response:
        found: dict[str, float] = json.loads(response.read())
    return found


if __name__ == "__main__":
    main()
