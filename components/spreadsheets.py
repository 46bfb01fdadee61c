"""CSV cells that spreadsheets show as they are, and do not compute."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a text that begins so for something to compute."""


def guarded(text: str) -> str:
    """With an apostrophe before what would be computed; `unguarded` gives the text back."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA) else cell
