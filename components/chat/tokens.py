"""How many prompt tokens a request has, before the server counts them.

tiktoken would need a download for its tables, so two documented bounds stand in: what is to be expected (for plans and
tokens per minute) and what can not be exceeded (for reservations of money). Byte-level BPE, which all these models use,
never makes more tokens than there are bytes.
"""

from components.chat.prices import PICTURE_TOKENS, Price
from components.chat.request import ChatRequest

BYTES_PER_TOKEN = 4
"""English text has about 4.4 bytes per token, JSON fewer; `estimate` corrects it by what the journal saw."""

TOKENS_PER_MESSAGE = 8
"""Role and separators; chat templates use 3 to 6."""


def text_tokens(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def expected_tokens(request: ChatRequest, price: Price | None) -> int:
    return -(-request.text_bytes // BYTES_PER_TOKEN) + _beside_text(request, price)


def most_tokens(request: ChatRequest, price: Price | None) -> int:
    return request.text_bytes + _beside_text(request, price)


def _beside_text(request: ChatRequest, price: Price | None) -> int:
    per_picture = PICTURE_TOKENS if price is None else price.picture_tokens
    return TOKENS_PER_MESSAGE * (len(request.messages) + 1) + per_picture * request.pictures
