"""Two hosts on one machine: network namespaces on a bridge, each with file systems of its own where it matters.

    store      an S3-compatible server (moto) on the bridge's own address
    publisher  Prefect's server, Dask's scheduler, the flow
    worker     a Dask worker with a home of its own; what the publisher has on its disk is hidden from it

What they share is the program, and the bridge.
"""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ADDRESS = {"store": "10.77.0.1", "publisher": "10.77.0.2", "worker": "10.77.0.3"}
KEYS = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "something", "AWS_DEFAULT_REGION": "us-east-1"}


def why_not() -> str | None:
    """Why there can be no namespaces here."""
    name = f"pw{secrets.token_hex(3)}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"no network namespaces here: {made.stderr.strip() or 'ip netns add failed'}"
    tried = [
        ["ip", "netns", "exec", name, "ip", "link", "add", "br0", "type", "bridge"],
        ["unshare", "--mount", "true"],
    ]
    said = [subprocess.run(command, capture_output=True, text=True, check=False) for command in tried]
    subprocess.run(["ip", "netns", "del", name], check=True)
    return next((f"{one.args[-1]}: {one.stderr.strip()}" for one in said if one.returncode), None)


class TwoHosts:
    """`hidden` is what only the publisher sees. Ends what it has started."""

    def __init__(self, folder: Path, hidden: Sequence[Path]) -> None:
        self.folder, self.hidden = folder, hidden
        tag = secrets.token_hex(2)
        self.names = {host: f"pw{tag}-{host}" for host in ADDRESS}
        self.started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "TwoHosts":
        for host, name in self.names.items():
            self._ip("netns", "add", name)
            self._ip("-n", name, "link", "set", "lo", "up")
            if host == "store":
                self._ip("-n", name, "link", "add", "br0", "type", "bridge")
                self._ip("-n", name, "addr", "add", f"{ADDRESS[host]}/24", "dev", "br0")
                self._ip("-n", name, "link", "set", "br0", "up")
        for host in ("publisher", "worker"):
            name, store = self.names[host], self.names["store"]
            self._ip("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", host, "netns", store)
            self._ip("-n", store, "link", "set", host, "master", "br0", "up")
            self._ip("-n", name, "addr", "add", f"{ADDRESS[host]}/24", "dev", "eth0")
            self._ip("-n", name, "link", "set", "eth0", "up")
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.started):
            process.terminate()
        for process in self.started:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], check=False)

    def environment(self, home: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "POSTWRIGHT"))}
        return {
            **kept, **KEYS, "AWS_ENDPOINT_URL": f"http://{ADDRESS['store']}:5000", "POSTWRIGHT_HOME": home,
            "PREFECT_HOME": f"{home}-prefect", "PREFECT_API_URL": f"http://{ADDRESS['publisher']}:4200/api",
            "POSTWRIGHT_EXCHANGE": "s3://exchange/postwright", "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        }  # fmt: skip

    def command(self, host: str, *words: str) -> list[str]:
        """`words` as that host would run them: the worker without the publisher's files."""
        if host != "worker":
            return ["ip", "netns", "exec", self.names[host], *words]
        hide = " && ".join(f"mount -t tmpfs none '{path}'" for path in self.hidden)
        run = ["unshare", "--mount", "sh", "-c", f'{hide} && exec "$@"', "sh", *words]
        return ["ip", "netns", "exec", self.names[host], *run]

    def start(self, host: str, home: Path, *words: str) -> None:
        log = (self.folder / f"{host}-{len(self.started)}.log").open("wb")
        process = subprocess.Popen(self.command(host, *words), env=self.environment(str(home)), stdout=log, stderr=log)
        self.started.append(process)

    def run(self, host: str, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(host, *words), env=self.environment(str(home)), capture_output=True, text=True, check=False
        )

    def wait_for(self, host: str, url: str, seconds: float = 60) -> None:
        """Until it answers from within that host."""
        asked = f"import urllib.request; urllib.request.urlopen({url!r}, timeout=5).read()"
        end = time.monotonic() + seconds
        while self.run(host, self.folder / "nobody", sys.executable, "-c", asked).returncode:
            if time.monotonic() > end:
                raise TimeoutError(f"{url} does not answer within {seconds} s:\n{self.logs()}")
            time.sleep(0.5)

    def logs(self) -> str:
        return "\n".join(
            f"{path.name}: {path.read_text(errors='replace')[-3000:]}" for path in self.folder.glob("*.log")
        )

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)
