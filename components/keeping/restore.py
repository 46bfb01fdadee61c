"""A backup -> a home, verified file by file, or nothing."""

import json
import secrets
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.errors import HomeUnusable, UserError
from components.keeping.archive import MANIFEST, digest, files_in, store
from components.warehouse.schema import newest_schema

DAMAGED = (tarfile.TarError, EOFError, ValueError, KeyError)


def verify(place: Path) -> dict[str, Any]:
    """Reads a backup as a whole; returns its manifest, raises UserError where it is not what that says."""
    return _checked(place, digest)


def restore(place: Path, home: Path) -> dict[str, Any]:
    """Make `home` of a backup; returns the manifest. UserError, and nothing is there, where the home has anything in it
    or the backup is damaged; HomeUnusable where the disk fails."""
    if not place.exists():
        raise UserError(f"there is no backup {place}")
    if home.is_symlink() or (home.exists() and (not home.is_dir() or any(home.iterdir()))):
        raise UserError(f"the home {home} has something in it: restore into a new one, with --home")
    made = home.with_name(f".{home.name}.restoring-{secrets.token_hex(4)}")
    try:
        made.mkdir(parents=True)
        manifest = _checked(place, lambda file, size: "", made)
        made.rename(home)  # an empty folder of that name gives way
    except OSError as error:
        raise HomeUnusable(f"cannot restore into {home}: {error.strerror or error}; choose another --home") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return manifest


def _checked(place: Path, read: Callable[[Any, int], str], into: Path | None = None) -> dict[str, Any]:
    """Each file's hash by `read` or, with `into`, by writing it there, against the manifest's."""
    found: dict[str, dict[str, Any]] = {}
    manifest: dict[str, Any] | None = None
    try:
        for name, file, size in files_in(place):
            if name == MANIFEST:
                manifest = json.loads(file.read())
            else:
                sha256 = read(file, size) if into is None else store(into / name, file, size)
                found[name] = {"bytes": size, "sha256": sha256}
        if manifest is None:
            raise UserError(f"{place} is no whole backup: it has no {MANIFEST}")
        if manifest["format"] != 1:
            raise UserError(f"{place} was made by postwright {manifest['postwright']}: update postwright")
        if manifest["schema"] > newest_schema():
            raise UserError(f"{place} was made by a newer postwright (schema {manifest['schema']}); update postwright")
        expected = manifest["files"]
    except DAMAGED as error:
        raise UserError(f"{place} is damaged, or no backup of postwright ({error}); take another one") from error
    except OSError as error:
        if into is not None and error.errno is not None:
            raise  # the disk that it is written to
        raise UserError(f"{place} is damaged, or no backup of postwright ({error}); take another one") from error
    wrong = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
    if wrong:
        raise UserError(f"{place} is damaged: {', '.join(wrong[:3])}{' ...' if len(wrong) > 3 else ''} differ")
    return manifest
