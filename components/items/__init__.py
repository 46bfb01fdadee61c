"""-> item: lists the inputs of a source and reads each into an Item or a Quarantine row."""

from components.items.duplicates import split_duplicates
from components.items.entries import Entry, read_entries
from components.items.pictures import PictureError, jpeg_for_model, open_picture
from components.items.sources import SOURCES, list_entries

__all__ = [
    "SOURCES",
    "Entry",
    "PictureError",
    "jpeg_for_model",
    "list_entries",
    "open_picture",
    "read_entries",
    "split_duplicates",
]
