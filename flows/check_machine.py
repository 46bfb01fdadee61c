"""`postwright doctor`: what this machine has and lacks, without loading anything heavy or asking the network."""

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from components.errors import PostwrightError
from flows.settings import Settings, api_key

PACKAGES = (
    "prefect",
    "fastapi",
    "torch",
    "torchvision",
    "transformers",
    "open_clip_torch",
    "openai",
    "duckdb",
    "great_expectations",
    "pandas",
    "pillow",
)
FREE_GB = 2
"""A home of some thousand items, its journal and its reports stay below this."""


@dataclass(frozen=True)
class Finding:
    """`broken`: no run can work; `note`: something a user may want to know."""

    name: str
    state: Literal["good", "note", "broken"]
    detail: str


def check_machine(settings: Settings) -> list[Finding]:
    """Python, packages, memory, disk, GPU, home, models, keys, Prefect."""
    return [
        python(),
        *packages(),
        cores(),
        disk(settings),
        gpu(),
        home(settings),
        *model_sets(settings),
        key(),
        server(),
    ]


def python() -> Finding:
    good = (3, 11) <= sys.version_info[:2] < (3, 14)
    return Finding("python", "good" if good else "broken", f"{platform.python_version()} on {platform.machine()}")


def packages() -> list[Finding]:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    findings = [Finding("packages", "good", ", ".join(found))]
    if missing:
        findings.append(Finding("packages", "broken", f"missing: {', '.join(missing)}; run: make .venv/ready"))
    return findings


def cores() -> Finding:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    return Finding("cores", "good" if memory >= 4 else "note", f"{os.cpu_count()} cores, {memory:.0f} GiB of memory")


def disk(settings: Settings) -> Finding:
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(place).free / 1e9
    return Finding("disk", "good" if free >= FREE_GB else "note", f"{free:.0f} GB free at {place}")


def gpu() -> Finding:
    # Asking torch would load it, which takes seconds; the driver's own tool answers at once.
    if shutil.which("nvidia-smi"):
        return Finding("gpu", "good", "an NVIDIA driver is installed; models run on cuda")
    return Finding("gpu", "note", "none; models run on the CPU in float32")


def home(settings: Settings) -> Finding:
    try:
        settings.prepare()
    except PostwrightError as error:
        return Finding("home", "broken", str(error))
    return Finding("home", "good", str(settings.home))


def model_sets(settings: Settings) -> list[Finding]:
    from components.features import describe_model_sets

    findings = []
    for model_set in describe_model_sets(settings.models):
        missing = [part["part"] for part in model_set["parts"] if not part["there"]]
        detail = (
            f"without {', '.join(missing)}; run: postwright models fetch {model_set['name']}" if missing else "complete"
        )
        state: Literal["good", "note"] = "note" if missing else "good"
        findings.append(Finding(f"models {model_set['name']}", state, detail))
    return findings


def key() -> Finding:
    there = api_key("OPENAI_API_KEY") is not None
    return Finding(
        "OPENAI_API_KEY", "good" if there else "note", "set" if there else "not set; offline models need none"
    )


def server() -> Finding:
    url = os.environ.get("PREFECT_API_URL")
    return Finding("prefect", "good", f"server at {url}" if url else "no server configured; runs start one in process")
