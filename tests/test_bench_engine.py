"""The benchmark of calls runs with the engine as it is, counts at the server, and names what is not installed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "bench" / "engine.py"), "--calls", "40", "--latency", "0.01", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=200)


@pytest.mark.slow
def test_engine_and_openai_make_every_call_once_at_either_server(tmp_path: Path) -> None:
    for server, names in {"quick": ["engine", "openai on aiohttp"], "fake": ["engine"]}.items():
        figures = tmp_path / f"{server}.json"
        told = ["--rounds", "1", "--in-flight", "8", "--server", server]
        done = bench(*told, "--json", str(figures), "--only", *names)
        assert done.returncode == 0, done.stderr
        (result,) = json.loads(figures.read_text())["results"]
        assert list(result["runs"]) == names
        for (run,) in result["runs"].values():
            counted: dict[str, Any] = {name: run.get(name) for name in ("requests", "distinct", "texts")}
            assert counted == {"requests": 40, "distinct": 40, "texts": 40}, run
            assert 1 < run["peak_in_flight"] <= 8 and run["seconds"] >= 40 / 8 * 0.01 and run["cpu_s"] > 0
        assert done.stdout.count("| 40; ") == len(names)


def test_a_peer_that_is_not_installed_is_named_with_what_installs_it() -> None:
    code = """import sys; sys.path.insert(0, "bench")
import peers.install, pathlib; peers.install.HOME = pathlib.Path("/nowhere")
sys.argv = ["engine.py", "--only", "curator"]
import engine; engine.main()"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout == "missing: curator (python bench/peers/install.py curator)\n" and done.returncode == 2
