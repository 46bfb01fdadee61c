"""Fetches the parts of a model set from the hub, each at its pinned commit, into the models folder.

Read: the hub (the library's own settings name another endpoint or a token). Written: `<folder>/owner--name/revision`,
which appears only when all its files are there: an interrupted fetch goes on where it stopped and is never loaded half.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import UserError
from components.features.model_set import HubPart, Progress, hub_folder, read_model_set

WEIGHTS = {
    "clip": ("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),
    "": ("model.safetensors", "pytorch_model.bin"),
}
"""By preference: safetensors cannot run code. Of the captioner the hub has only the older format, which is read with
`weights_only`."""

logger = logging.getLogger(__name__)


def fetch(models: str, folder: Path, progress: Progress | None = None) -> list[Path]:
    """Gets what is missing of `models` into `folder`; returns the parts' directories. UserError when that fails."""
    chosen = read_model_set(models)
    folders = []
    for name, part in chosen.parts():
        if isinstance(part, HubPart):
            target = hub_folder(part, folder)
            if not target.is_dir():
                _fetch_part(name, part, target, progress)
            folders.append(target)
    return folders


def _fetch_part(name: str, part: HubPart, target: Path, progress: Progress | None) -> None:
    import httpx
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    partial = target.with_name(f"{target.name}.partial")
    what = f"{name}: {part.hub}@{part.revision[:12]}"
    try:
        partial.mkdir(parents=True, exist_ok=True)
        sizes = _files_needed(what, name, part)
        bar = _reporting_bar(_Report(what, sum(sizes.values()), progress))
        for file in sizes:
            hf_hub_download(part.hub, file, revision=part.revision, local_dir=partial, tqdm_class=bar)
        partial.replace(target)
        logger.info("fetched %s to %s", what, target)
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise UserError(f"{what}: the hub has no such repository or commit; correct the model-set file") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx.HTTPError, ConnectionError, TimeoutError) as error:
        reason = _one_line(error)
        raise UserError(f"{what}: the hub cannot be reached ({reason}); try again, what is here is kept") from error
    except OSError as error:
        raise UserError(f"{what}: cannot be written to {target.parent} ({_one_line(error)})") from error


def _files_needed(what: str, name: str, part: HubPart) -> dict[str, int]:
    """Names and sizes of the files that are loaded: configuration, tokenizer, and one format of the weights."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    there = {
        entry.path: entry.size
        for entry in HfApi().list_repo_tree(part.hub, revision=part.revision)
        if isinstance(entry, RepoFile)
    }
    wanted = WEIGHTS.get(name, WEIGHTS[""])
    weights = next((file for file in wanted if file in there), None)
    if weights is None:
        raise UserError(f"{what}: the repository has none of {', '.join(wanted)}; choose another in the model-set file")
    small = sorted(file for file in there if file.endswith((".json", ".txt")) and not file.endswith(".index.json"))
    return {file: there[file] for file in [*small, weights]}


@dataclass
class _Report:
    """Says a line at the start, at every tenth of the bytes, and so at the end."""

    what: str
    total: int
    progress: Progress | None
    done: int = 0
    tenths: int = -1

    def add(self, count: int) -> None:
        self.done = min(self.total, self.done + count)
        tenths = 10 * self.done // max(1, self.total)
        if self.progress and tenths > self.tenths:
            self.tenths = tenths
            self.progress(f"{self.what}: {self.done / 1e6:,.1f} of {self.total / 1e6:,.1f} MB")


def _reporting_bar(report: _Report) -> Any:
    """A progress bar, as the hub's library wants one, that draws nothing and tells `report` the bytes."""
    from tqdm import tqdm  # type: ignore[import-untyped,unused-ignore]

    class Bar(tqdm):  # type: ignore[misc,type-arg,unused-ignore]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": True})
            report.add(int(kwargs.get("initial") or 0))

        def update(self, n: float | None = 1) -> bool | None:
            report.add(int(n or 0))
            return None

    return Bar


def _one_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
