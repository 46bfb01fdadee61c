"""What the server says: posts made of the prompt's words, instances of a schema, and how it counts tokens."""

import json
import random
import re
from collections.abc import Mapping
from typing import Any

OPENINGS = ("Look at this:", "Small joys:", "Today's view:", "Nobody told me about", "Slow morning,", "Weekend mood:")
CLOSINGS = ("Who else is in?", "Worth every step.", "Tell me where to go next.", "Saving this one for winter.")


def tokens_of(body: Mapping[str, Any]) -> int:
    """4 bytes each, 100 for a picture."""
    text = json.dumps(body.get("messages"), ensure_ascii=False)
    pictures = re.findall(r'"url": ?"data:[^"]*"', text)
    return -(-len(text.encode()) // 4) - sum(len(picture) // 4 for picture in pictures) + 100 * len(pictures)


def default_reply(body: dict[str, Any]) -> str:
    """A post made of words of the prompt, or an instance of the schema asked for; the same for the same body."""
    dice = random.Random(json.dumps(body, sort_keys=True))
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema") or _schema_in_prompt(body)
    if schema is not None:
        return json.dumps(instance(schema, schema, dice))
    if format_of(body) == "json_object":
        return json.dumps({"answer": dice.randint(1, 10)})
    words = [word for word in dict.fromkeys(re.findall(r"[a-z]{4,12}", _last_text(body).lower()))]
    dice.shuffle(words)
    picked = " ".join(words[:8]) or "a quiet day"
    tag = words[0].capitalize() if words else "Today"
    return f"{dice.choice(OPENINGS)} {picked}. {dice.choice(CLOSINGS)} #{tag}"


def instance(schema: Mapping[str, Any], root: Mapping[str, Any], dice: random.Random) -> Any:
    """A value that the JSON schema allows; the keywords that structured outputs know."""
    if "$ref" in schema:
        target: Any = root
        for step in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target[step]
        return instance(target, root, dice)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return dice.choice(list(schema["enum"]))
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return instance(schema[union][0], root, dice)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: instance(part, root, dice) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        count = max(1, int(schema.get("minItems", 1)))
        return [instance(schema.get("items", {"type": "string"}), root, dice) for _ in range(count)]
    if kind in ("integer", "number"):
        low, high = schema.get("minimum", 1), schema.get("maximum", 10)
        return dice.randint(int(low), int(high))
    if kind == "boolean":
        return dice.random() < 0.5
    return (
        None
        if kind == "null"
        else f"It reads well, {dice.choice(['clear', 'warm', 'vivid', 'plain'])} and to the point."
    )


def _schema_in_prompt(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Where json_schema is not to be had, the client puts the schema into the system prompt."""
    for message in body.get("messages", ()):
        content = message.get("content")
        _, found, rest = content.partition("JSON schema:\n") if isinstance(content, str) else ("", "", "")
        if found:
            schema: dict[str, Any] = json.JSONDecoder().raw_decode(rest)[0]
            return schema
    return None


def format_of(body: Mapping[str, Any]) -> str | None:
    return (body.get("response_format") or {}).get("type")


def _last_text(body: Mapping[str, Any]) -> str:
    content = body["messages"][-1]["content"] if body.get("messages") else ""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content)
