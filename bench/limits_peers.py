"""How much of a limit of requests per minute each library uses, what it wastes on refusals, and which rows it gives up.

    python bench/limits_peers.py --rpm 600 --seconds 60

The fake provider keeps the limit as providers do: refilled evenly, with OpenAI's headers, and 429 with Retry-After.
Each contender gets a tenth more calls than fit into the time and runs to its end. Used share: answers within the time,
of those the limit allows. `told`: it is given the limit; otherwise it has the headers alone.
bench/limits.py looks deeper into the engine alone.
"""

import argparse
import json
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine import CONTENDERS, Contender, pinned, served

BY_NAME = {contender.name: contender for contender in CONTENDERS}


@dataclass(frozen=True)
class Case:
    contender: Contender
    told: bool

    @property
    def name(self) -> str:
        return f"{self.contender.name}, told" if self.told else self.contender.name


CASES = [
    Case(BY_NAME["engine"], True),
    Case(BY_NAME["engine"], False),
    Case(BY_NAME["curator"], True),
    Case(BY_NAME["curator"], False),
    Case(replace(BY_NAME["litellm"], name="litellm router", kind="router"), True),
    Case(BY_NAME["litellm"], False),
    Case(BY_NAME["dspy"], False),
    Case(BY_NAME["openai on aiohttp"], False),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rpm", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="those whose name begins so")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    given = parser.parse_args()
    allowed = given.rpm * given.seconds / 60
    print(f"\n{given.rpm} requests/min, {given.seconds:g} s, {given.in_flight} in flight, {given.latency:g} s each\n")
    print("| | used share | 429s per answer | rows given up | seconds to the end |\n|---|---|---|---|---|")
    runs = {}
    for case in CASES:
        if given.only and not any(case.name.startswith(name) for name in given.only):
            continue
        if case.contender.missing():
            print(f"missing: {case.name} (python bench/peers/install.py {case.contender.environment})")
            continue
        run = runs[case.name] = limited(case, round(allowed * 1.1), given)
        if "failed" in run:
            print(f"| {case.name} | failed: {run['failed'][:100]} | | | |", flush=True)
            continue
        print(
            f"| {case.name} | {run['in_time'] / allowed:.3f} | {run['refused'] / max(1, run['answered']):.2f} "
            f"| {run['calls'] - run['texts']} of {run['calls']} | {run['seconds']:.0f} |",
            flush=True,
        )
    if given.json:
        given.json.write_text(json.dumps({"rpm": given.rpm, "seconds": given.seconds, "runs": runs}, indent=1))


def limited(case: Case, calls: int, given: argparse.Namespace) -> dict[str, Any]:
    told = ["--cold", "--rpm", str(given.rpm if case.told else 0)]
    with (
        served("fake", given.latency, True, "--rpm", str(given.rpm)) as url,
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            case.contender.command(url, calls, given.in_flight, "limit", *told),
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=home,
            env=case.contender.surroundings(home),
            preexec_fn=lambda: pinned(server=False),
        ) as process,
    ):
        in_time = answered_after(url, given.seconds, process)
        try:
            process.wait(given.seconds * 4)
        except subprocess.TimeoutExpired:
            process.kill()
            return {"failed": f"not done after {given.seconds * 5:.0f} s", "in_time": in_time}
        ends = stats(url)["by_end"]
        said.seek(0)
        lines = said.read().strip().splitlines()
    if process.returncode:
        return {"failed": lines[-1], "in_time": in_time}
    own = json.loads(lines[-1])
    return {
        "calls": calls,
        "in_time": in_time,
        "answered": ends.get("ok", 0),
        "refused": ends.get("429", 0),
        "texts": own["texts"],
        "seconds": own["seconds"],
    }


def answered_after(url: str, seconds: float, process: "subprocess.Popen[bytes]") -> int:
    """Calls that the server let in within `seconds`, from the second on, as curator's first only asks for headers."""
    while stats(url)["requests"] < 2 and process.poll() is None:
        time.sleep(0.02)
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        time.sleep(min(0.2, max(0.0, end - time.monotonic())))
    return int(stats(url)["by_end"].get("ok", 0))


def stats(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}/stats", timeout=30) as response:
        found: dict[str, Any] = json.loads(response.read())
    return found


if __name__ == "__main__":
    main()
