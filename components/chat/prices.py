"""What a call costs: reads prices.yaml beside this file and, laid over it model by model, the user's own list.

Prices are list prices. A model that is in neither list, or that another server answers under a listed name, has an
unknown price: None, never 0. The date of the list is kept with every call, so a later list rewrites no history.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from components.chat.providers import PROVIDERS, endpoint_of, split_model
from components.errors import UserError

FILE = Path(__file__).with_name("prices.yaml")
MILLION = 1_000_000
BATCH = 0.5
"""Of every list price, at the provider's own Batch API: developers.openai.com/api/docs/pricing, as read on 2026-08-27
by github.com/api-evangelist/openai."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the server counted them; `cached` and `written` are parts of `input`, `reasoning` is part of `output`
    and costs what output costs."""

    input: int
    output: int
    cached: int = 0
    written: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per 1,000,000 tokens. `picture_tokens`: the most of one picture, where that is known better than by the rules
    of picture_tokens.py. Batch prices are `batch_factor` times the others, but for those that are given."""

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    picture_tokens: int | None = None
    batch_factor: float | None = None
    batch_input: float | None = None
    batch_output: float | None = None
    batch_cached_input: float | None = None
    date: str

    @property
    def batch(self) -> "Price | None":
        """What a call costs in a batch; None where the provider has none, or it is not known what they cost."""
        factor = self.batch_factor
        if factor is None and (self.batch_input is None or self.batch_output is None):
            return None

        def of(given: float | None, listed: float | None) -> float | None:
            return given if given is not None or listed is None or factor is None else listed * factor

        return Price(
            input=of(self.batch_input, self.input) or 0.0,
            output=of(self.batch_output, self.output) or 0.0,
            cached_input=of(self.batch_cached_input, self.cached_input),
            cache_write=of(None, self.cache_write),
            picture_tokens=self.picture_tokens,
            date=self.date,
        )

    def cost(self, usage: Usage) -> float:
        """USD. A cached token without a cached price costs what input costs."""
        cached = min(usage.cached, usage.input)
        written = min(usage.written, usage.input - cached)
        return (
            (usage.input - cached - written) * self.input
            + cached * (self.input if self.cached_input is None else self.cached_input)
            + written * (self.input if self.cache_write is None else self.cache_write)
            + usage.output * self.output
        ) / MILLION

    def most(self, input_tokens: int, output_tokens: int) -> float:
        """USD: no call with so many tokens can cost more."""
        dearest = max(self.input, self.cached_input or 0.0, self.cache_write or 0.0)
        return (input_tokens * dearest + output_tokens * self.output) / MILLION


def price_of(model: str, endpoint: str | None = None, prices: Path = FILE) -> Price | None:
    """None where neither the list `prices` (which need not exist) nor the shipped one tells: an unknown name, or
    another server than the provider's own."""
    provider, _ = split_model(model)
    if provider == "offline":
        return Price(input=0.0, output=0.0, date=_load(FILE)[0])
    url = endpoint_of(model, endpoint)
    name = model if url == PROVIDERS[provider].endpoint else f"{model}@{url}"
    undated = re.sub(r"-\d{4}-\d{2}-\d{2}(?=@|$)", "", name)
    for file in lists(prices):
        date, listed = _load(file)
        given = listed.get(name) or listed.get(undated)
        if given is not None:
            return _price(name, given, date)
    return None


def lists(prices: Path) -> list[Path]:
    """The user's own list first, where there is one."""
    return [file for file in dict.fromkeys((prices, FILE)) if file == FILE or file.exists()]


def _price(name: str, given: Mapping[str, Any], date: str) -> Price:
    rest = {field: value for field, value in given.items() if field != "batch"}
    return Price(date=date, batch_factor=given.get("batch", None if "@" in name else BATCH), **rest)


def require_price(model: str, endpoint: str | None, allow_unpriced: bool, prices: Path = FILE) -> Price | None:
    price = price_of(model, endpoint, prices)
    if price is None and not allow_unpriced:
        at = f" at {endpoint}" if endpoint else ""
        raise UserError(
            f"the price of {model}{at} is unknown, so no budget could hold: add it to {prices}, "
            "or set `budget.allow_unpriced: true` (its cost then reads unknown)"
        )
    return price


def _load(file: Path) -> tuple[str, dict[str, dict[str, Any]]]:
    """The list's date, and the fields of each model; read again when the file has changed."""
    status = file.stat()
    return _read(file, status.st_mtime_ns, status.st_size)


@lru_cache(8)
def _read(file: Path, _changed: int, _size: int) -> tuple[str, dict[str, dict[str, Any]]]:
    text = file.read_text(encoding="utf-8")
    try:
        content = yaml.safe_load(text)
        date, models = str(content["date"]), dict(content["models"])
        for name, given in models.items():
            numbers = vars_of(_price(name, given, date))
            if any(isinstance(n, bool) or not isinstance(n, int | float) or not n >= 0 for n in numbers):
                raise ValueError(f"{name}: a price is a number, 0 or more")
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{file} is no price list: {str(error).splitlines()[0]}") from error
    return date, models


def vars_of(price: Price) -> list[Any]:
    """All numbers of it that are given."""
    return [value for value in (getattr(price, f.name) for f in fields(price) if f.name != "date") if value is not None]
