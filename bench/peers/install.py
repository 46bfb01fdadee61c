"""Makes an environment for each peer under .venv-peers/, as their dependencies clash with ours and with each other's.

    python bench/peers/install.py            # all; or `make peers`
    python bench/peers/install.py curator litellm

Needs uv (on the path, or the project's) and a package index. What decides the figures is pinned: the peer and its
transport. Says how long each took and how large it is; one that cannot be installed is named, and the others go on.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".venv-peers"
PEERS = {
    "bare": ["aiohttp==3.14.5", "httpx2==2.16.2", "uvloop==0.23.0"],
    "curator": ["bespokelabs-curator==0.1.31", "litellm==1.83.7", "openai==2.30.0", "aiohttp==3.13.5"],
    # distilabel imports requests without asking for it, now that datasets does without.
    "distilabel": ["distilabel[openai]==1.5.3", "openai==3.52.0", "requests==2.34.2"],
    "dspy": ["dspy==3.4.1", "litellm==1.106.2"],
    "langchain": ["langchain-openai==1.7.3", "openai==3.52.0"],
    # diskcache is for its cache on disk, which the benchmark of crashes goes on from; to read a kept answer it imports
    # fastapi, orjson and soundfile too, which it does not ask for.
    "litellm": [
        "litellm==1.106.2",
        "openai==2.54.0",
        "aiohttp==3.14.5",
        "diskcache==5.6.3",
        "fastapi==0.165.0",
        "orjson==3.13.0",
        "soundfile==0.14.0",
    ],
}
IMPORTS = {
    "bare": "uvloop",
    "curator": "bespokelabs.curator",
    "distilabel": "distilabel.pipeline",
    "langchain": "langchain_openai",
}


def python_of(peer: str) -> Path:
    return HOME / peer / "bin" / "python"


def ready(peer: str) -> bool:
    """Installed, with these pins."""
    told = HOME / peer / "pins"
    return told.exists() and told.read_text() == "\n".join(PEERS[peer])


def install(peer: str) -> str:
    began = time.perf_counter()
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    steps = (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(HOME / peer)],
        [uv, "pip", "install", "--quiet", "--python", str(python_of(peer)), *PEERS[peer]],
        [str(python_of(peer)), "-c", f"import {IMPORTS.get(peer, peer)}"],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, cwd=HOME, env=surroundings(HOME, step[0] == uv))
        if done.returncode:
            return f"not installed: {(done.stderr.strip() or 'no reason given').splitlines()[-1]}"
    (HOME / peer / "pins").write_text("\n".join(PEERS[peer]))
    size = sum(path.stat().st_size for path in (HOME / peer).rglob("*") if path.is_file() and not path.is_symlink())
    return f"installed in {time.perf_counter() - began:.0f} s, {size / 2**20:.0f} MiB"


def surroundings(home: Path, index: bool = False) -> dict[str, str]:
    """What a peer sees: nothing of ours, a home of its own, and switches that keep it from calling elsewhere (price
    lists, hubs, telemetry). Only the installer needs what tells it the `index`."""
    if index:
        return dict(os.environ)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "TELEMETRY_ENABLED": "false", "HF_HUB_OFFLINE": "1"}
    return kept | quiet | {"HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("peers", nargs="*", metavar="PEER", help=f"any of {', '.join(PEERS)}; default: all")
    given = parser.parse_args()
    if unknown := set(given.peers) - set(PEERS):
        parser.error(f"no peer {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    HOME.mkdir(exist_ok=True)
    for peer in given.peers or PEERS:
        print(f"{peer:10} {'ready' if ready(peer) else install(peer)}", flush=True)


if __name__ == "__main__":
    main()
