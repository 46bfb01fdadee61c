"""How a JSON schema of the reply is asked for where the endpoint has structured outputs, and in words where not."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

LADDER = ("json_schema", "json_object", "text")
"""Ways to ask, best first; below the top the schema stands in the system prompt instead."""


def named(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as structured outputs take it; a name has up to 64 letters, digits, _ and -."""
    title = "".join(
        sign if sign.isascii() and (sign.isalnum() or sign in "_-") else "_" for sign in str(schema.get("title", ""))
    )
    return {"name": title[:64] or "reply", "schema": schema, "strict": True}


def asked_in_words(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The messages with the schema in the system prompt. It says JSON: OpenAI refuses json_object where no message
    does, and `instructions` of the Responses API would not count."""
    wish = f"Answer with one JSON object and nothing else. It follows this JSON schema:\n{json.dumps(schema)}"
    first = messages[0] if messages else {}
    if first.get("role") == "system" and isinstance(first.get("content"), str):
        return [{**first, "content": f"{first['content']}\n\n{wish}"}, *messages[1:]]
    return [{"role": "system", "content": wish}, *messages]
