"""How many prompt tokens a request has, before the server counts them: what is to be expected (for plans and tokens per
minute), and what cannot be exceeded (for reservations of money).

Texts are counted exactly where the model's table of tokens is at hand: the optional package quicktok ships those of
OpenAI's models (tiktoken would fetch them from the network, which must not happen in silence). Otherwise two documented
bounds stand in: byte-level BPE, which all these models use, never makes more tokens than there are bytes.
"""

import importlib
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

from components.chat.picture_tokens import expected_picture, most_picture, size_of
from components.chat.prices import Price
from components.chat.providers import PROVIDERS, endpoint_of, split_model
from components.chat.request import ChatRequest

BYTES_PER_TOKEN = 4
"""English text has about 4.4 bytes per token, JSON fewer; `estimate` corrects it by what the journal saw."""

TOKENS_PER_MESSAGE = 8
"""Role and separators; chat templates use 3 to 6."""

SCHEMA_TOKENS = 64
"""The most that is said around a schema where it has to stand in the prompt (components/chat: "Answer with one JSON
object ..."); in bytes it is about 110."""

REMEMBERED = 4096
"""Counts of long texts that are kept: a system prompt and a rubric come back with every call."""

TABLES = {
    "o200k_base": r"gpt-4o|gpt-4\.1|gpt-4\.5|chatgpt-4o|gpt-5|o1|o3|o4-mini",
    "cl100k_base": r"gpt-4|gpt-4-turbo|gpt-3\.5-turbo",
}
"""Which models use which table: tiktoken/model.py, 0.14.0. Later names (gpt-5.6) are expected to use their family's;
reservations trust the count for the names in `_LISTED` alone."""

_LISTED = re.compile(
    r"(gpt-4o|gpt-4\.1|gpt-4\.5|chatgpt-4o|gpt-5|o1|o3|o4)(-mini|-nano|-pro|-latest|-chat-latest)?(-\d{4}-\d\d-\d\d)?"
    r"|(gpt-4|gpt-4-turbo|gpt-3\.5-turbo)(-\d{4}(-\d\d-\d\d)?)?"
)


class Tokens(NamedTuple):
    expected: int
    most: int


def count(request: ChatRequest, price: Price | None) -> Tokens:
    """Both figures, counted once per request."""
    known = request.__dict__.get("_tokens")
    if known is None or known[0] is not price:
        known = request.__dict__["_tokens"] = (price, _count(request, price))
    found: Tokens = known[1]
    return found


def expected_tokens(request: ChatRequest, price: Price | None) -> int:
    return count(request, price).expected


def most_tokens(request: ChatRequest, price: Price | None) -> int:
    return count(request, price).most


def text_tokens(text: str) -> int:
    """As expected of a model that nobody can count for."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def _count(request: ChatRequest, price: Price | None) -> Tokens:
    model = split_model(request.model)[1] if _is_providers_own(request) else ""
    schema = SCHEMA_TOKENS if request.schema is not None else 0
    beside = TOKENS_PER_MESSAGE * (len(request.messages) + 1) + schema
    expected, most = -(-request.text_bytes // BYTES_PER_TOKEN), request.text_bytes
    table = table_of(model)
    if table is not None:
        texts = sum(exact_tokens(table, text) for text in _texts(request))
        # What a server makes of a schema is not documented: for the most it counts byte by byte.
        said = 0 if request.schema is None else request.text_bytes - sum(_bytes(text) for text in _texts(request))
        expected = texts + said // BYTES_PER_TOKEN
        most = texts + said if _LISTED.fullmatch(model) else most
    if request.pictures:
        sizes = [size_of(part) for part in _pictures(request)]
        expected += sum(expected_picture(model, *size) for size in sizes)
        own = None if price is None else price.picture_tokens
        most += sum(own or most_picture(model, width, height) for width, height, _ in sizes)
    return Tokens(expected + beside, most + beside)


def _is_providers_own(request: ChatRequest) -> bool:
    """A model of the same name at another server may be another, with other tokens."""
    provider = split_model(request.model)[0]
    return provider != "offline" and endpoint_of(request.model, request.endpoint) == PROVIDERS[provider].endpoint


@cache
def table_of(model: str) -> str | None:
    """The name of the model's table where this machine has it."""
    name = next((table for table, names in TABLES.items() if re.match(rf"({names})(?![a-z0-9])", model)), None)
    return name if name is not None and _table(name) is not None else None


@cache
def _table(name: str) -> Any:
    """Opens no connection: the tables are files of the package."""
    try:
        return importlib.import_module("quicktok").get_encoding(name)
    except ImportError:
        return None


def exact_tokens(table: str, text: str) -> int:
    return _remembered(table, text) if len(text) > 200 else _counted(table, text)


@lru_cache(REMEMBERED)
def _remembered(table: str, text: str) -> int:
    return _counted(table, text)


def _counted(table: str, text: str) -> int:
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()  # half of a surrogate pair is sent as "?"
    found: int = _table(table).count(text)
    return found


def _texts(request: ChatRequest) -> Iterator[str]:
    for message in request.messages:
        content = message.get("content")
        if isinstance(content, str):
            yield content
        elif isinstance(content, list | tuple):
            yield from (str(part.get("text", "")) for part in content)


def _pictures(request: ChatRequest) -> Iterator[Mapping[str, Any]]:
    for message in request.messages:
        content = message.get("content")
        if isinstance(content, list | tuple):
            yield from (part for part in content if part.get("type") == "image_url")


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
