"""What the journal costs beside the bare system: appends, opening, look-ups, memory, bytes; as lines and packed.

    python bench/journal.py [--calls 100000] [--million] [--folder DIR]

A bare `os.write` of the same bytes is the peer of an append, and reading the file once that of opening it. `--million`
also opens and asks 1,000,000 calls (some 3 GB of lines in --folder, minutes).
"""

import argparse
import hashlib
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from components.chat import Journal, calls_view_sql  # noqa: E402
from components.chat.compaction import compact  # noqa: E402
from components.chat.segments import encode  # noqa: E402

WORDS = (ROOT / "README.md").read_text(encoding="utf-8").split()
ASKED = 10_000


def key_of(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:32]


def call(number: int, dice: random.Random) -> dict[str, Any]:
    """A record as a purchase writes it: 200 tokens of prompt, 60 of reply."""
    text, prompt = " ".join(dice.choices(WORDS, k=45)), " ".join(dice.choices(WORDS, k=120))
    messages = [{"role": "system", "content": "You write posts. " * 20}, {"role": "user", "content": prompt}]
    message = {"role": "assistant", "content": text, "refusal": None}
    usage = {"prompt_tokens": 200, "completion_tokens": 60, "total_tokens": 260}
    return {
        "call_key": key_of(number), "status": "ok", "model": "openai/gpt-4o-mini",
        "endpoint": "https://api.openai.com/v1", "stage": "writing", "run_id": f"run {number // 10_000}",
        "spec_id": "0123456789abcdef0123", "mode": "live", "batch_id": None, "api": "chat", "text": text, "value": None,
        "detail": None, "attempts": 1, "input_estimate": 210, "input_tokens": 200, "cached_tokens": 0,
        "output_tokens": 60, "reasoning_tokens": 0, "cost_usd": 0.000066, "held_usd": 0.0, "price_date": "2026-01-01",
        "latency_ms": 400 + number % 300, "sent_without": [], "created_at": f"2026-11-01T10:00:{number % 60:02}+00:00",
        "request": {"messages": messages, "temperature": 0.7, "max_output_tokens": 400, "seed": None, "schema": None,
                    "candidate": 0},
        "response": {"id": f"chatcmpl-{key_of(number)}", "object": "chat.completion", "created": 1_762_000_000,
                     "model": "gpt-4o-mini", "usage": usage,
                     "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]},
    }  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def appends(folder: Path, rounds: int = 3) -> None:
    """In turns with a bare write of the same bytes."""
    dice = random.Random(1)
    records = [call(number, dice) for number in range(2000)]
    lines = [encode(record) for record in records]
    ours, bare, packing = [], [], []
    for number in range(rounds):
        journal = Journal(folder / f"append {number}")
        journal.ready()
        file = os.open(folder / f"bare {number}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        ours.append(seconds(lambda: [journal.append(record) for record in records]) / len(records))  # noqa: B023
        bare.append(seconds(lambda: [os.write(file, line) for line in lines]) / len(records))  # noqa: B023
        packing.append(seconds(lambda: [encode(record) for record in records]) / len(records))
        os.close(file)
        journal.close()
    append, write, encoding = (statistics.median(times) * 1e6 for times in (ours, bare, packing))
    print(
        f"append  {append:6.1f} us, {1e6 / append:,.0f}/s; bare os.write {write:.1f} us: {append / write:.1f} x", end=""
    )
    print(f" (of it JSON {encoding:.1f} us; {statistics.fmean(map(len, lines)):,.0f} bytes)")


def fill(folder: Path, calls: int) -> None:
    """Writes segments of 100,000 calls; texts repeat every 5,000 calls, far beyond what zstd looks back."""
    dice = random.Random(2)
    records = [call(number, dice) for number in range(5000)]
    for first in range(0, calls, 100_000):
        journal = Journal(folder)
        for number in range(first, min(first + 100_000, calls)):
            journal.append(records[number % 5000] | {"call_key": key_of(number), "run_id": f"run {number // 10_000}"})
        journal.close()


def reading(folder: Path, calls: int, form: str) -> None:
    import duckdb

    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    read = seconds(lambda: [len(path.read_bytes()) for path in folder.rglob("*") if path.is_file()])
    journal = Journal(folder)
    opened = seconds(journal.refresh)
    middle = calls // 2
    neighbours = [key_of(number) for number in range(middle, min(middle + ASKED, calls))]
    scattered = [key_of(number) for number in random.Random(3).sample(range(calls), min(ASKED, calls))]
    found: list[int] = []
    together = seconds(lambda: found.append(len(journal.lookup_many(neighbours))))
    apart = seconds(lambda: found.append(len(journal.lookup_many(scattered))))
    assert found == [len(neighbours), len(scattered)]
    single = seconds(lambda: [journal.lookup(key) for key in scattered[:100]]) / 100
    missing = [key_of(-number - 1) for number in range(2000)]
    miss = seconds(lambda: [journal.lookup(key) for key in missing]) / 2000
    with duckdb.connect() as db:
        db.execute(calls_view_sql(folder))
        sums = "SELECT stage, model, count(*), sum(cost_usd) FROM calls GROUP BY ALL"
        view = seconds(lambda: db.execute(sums).fetchall())
    print(f"{form:7} {calls:9,} calls, {size / 1e6:,.0f} MB: opened in {opened:.2f} s, ", end="")
    print(f"{opened / read:.1f} x reading the bytes")
    print(f"        {len(neighbours):,} looked up: neighbours {together:.2f} s, scattered {apart:.2f} s; ", end="")
    print(f"one {single * 1e3:.2f} ms, a miss {miss * 1e6:.1f} us; view `calls` summed in {view:.2f} s")
    print(f"        memory per call of an open journal: {memory(folder, calls):.0f} bytes")


MEMORY = """
import resource, sys
from pathlib import Path
from components.chat import Journal
def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
journal = Journal(Path(sys.argv[1]))
Journal(Path(sys.argv[2])).refresh()
before = held()
journal.refresh()
print(held() - before)
"""


def memory(folder: Path, calls: int) -> float:
    """Resident bytes that opening adds, in a process of its own that has opened a small journal before."""
    with tempfile.TemporaryDirectory() as small:
        fill(Path(small), 100)
        if any((folder / "packed").glob("*.parquet")):
            compact(Path(small))
        command = [sys.executable, "-c", MEMORY, str(folder), small]
        return int(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout) / calls


def measure(place: Path, calls: int) -> None:
    folder = place / f"{calls} calls"
    fill(folder, calls)
    reading(folder, calls, "lines")
    done = []
    took = seconds(lambda: done.append(compact(folder)))
    (packed,) = done
    assert packed.calls == calls and packed.bytes_after is not None
    print(f"packed in {took:.1f} s: {packed.bytes_after / packed.bytes_before:.3f} of the bytes, ", end="")
    print(f"{took / calls * 1e6:.0f} us per call")
    reading(folder, calls, "packed")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--million", action="store_true", help="also 1,000,000 calls")
    parser.add_argument("--folder", type=Path, help="where to write; default: the temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        appends(Path(folder))
        for calls in (given.calls, *([1_000_000] if given.million else [])):
            measure(Path(folder), calls)
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
