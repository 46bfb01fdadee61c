"""Source folder: pictures in a folder and below it, with what stands beside them.

Beside `a.jpg` may lie `a.txt` (its text) and `a.json` (its fields), and one table may name pictures in a column.
Whatever is found becomes an entry or part of one: a picture with its row and sidecars, a row without picture, a stray.
Where they disagree, the sidecars win over the row and the .txt over the .json: the nearer to the picture, the truer.
"""

import json
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path, PureWindowsPath

from components.errors import UserError
from components.items.entries import Entry, Met, make_entry, make_stamp, zone_of
from components.items.files import FileState, Found, file_state, printable, walk
from components.items.readers import SUFFIXES, Table, decode, read_table
from components.items.tables import Uris, check_columns, field_columns, match_columns, pick
from components.items.values import clean_text, is_nothing, shown
from components.specs import DatasetSpec

_TABLES = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_SIDECARS = (".json", ".txt")
Problem = tuple[str, str]


@dataclass(slots=True)
class Beside:
    """The files of a folder by what they are: every file that is no table and no sidecar is taken for a picture, and
    opening it will show whether it is one (many are misnamed)."""

    pictures: list[Found] = field(default_factory=list)
    tables: list[Found] = field(default_factory=list)
    sidecars: dict[str, dict[str, Found]] = field(default_factory=lambda: defaultdict(dict))
    rows: dict[Path, tuple[dict[str, object], Problem | None]] = field(default_factory=dict)
    by_path: dict[str, list[Found]] = field(default_factory=lambda: defaultdict(list))
    by_name: dict[str, list[Found]] = field(default_factory=lambda: defaultdict(list))

    def named(self, folder: Path, text: str) -> list[Found]:
        """The pictures a row can mean: by path from the table's folder, else by name anywhere; one if all is well."""
        relative = PureWindowsPath(text).as_posix()  # takes / and \ alike
        path = os.path.normpath(folder / relative)
        fitting = self.by_path.get(_key(path)) or self.by_name.get(_key(relative.rsplit("/", 1)[-1]), [])
        exact = [found for found in fitting if str(found.path) == path]
        return exact or [found for found in fitting if found.path.name == relative.rsplit("/", 1)[-1]] or fitting


def list_folder(spec: DatasetSpec, met: Met) -> Iterator[Entry]:
    """Entries in the order of the files' names, then the rows of the table that are no picture's only one. All are in
    memory: only the last file shows what stands beside the first."""
    check_columns(spec)
    zone_of(spec)
    root = spec.path.resolve()
    beside = _sort(_files(root))
    table, strays = _picture_table(root, beside.tables, spec)
    loose = _join(table, beside, spec, met) if table is not None else []
    entries = [_picture(found, beside, spec, met) for found in beside.pictures]
    keys = {key for found in beside.pictures for key in _sidecar_keys(found.path)}
    orphans = [side for key, pair in beside.sidecars.items() if key not in keys for side in pair.values()]
    entries += [_stray(side, spec, "picture_missing", "no picture of this name stands beside it") for side in orphans]
    entries += [_stray(stray, spec, "not_a_picture", "a table without a column of pictures") for stray in strays]
    if not entries and not loose:
        raise UserError(f"dataset.path: {root} has no pictures")
    return chain(sorted(entries, key=lambda entry: entry.source_uri), loose)


def _files(root: Path) -> Iterable[Found]:
    if root.is_dir():
        return walk(root)
    if not root.exists():
        raise UserError(f"dataset.path: {root} does not exist; name a folder of pictures")
    if root.suffix.lower() in _TABLES:
        raise UserError(f"dataset.path: {root} is a table; use its kind as dataset.source, or name its folder")
    files = {root, *(Path(key + suffix) for key in _sidecar_keys(root) for suffix in _SIDECARS)}
    return [Found(path, file_state(path, path.stat())) for path in sorted(files) if path.is_file()]


def _sort(files: Iterable[Found]) -> Beside:
    beside = Beside()
    for found in files:
        stem, suffix = str(found.path.with_suffix("")), found.path.suffix
        if suffix.lower() in _TABLES:
            beside.tables.append(found)
        elif suffix.lower() in _SIDECARS:
            beside.sidecars[stem][suffix.lower()] = found
        else:
            beside.pictures.append(found)
            beside.by_path[_key(str(found.path))].append(found)
            beside.by_name[_key(found.path.name)].append(found)
    return beside


def _picture_table(root: Path, files: list[Found], spec: DatasetSpec) -> tuple[Table | None, list[Found]]:
    """The one table that names pictures, and the tables that do not."""
    read = [(found, read_table(found.path)) for found in files]
    naming = [(found, table) for found, table in read if "image" in match_columns(table.columns, spec)]
    if len(naming) > 1:
        raise UserError(
            f"dataset.path: {len(naming)} tables in {root} name pictures "
            f"({', '.join(found.path.name for found, _ in naming)}); keep one"
        )
    table = naming[0][1] if naming else None
    return table, [found for found, other in read if other is not table]


def _join(table: Table, beside: Beside, spec: DatasetSpec, met: Met) -> list[Entry]:
    """Gives each picture its row; returns the entries of the other rows: a second one for a picture, one whose picture
    nobody has, one without a picture."""
    columns, uris, zone = field_columns(table, spec), Uris(table.path), zone_of(spec)
    loose: list[Entry] = []
    for row in table.rows:
        values, problem, picture = pick(row, columns), row.problem, None
        where = f"{table.path.name} row {row.number}"
        named = clean_text(values.get("image"))
        fitting = beside.named(table.path.parent, named) if named else []
        if len(fitting) == 1 and fitting[0].path not in beside.rows:
            beside.rows[fitting[0].path] = values, problem and (problem[0], f"{where}: {problem[1]}")
            continue
        if len(fitting) == 1:
            picture = _usable(fitting[0])
        elif fitting:
            detail = f"{len(fitting)} pictures are called {shown(named)}; give its path"
            problem = problem or ("ambiguous_picture", detail)
        uri = uris.name(row, clean_text(values.get("source_id")))
        loose.append(
            make_entry(
                values, spec=spec, zone=zone, source_uri=uri, where=where, picture=picture, problem=problem, met=met
            )
        )
    return loose


def _picture(found: Found, beside: Beside, spec: DatasetSpec, met: Met) -> Entry:
    row, problem = beside.rows.get(found.path, ({}, None))
    values = dict(row)
    for key in _sidecar_keys(found.path):
        for side in (beside.sidecars[key][suffix] for suffix in _SIDECARS if suffix in beside.sidecars.get(key, {})):
            try:
                fields = _read_sidecar(side.path, spec)
            except (OSError, ValueError, RecursionError, UserError) as error:
                problem = problem or ("bad_sidecar", f"{printable(side.path)}: {' '.join(str(error).split())}")
                continue
            values |= {name: value for name, value in fields.items() if not is_nothing(value)}
    picture = _usable(found)
    if picture is None:
        problem = found.problem or ("bad_name", f"{printable(found.path)}: its name is not UTF-8; rename it")
    values.setdefault("image", found.path.name if picture else printable(found.path.name))
    return make_entry(
        values,
        spec=spec,
        zone=zone_of(spec),
        source_uri=printable(found.path),
        picture=picture,
        problem=problem,
        met=met,
    )


def _read_sidecar(path: Path, spec: DatasetSpec) -> dict[str, object]:
    text = decode(path.read_bytes(), path)
    if path.suffix.lower() == ".txt":
        return {"text": text}
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise ValueError("is not a JSON object")
    names = match_columns(fields, spec)
    return {name: fields[column] for name, column in names.items() if name != "image" and column in fields}


def _stray(found: Found, spec: DatasetSpec, reason: str, detail: str) -> Entry:
    uri = printable(found.path)
    problem = found.problem or (reason, f"{uri}: {detail}")
    return Entry(source_uri=uri, stamp=make_stamp(spec, problem, found.state), problem=problem)


def _usable(found: Found) -> tuple[str, FileState] | None:
    """None for what cannot be looked at, and for a name that no table could store."""
    path = str(found.path)
    return (path, found.state) if found.state is not None and printable(path) == path else None


def _sidecar_keys(path: Path) -> tuple[str, str]:
    """a.jpg has a.txt or a.jpg.txt."""
    return str(path.with_suffix("")), str(path)


def _key(text: str) -> str:
    """NFC without case: macOS stores é as two characters, cameras write IMG_1.JPG."""
    return unicodedata.normalize("NFC", text).casefold()
