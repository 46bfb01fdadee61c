"""Failures, as they come to a home that runs for years: what happened, what was lost, what it cost.

    python bench/failures.py
    python bench/failures.py --only locked-a-while two-runs

Each is done to the real command line in processes of its own, with a server (tests/fake_provider) that counts what it
is asked. Asserts that afterwards every text has its judged post once, and prints one line each: the exit codes, what
people were told, rows lost, calls bought twice, and seconds beyond an undisturbed run. A full disk needs root (a small
file system is mounted), a clock that jumps a C compiler; without them these are left out, and that is said.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from components.warehouse.store import Store  # noqa: E402
from tests.fake_provider import FakeProvider  # noqa: E402

TEXTS = 30
CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static volatile int64_t *ahead;  /* seconds, in a file that the drill writes */

__attribute__((constructor)) static void begin(void) {
    int file = open(getenv("DRILL_CLOCK"), O_RDONLY);
    void *at = file < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ, MAP_SHARED, file, 0);
    ahead = at == MAP_FAILED ? NULL : at;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(clock, now);
    if (ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *ahead;
    return done;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    now->tv_sec = at.tv_sec, now->tv_usec = at.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *into) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (into) *into = at.tv_sec;
    return at.tv_sec;
}
"""
"""To be loaded before libc: the wall's clock is that many seconds ahead, the monotonic one is not. (libfaketime 0.9.10
cannot leave the latter alone: Python's sleep then fails.)"""
HOLD = """
import duckdb, sys, time
while True:
    try:
        db = duckdb.connect(sys.argv[1], read_only=True)
        break
    except duckdb.IOException:
        time.sleep(0.001)
print("held", flush=True)
sys.stdin.read()
"""


class Impossible(Exception):
    """This machine has not what the drill needs."""


@dataclass
class Ended:
    """One run: exit code, the last line that people were told, seconds."""

    code: int
    said: str
    seconds: float


@dataclass
class Drill:
    """One home, one campaign of TEXTS texts, one server; what was done to them."""

    folder: Path
    server: FakeProvider
    home: Path = Path()
    runs: list[Ended] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    settings: str = "max_concurrency: 4"
    env: dict[str, str] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home = self.home if self.home != Path() else self.folder / "home"
        lines = [f"The ferry number {n} was late again and nobody told us why." for n in range(TEXTS)]
        (self.folder / "texts.csv").write_text("text\n" + "\n".join(lines) + "\n")
        self.write_campaign()

    def write_campaign(self) -> None:
        model = f"{{model: openai/fake, endpoint: '{self.server.url}', {self.settings}}}"
        (self.folder / "drill.yaml").write_text(
            f"name: drill\ndataset: {{source: csv, path: {self.folder / 'texts.csv'}}}\n"
            f"generation: {model}\nbudget: {{usd: 1.0, allow_unpriced: true}}\n"
        )

    def start(self) -> "subprocess.Popen[str]":
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "POSTWRIGHT_"))}
        env = clean | {"PYTHONPATH": str(ROOT), "COLUMNS": "200", "OMP_NUM_THREADS": "1"} | self.env
        command = [sys.executable, "-m", "flows.cli", "run", str(self.folder / "drill.yaml"), "--home", str(self.home)]
        number = len(list(self.folder.glob("*.out")))  # files: a killed run's children would keep a pipe open
        with (self.folder / f"{number}.out").open("w") as out, (self.folder / f"{number}.err").open("w") as errors:
            process = subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdout=out, stderr=errors)
        self.numbers[process.pid] = number
        self.begun = time.monotonic()
        return process

    def end(self, process: "subprocess.Popen[str]", seconds: float = 300) -> Ended:
        process.wait(timeout=seconds)
        number = self.numbers[process.pid]
        out, errors = ((self.folder / f"{number}.{name}").read_text() for name in ("out", "err"))
        lines = [line for line in (errors.strip() or out.strip()).splitlines() if line.strip()]
        told = [line for line in out.splitlines() if "waiting for the warehouse" in line]
        self.told += told
        ended = Ended(process.returncode, lines[-1] if lines else "", time.monotonic() - self.begun)
        self.runs.append(ended)
        return ended

    def run(self) -> Ended:
        return self.end(self.start())

    def asked(self, n: int, process: "subprocess.Popen[str]") -> None:
        """Waits until the server was asked so often."""
        while self.server.stats["requests"] < n:
            assert process.poll() is None, self.end(process)
            time.sleep(0.005)

    @contextmanager
    def held(self) -> Iterator[None]:
        """As by a notebook: another process has the warehouse open for reading."""
        command = [sys.executable, "-c", HOLD, str(self.home / "warehouse.duckdb")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout is not None and holder.stdout.readline() == "held\n"
            yield
            holder.kill()

    def lost(self) -> int:
        """Texts without their one judged post; duplicates of rows are none of them."""
        (found,) = Store(self.home / "warehouse.duckdb").query(
            """SELECT count(*) FILTER (overall IS NOT NULL) AS judged, count(*) AS rows,
            count(DISTINCT prompt_id) AS posts FROM judged_posts"""
        )
        assert found["rows"] == found["posts"] <= TEXTS, found
        return TEXTS - int(found["judged"])

    def again(self) -> int:
        """Answers that the server gave a second time."""
        return sum(n - 1 for n in self.server.answered.values())


def undisturbed(drill: Drill) -> str:
    assert drill.run().code == 0
    return "a run without any failure"


def locked_a_while(drill: Drill) -> str:
    process = drill.start()
    drill.asked(10, process)
    with drill.held():
        time.sleep(8)
    assert drill.end(process).code == 0
    return "another process has the warehouse open for 8 s"


def locked_for_ever(drill: Drill) -> str:
    drill.env["POSTWRIGHT_WAIT_S"] = "4"
    process = drill.start()
    drill.asked(10, process)
    with drill.held():
        assert drill.end(process).code == 2
    assert drill.run().code == 0
    return "another process has it open and never closes it (`POSTWRIGHT_WAIT_S=4`)"


def disk_full(drill: Drill) -> str:
    process = drill.start()
    drill.asked(10, process)
    filler = drill.home / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(bytes(65536))
                file.flush()
        except OSError:
            pass
    ended = drill.end(process)
    assert ended.code in (1, 2), ended
    filler.unlink()
    assert drill.run().code == 0
    return "the home's disk is full, then has space again"


def endpoint_down(drill: Drill) -> str:
    drill.settings = "max_concurrency: 4, max_attempts: 2, timeout_s: 5"
    drill.write_campaign()
    port = drill.server.port
    process = drill.start()
    drill.asked(10, process)
    drill.server.__exit__(None, None, None)
    first = drill.end(process)
    second = drill.run()  # as a schedule does, while it is still down
    assert second.code == 5, second
    seen = drill.server
    with FakeProvider(latency=0.2, port=port) as drill.server:
        drill.server.counts, drill.server.bodies, drill.server.answered = seen.counts, seen.bodies, seen.answered
        assert drill.run().code == 0
    return f"the endpoint is gone (first run: exit {first.code}; one begun meanwhile: exit 5), an hour later it is back"


def two_runs(drill: Drill) -> str:
    first, second = drill.start(), drill.start()
    codes = [drill.end(process).code for process in (first, second)]
    assert codes == [0, 0], drill.runs
    return "two runs of one campaign and window at once"


def killed(drill: Drill) -> str:
    process = drill.start()
    drill.asked(10, process)
    process.send_signal(signal.SIGKILL)
    drill.end(process)
    while drill.server.in_flight:
        time.sleep(0.01)
    assert drill.run().code == 0
    return "kill -9 in the midst of calls"


def clock_jumps(drill: Drill) -> str:
    compiler = shutil.which("cc")
    source, library, ahead = (drill.folder / name for name in ("clock.c", "clock.so", "ahead"))
    source.write_text(CLOCK)
    if compiler is None:
        raise Impossible("there is no C compiler to make a clock that jumps")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)

    def jump(days: int) -> None:
        with ahead.open("r+b" if ahead.exists() else "wb") as file:
            file.write((days * 86_400).to_bytes(8, sys.byteorder, signed=True))

    jump(0)
    drill.env |= {"LD_PRELOAD": str(library), "DRILL_CLOCK": str(ahead)}
    process = drill.start()
    drill.asked(8, process)
    jump(3)
    drill.asked(20, process)
    jump(-2)
    assert drill.end(process).code == 0, drill.runs
    dates = {str(row["day"]) for row in Store(drill.home / "warehouse.duckdb").query("SELECT day FROM spend_by_day")}
    assert len(dates) > 1, f"the clock did not jump: {dates}"
    return "the clock jumps three days ahead, then five back"


DRILLS: dict[str, Callable[[Drill], str]] = {
    "undisturbed": undisturbed,
    "killed": killed,
    "locked-a-while": locked_a_while,
    "locked-for-ever": locked_for_ever,
    "disk-full": disk_full,
    "endpoint-down": endpoint_down,
    "two-runs": two_runs,
    "clock-jumps": clock_jumps,
}


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 96 MB."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        raise Impossible("no small file system can be mounted here: it needs root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def drilled(name: str, baseline: float) -> tuple[str, float]:
    with tempfile.TemporaryDirectory() as made, FakeProvider(latency=0.2) as server:
        folder = Path(made)
        if name == "disk-full":
            with small_disk(folder / "small") as home:
                return told(name, Drill(folder, server, home / "home"), baseline)
        return told(name, Drill(folder, server), baseline)


def told(name: str, drill: Drill, baseline: float) -> tuple[str, float]:
    what = DRILLS[name](drill)
    lost, again = drill.lost(), drill.again()
    assert lost == 0, f"{name}: {lost} lost, {drill.runs}"
    seconds = sum(run.seconds for run in drill.runs)
    said = next((run.said for run in drill.runs if run.code), "") or " / ".join(drill.told[:1]) or "-"
    codes = ", then ".join(str(run.code) for run in drill.runs)
    more = f"{seconds - baseline:+.0f}" if baseline else f"{seconds:.0f}"
    line = f"| {name}: {what} | {codes} | {shortened(said)} | {lost} of {TEXTS} | {again} of {TEXTS} | {more} |"
    return line, seconds


def shortened(said: str) -> str:
    return said.replace(str(ROOT), "").replace("|", "/")[:260]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=DRILLS, default=list(DRILLS))
    given = parser.parse_args()
    print("| what was done | exit codes | what people were told | rows lost | calls bought again | seconds more |")
    print("|---|---|---|---|---|---|")
    baseline = 0.0
    for name in given.only:
        try:
            line, seconds = drilled(name, baseline)
        except Impossible as why:
            line, seconds = f"| {name} | not done: {why} | | | | |", 0.0
        baseline = baseline or (seconds if name == "undisturbed" else 0.0)
        print(line, flush=True)


if __name__ == "__main__":
    main()
