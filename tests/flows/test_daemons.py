"""Processes that outlive their command, and pid files that outlive their processes."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from flows.daemons import LARGEST_LOG, MARK, Daemon

SLEEPS = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon("sleeper", tmp_path / "service")


def said(daemon: Daemon, word: str) -> None:
    end = time.monotonic() + 20
    while not daemon.log.exists() or word not in daemon.log.read_text():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_one_that_runs_is_known_again_and_stopped(daemon: Daemon) -> None:
    assert daemon.running() is None and daemon.stop(1) == "not running"
    pid = daemon.start(SLEEPS, dict(os.environ), port=4200)
    kept = daemon.running()
    assert kept is not None and (kept["pid"], kept["port"]) == (pid, 4200)
    said(daemon, "here")
    assert daemon.stop(10) == "stopped"
    assert daemon.running() is None and not daemon.pid_file.exists() and not psutil.pid_exists(pid)
    assert daemon.last_lines() == "here"


def test_one_that_was_killed_or_will_not_listen_is_gone_afterwards(daemon: Daemon) -> None:
    pid = daemon.start(SLEEPS, dict(os.environ))
    psutil.Process(pid).kill()
    end = time.monotonic() + 10
    while daemon.running() is not None:
        assert time.monotonic() < end, "a zombie is no process"
        time.sleep(0.01)
    daemon.start(DEAF, dict(os.environ))
    said(daemon, "deaf")
    assert daemon.stop(0.2) == "killed" and daemon.running() is None


def test_a_stale_pid_file_means_nobody_and_whoever_has_the_pid_now_is_left_alone(daemon: Daemon) -> None:
    daemon.folder.mkdir()
    sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(sleeps, env={**os.environ, MARK: "x"}) as other:
        foreign = json.dumps({"pid": other.pid, "mark": "y"})
        for text in (foreign, '{"pid": 12', "[]", '{"pid": "twelve", "mark": "y"}', ""):
            daemon.pid_file.write_text(text)
            assert daemon.running() is None
            assert daemon.stop(1) == "not running" and other.poll() is None
        other.kill()


def test_a_large_log_is_set_aside_also_while_its_process_writes(daemon: Daemon) -> None:
    earlier = daemon.log.with_suffix(".log.1")
    daemon.folder.mkdir()
    daemon.log.write_bytes(b"old\n" * (LARGEST_LOG // 4 + 1))
    daemon.start([sys.executable, "-uc", "import time\nwhile True: print('here'); time.sleep(0.01)"], dict(os.environ))
    said(daemon, "here")
    assert daemon.log.read_text().startswith("here\n") and earlier.read_bytes().startswith(b"old\n")
    with daemon.log.open("ab") as log:
        log.write(b"\nlarge" * (LARGEST_LOG // 6 + 1))
    daemon.bound_log()
    said(daemon, "here")
    assert daemon.log.stat().st_size < LARGEST_LOG and set(daemon.log.read_text().split()) == {"here"}
    assert earlier.read_bytes().startswith(b"here\n") and b"old" not in earlier.read_bytes()
    daemon.stop(10)


def test_one_that_was_started_in_the_background_of_a_script_hears_interrupts(tmp_path: Path) -> None:
    code = f"""
import os, signal, sys
from pathlib import Path
from flows.daemons import Daemon
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does
heard = "import signal; print('hears' if signal.getsignal(2) is signal.default_int_handler else 'is deaf', flush=True)"
Daemon("sleeper", Path({str(tmp_path)!r})).start([sys.executable, "-c", heard], dict(os.environ))
assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], timeout=60)
    said(Daemon("sleeper", tmp_path), "hears")
