"""home -> one file or folder that holds all that cannot be had again, as of one moment, while runs go on."""

import io
import json
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.chat.compaction import at_work
from components.errors import HomeUnusable, UserError
from components.keeping.archive import MANIFEST, SUFFIXES, FolderTarget, Target, TarTarget
from components.keeping.contents import LEFT_OUT, WAREHOUSE, parts
from components.keeping.restore import verify
from components.warehouse.store import Store

FORMAT = 1
ADVICE = "free some space or choose another place, and run the same command again"


@dataclass(kw_only=True)
class Backup:
    """What a manifest says: of the home, when; `files`: name -> bytes and SHA-256."""

    format: int = FORMAT
    postwright: str
    schema: int
    home: str
    made_at: str
    left_out: tuple[str, ...] = LEFT_OUT
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return sum(int(file["bytes"]) for file in self.files.values())


def default_name(home: Path, now: datetime) -> str:
    return f"{home.name.lstrip('.') or 'home'}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar.zst"


def back_up(
    home: Path, store: Store, to: Path, version: str, advance: Callable[[int], None] = lambda n: None
) -> Backup:
    """Writes `to`, reads it again, and only then gives it its name. Runs may go on meanwhile, a compaction not.
    UserError where `to` is there or cannot be a backup, HomeUnusable where the disk fails; nothing is left then."""
    is_file = to.name.endswith(SUFFIXES)
    if to.exists():
        raise UserError(f"{to} is there already: choose another name, or move it away")
    if to.suffix and not is_file and to.suffix in (".zip", ".gz", ".zst", ".tgz", ".bz2", ".xz"):
        raise UserError(f"{to.name}: a backup is a .tar.zst or .tar file, or a folder (a name without such an ending)")
    now = datetime.now(UTC)
    schema = store.query("SELECT max(version) AS version FROM migrations")[0]["version"]
    made = Backup(postwright=version, schema=schema, home=str(home), made_at=now.isoformat(timespec="seconds"))
    part, copied = to.with_name(f"{to.name}.part"), to.with_name(f".{to.name}.{secrets.token_hex(4)}.duckdb")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        _remove(part)  # of one that was killed
    except OSError as error:
        raise HomeUnusable(f"cannot write the backup {to}: {error.strerror or error}; {ADVICE}") from error
    try:
        with at_work(home / "calls", wait_s=600):
            store.copy(copied)
            with ExitStack() as closing:
                target: Target = TarTarget(part, closing) if is_file else FolderTarget(part)
                for name, path, size in parts(home, copied):
                    with path.open("rb") as file:
                        made.files[name] = {"bytes": size, "sha256": target.add(name, file, size)}
                    advance(size)
                manifest = json.dumps(asdict(made), indent=1).encode()
                target.add(MANIFEST, io.BytesIO(manifest), len(manifest))
        if is_file:
            with part.open("rb") as file:
                os.fsync(file.fileno())
        verify(part)
        part.rename(to)
    except OSError as error:
        raise HomeUnusable(f"cannot write the backup {to}: {error.strerror or error}; {ADVICE}") from error
    finally:
        copied.unlink(missing_ok=True)
        _remove(part)
    assert WAREHOUSE in made.files
    return made


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
