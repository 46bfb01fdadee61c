"""The registry of sources: to add one, write a module that lists entries and add its line here and in DatasetSpec."""

from collections.abc import Callable, Iterator, Mapping

from components.errors import UserError
from components.items.entries import Entry, Met
from components.items.folder import list_folder
from components.items.instagram import list_instagram
from components.items.tables import list_table
from components.items.x_export import list_x_export
from components.specs import DatasetSpec

SOURCES: Mapping[str, Callable[[DatasetSpec, Met], Iterator[Entry]]] = {
    "folder": list_folder,
    "csv": list_table,
    "jsonl": list_table,
    "parquet": list_table,
    "x_export": list_x_export,
    "instagram": list_instagram,
}


def list_entries(spec: DatasetSpec, met: Met = frozenset()) -> Iterator[Entry]:
    """Every input of the dataset, in a stable order, without opening a picture. UserError when there is none or where
    the source is wrong as a whole: before the first entry, unless a file breaks meanwhile or a page of parquet is
    damaged. Those in `met` have their name and stamp alone, and a problem where no row had to be made out to see it."""
    if spec.source not in SOURCES:
        raise UserError(f"dataset.source: {spec.source!r} is none of {', '.join(SOURCES)}")
    return SOURCES[spec.source](spec, met)
