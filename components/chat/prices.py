"""What a call costs: reads prices.yaml beside this file, a dated list that users may edit.

Prices are list prices. A model that is not in the list, or that another server answers under a listed name, has an
unknown price: None, never 0. The date of the list is kept with every call, so a later list rewrites no history.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components.chat.providers import PROVIDERS, endpoint_of, split_model
from components.errors import UserError

FILE = Path(__file__).with_name("prices.yaml")
PICTURE_TOKENS = 1_500
MILLION = 1_000_000


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
    """USD per 1,000,000 tokens."""

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    picture_tokens: int = PICTURE_TOKENS
    date: str

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
    """None where the list `prices` does not tell: an unknown name, or another server than the provider's own."""
    provider, _ = split_model(model)
    date, listed = _load(prices)
    if provider == "offline":
        return Price(input=0.0, output=0.0, date=date)
    url = endpoint_of(model, endpoint)
    name = model if url == PROVIDERS[provider].endpoint else f"{model}@{url}"
    fields = listed.get(name) or listed.get(re.sub(r"-\d{4}-\d{2}-\d{2}(?=@|$)", "", name))
    return None if fields is None else Price(date=date, **fields)


def require_price(model: str, endpoint: str | None, allow_unpriced: bool, prices: Path = FILE) -> Price | None:
    price = price_of(model, endpoint, prices)
    if price is None and not allow_unpriced:
        at = f" at {endpoint}" if endpoint else ""
        raise UserError(
            f"the price of {model}{at} is unknown, so no budget could hold: add it to {prices}, "
            "or set `budget.allow_unpriced: true` (its cost then reads unknown)"
        )
    return price


@cache
def _load(file: Path) -> tuple[str, dict[str, dict[str, Any]]]:
    text = file.read_text(encoding="utf-8")
    try:
        content = yaml.safe_load(text)
        date, models = str(content["date"]), dict(content["models"])
        for fields in models.values():
            Price(date=date, **fields)
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{file} is no price list: {str(error).splitlines()[0]}") from error
    return date, models
