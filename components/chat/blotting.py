"""Takes the account's key out of what a server said, in every form in which it may have said it.

Servers echo keys ("Incorrect API key provided: ..."), and what they echo would stand in the journal, in posts and in
logs. A key in JSON is escaped, in an address it is percent-encoded, and a proxy may show a header in base64: one
replacement of the plain text would miss those.
"""

import base64
import json
from functools import lru_cache
from urllib.parse import quote, quote_plus

SHORTEST_SECRET = 8
"""Shorter keys are words that occur by chance; local servers are given "none" or "test"."""
BLOT = "[key]"


def blotted(text: str, secret: str | None) -> str:
    """`text` with `[key]` for every form of the secret; the same string where it holds none."""
    for form in forms(secret):
        if form in text:
            text = text.replace(form, BLOT)
    return text


def blotted_cut(text: str, secret: str | None) -> str:
    """The same for a text that was cut, "..." behind it or not: within the secret, it may be, whose beginning is as
    little for others."""
    text = blotted(text, secret)
    body = text.removesuffix("...")
    for form in forms(secret):
        for length in range(len(form) - 1, SHORTEST_SECRET - 1, -1):
            if body.endswith(form[:length]):
                return body[:-length] + BLOT + text[len(body) :]
    return text


def blotted_json(line: bytes, secret: str | None) -> bytes:
    """The same for a line of JSON whose strings may hold any of the forms, and so escape them once more."""
    for form in _forms_in_json(secret):
        if form in line:
            line = line.replace(form, BLOT.encode())
    return line


@lru_cache(maxsize=16)
def forms(secret: str | None) -> tuple[str, ...]:
    """How a text may hold the secret, longest first; none for a secret that is no secret."""
    if not secret or len(secret) < SHORTEST_SECRET:
        return ()
    found = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
    found |= {_escaped(secret), _escaped(secret).replace("/", "\\/")}
    for before in range(3):  # base64 of a text that holds it begins at one of three places in a group
        code = base64.b64encode(b"\0" * before + secret.encode()).decode()
        whole = code[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        found |= {whole, whole.replace("+", "-").replace("/", "_")}
    return tuple(sorted(found, key=len, reverse=True))


@lru_cache(maxsize=16)
def _forms_in_json(secret: str | None) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(_escaped(form).encode() for form in forms(secret)))


def _escaped(text: str) -> str:
    return json.dumps(text)[1:-1]
