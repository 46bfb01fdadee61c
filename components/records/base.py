"""What every row has: fields that are columns, and an id by content."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def content_id(*parts: object) -> str:
    """20 hex digits (80 bits) over the JSON of `parts`: at 10^8 rows a collision has a chance of about 4e-9."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def storable(text: str) -> str:
    """`text` with U+FFFD where half of a surrogate pair or NUL stands."""
    return text if text.isprintable() else _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A row of the warehouse; field names are column names."""

    def row(self) -> dict[str, Any]:
        """As it can be stored: no column takes half of a surrogate pair, which JSON of a server can hold."""
        # dataclasses.asdict copies every value, and takes ten times as long.
        values = ((name, getattr(self, name)) for name in self.__dataclass_fields__)
        return {name: storable(value) if isinstance(value, str) else value for name, value in values}
