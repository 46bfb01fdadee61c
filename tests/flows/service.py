"""A home that `postwright up` serves, as tests and bench/drill.py meet it: commands in, JSON out, the server's API."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class Service:
    """`env` is what a user's shell would hold."""

    def __init__(self, home: Path, **env: str) -> None:
        foreign = ("PREFECT_", "POSTWRIGHT_", "OPENAI_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        self.home = home
        self.env = (
            clean
            | {
                "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
                "OMP_NUM_THREADS": "1",
                "COLUMNS": "80",
            }
            | env
        )
        self.url = ""
        self.words: tuple[str, ...] = ()
        """Said at every `up`."""

    def postwright(self, *words: str, code: int = 0) -> dict[str, Any]:
        """What the command prints with --json; fails unless it ends with `code`."""
        done = self.process(*words, "--json")
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.logs()}"
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def process(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flows.cli", *words, "--home", str(self.home)],
            env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=500,
        )  # fmt: skip

    def up(self, *words: str) -> dict[str, Any]:
        found = self.postwright("up", *self.words, *words)
        self.url = found["url"]
        return found

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/api{path}", data, {"Content-Type": "application/json"}, method=method
        )
        for _ in range(20):
            try:
                with urllib.request.urlopen(request, timeout=60) as reply:
                    text = reply.read()
                return json.loads(text) if text else None
            except urllib.error.HTTPError as error:
                if error.code != 503:  # SQLite is busy; Prefect's own clients ask again, too
                    raise
                time.sleep(1)
        raise AssertionError(f"{path}: busy for 20 s")

    def deployment(self, name: str) -> Any:
        return self.ask(f"/deployments/name/{name}")

    def start(self, name: str, **parameters: Any) -> str:
        """As *Custom run* in the UI: the deployment's parameters with these laid over them. Returns the run's id."""
        deployment = self.deployment(name)
        body = {"parameters": deployment["parameters"] | parameters, "state": {"type": "SCHEDULED"}}
        return str(self.ask(f"/deployments/{deployment['id']}/create_flow_run", body)["id"])

    def run(self, run_id: str) -> Any:
        return self.ask(f"/flow_runs/{run_id}")

    def ended(self, run_id: str, seconds: float = 240) -> Any:
        """The run, once it has come to an end."""
        wait_until(lambda: self.run(run_id)["state_type"] in FINAL, seconds, lambda: self.told(run_id))
        return self.run(run_id)

    def told(self, run_id: str) -> str:
        """Its log, for messages of failed tests."""
        lines = self.ask("/logs/filter", {"logs": {"flow_run_id": {"any_": [run_id]}}})
        return "\n".join([str(self.run(run_id)["state"]), *(line["message"] for line in lines), self.logs()])

    def logs(self) -> str:
        return "\n".join(file.read_text(errors="replace")[-3000:] for file in (self.home / "service").glob("*.log"))

    def processes(self) -> list[psutil.Process]:
        """All that live for this home."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("POSTWRIGHT_HOME") == str(self.home.resolve()):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def kill(self, *words: str) -> None:
        """kill -9, at one time, of all its processes whose command has one of these words in it."""
        wanted = [one for one in self.processes() if any(word in " ".join(one.cmdline()) for word in words)]
        assert wanted, words
        for process in wanted:
            process.kill()
        psutil.wait_procs(wanted, timeout=10)

    def close(self) -> None:
        """Whatever happened, nothing stays."""
        self.process("down")
        left = self.processes()
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=10)


def wait_until(what: Callable[[], Any], seconds: float, why: Callable[[], str] = lambda: "") -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"it did not come so far in {seconds} s\n{why()}"
        time.sleep(0.1)


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address on this machine, and what was sent there."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", heard
    finally:
        server.shutdown()
