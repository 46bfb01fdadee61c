"""Source tweettopic: TweetTopic (Antypas et al. 2022), single (6 classes) and multi (19, several per tweet).

JSON lines, in files called `.json` (`split_temporal/train_2020.single.json`), later `.jsonl` or parquet:
`{"text": ..., "date": "2021-03-07", "id": ..., "label": 4, "label_name": "sports_&_gaming"}`; in multi `label` is a row
of 0 and 1 and `label_name` a list. Names and addresses are masked as {{USERNAME}}, {{URL}} and {@Display Name@}.
"""

import json
import re
from pathlib import Path

from components.errors import UserError
from components.items.files import printable, walk
from components.items.readers import Row, decode, read_table
from components.items.values import clean_text, shown
from components.learning.sources.entry import LabelledEntry, Maker
from components.learning.spec import LabelledSource

_SUFFIXES = (".json", ".jsonl", ".parquet")
_VERIFIED = re.compile(r"\{@\s*(.+?)\s*@\}")


def list_tweettopic(source: LabelledSource) -> list[LabelledEntry]:
    """The label is of `source.task`, by default of `topic`. Name one split's files: the splits overlap."""
    path = source.path.expanduser().resolve()
    if not path.exists():
        raise UserError(f"datasets.path: {path} does not exist; name a file such as train_2020.single.json")
    found = [path] if path.is_file() else [file.path for file in walk(path)]
    files = [file for file in found if file.suffix.lower() in _SUFFIXES and not file.name.startswith("label.")]
    if not files:
        raise UserError(f"datasets.path: {path} has no {', '.join(_SUFFIXES)} file")
    kinds = {kind for kind in (".single.", ".multi.") for file in files if kind in file.name}
    if len(kinds) > 1:
        raise UserError(f"datasets.path: {path} has files of both single and multi; name one file or folder of a kind")
    maker = Maker.of(source)
    return [entry for file in files for entry in _entries(file, source.task or "topic", maker)]


def unmasked(text: str) -> str:
    """Masks as other tweet corpora write them: @user and http, and the plain name of who may be named."""
    plain = text.replace("{{USERNAME}}", "@user").replace("{{URL}}", "http")
    return _VERIFIED.sub(r"\1", plain)


def _entries(file: Path, task: str, maker: Maker) -> list[LabelledEntry]:
    rows = read_table(file).rows if file.suffix.lower() == ".parquet" else _json_lines(file)
    if not any("label_name" in row.values and "text" in row.values for row in rows):
        raise UserError(f"{file}: no line of it has text and label_name; is it a file of TweetTopic?")
    entries = []
    for row in rows:
        values = {
            "text": unmasked(clean_text(row.values.get("text"))),
            "published_at": row.values.get("date"),
            "language": "en",
        }
        name = clean_text(row.values.get("id")) or f"row {row.number}"
        uri = f"{printable(file)}#id={name}" if "id" in row.values else f"{printable(file)}#{row.number}"
        labels = {task: row.values.get("label_name")}
        entries.append(maker.entry(uri, labels, values, problem=row.problem, where=f"row {row.number}"))
    return entries


def _json_lines(file: Path) -> list[Row]:
    text = decode(file.read_bytes(), file)
    rows: list[Row] = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        number = len(rows) + 1
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            rows.append(Row(number, {}, ("bad_row", f"is not JSON ({error})")))
            continue
        is_row = isinstance(value, dict)
        problem = None if is_row else ("bad_row", f"is not a JSON object but {shown(value)}")
        rows.append(Row(number, value if is_row else {}, problem))
    return rows
