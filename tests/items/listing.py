"""Lists a source as a first run does, and as a later one that has met some of its inputs."""

from components.items import list_entries
from components.items.entries import Entry
from components.specs import DatasetSpec


def listed(spec: DatasetSpec) -> list[Entry]:
    """The entries. Who has met every other one before lists the same names and stamps, and the rest unchanged."""
    entries = list(list_entries(spec))
    names = [(entry.source_uri, entry.stamp) for entry in entries]
    met = set(names[::2])
    again = list(list_entries(spec, met))
    assert [(entry.source_uri, entry.stamp) for entry in again] == names
    # What is known without making out a row, such as a file that is no picture's, stays with its problem.
    assert all(e.problem or e == Entry(e.source_uri, e.stamp) for e in again if (e.source_uri, e.stamp) in met)
    assert [(e, o) for e, o in zip(again, entries, strict=True) if (o.source_uri, o.stamp) not in met and e != o] == []
    return entries
