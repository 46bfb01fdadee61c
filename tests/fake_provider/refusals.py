"""What a model that lacks something says: OpenAI's own words for the parameters that its models refuse."""

import json
from collections.abc import Mapping
from typing import Any

from tests.fake_provider.responses import KNOWN

_CHAT_WORDS = {
    "temperature": (
        "Unsupported value: 'temperature' does not support {value} with this model. "
        "Only the default (1) value is supported.",
        "unsupported_value",
    ),
    "max_tokens": (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "unsupported_parameter",
    ),
}


def refusal(name: str, body: Mapping[str, Any], by_responses: bool) -> dict[str, Any]:
    """The error object of the 400 for a parameter, or a reply format, that the model does not take."""
    place = "text.format" if by_responses else "response_format"
    if name.startswith("json_"):
        said = f"Invalid parameter: '{place}' of type '{name}' is not supported with this model."
        return _error(said, place, None)
    if by_responses:
        name = {"response_format": place, "reasoning_effort": "reasoning.effort"}.get(name, name)
        if name.partition(".")[0] not in KNOWN:
            return _error(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        return _error(f"Unsupported parameter: '{name}' is not supported with this model.", name, None)
    if name in _CHAT_WORDS:
        words, code = _CHAT_WORDS[name]
        return _error(words.format(value=body.get(name)), name, code)
    return _error(f"Unrecognized request argument supplied: {name}", None, None)


def _error(message: str, param: str | None, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def json_unsaid(body: Mapping[str, Any], by_responses: bool) -> dict[str, Any] | None:
    """OpenAI's refusal of json_object where no message says JSON; `body` is of chat completions."""
    asked = (body.get("response_format") or {}).get("type") == "json_object"
    if not asked or "json" in json.dumps(body["messages"]).lower():
        return None
    if by_responses:
        said = "Response input messages must contain the word 'json' in some form to use 'text.format' of type"
        return _error(f"{said} 'json_object'.", "input", None)
    said = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
    return _error(said, "messages", None)
