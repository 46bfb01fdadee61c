"""OpenAI's Responses interface: a request as its body, an answer as a Reply.

Fields as in https://platform.openai.com/docs/api-reference/responses. Reading never raises, whatever the server sent.
A system prompt stays a message of the input and does not become `instructions`: its place among the messages is part
of the call's key, and servers that only imitate the interface know messages best. Nothing is stored at the server.
"""

from collections.abc import Mapping
from typing import Any

from components.chat.abilities import Abilities
from components.chat.outcome import Status
from components.chat.prices import Usage
from components.chat.providers import split_model
from components.chat.replies import (
    FILTERED,
    Reply,
    error_text,
    invalid,
    parsed,
    read_error,
    shorten,
    unparsed,
    usage_of,
)
from components.chat.request import ChatRequest
from components.chat.schemas import asked_in_words, named
from components.records import storable

PATH = "/responses"

_AGAIN = {"rate_limit_exceeded": Status.rate_limited, "server_error": Status.server_error}
_WRONG = ("image", "base64", "data_residency")


def body(request: ChatRequest, abilities: Abilities) -> dict[str, Any]:
    """As JSON objects; what the endpoint is known to refuse is left out. There is no `seed` in this interface."""
    refused = abilities.refused
    messages: Any = request.messages
    content: dict[str, Any] = {"model": split_model(request.model)[1], "max_output_tokens": request.max_output_tokens}
    if "store" not in refused:
        content["store"] = False
    if request.temperature is not None and "temperature" not in refused:
        content["temperature"] = request.temperature
    if request.reasoning_effort is not None and "reasoning_effort" not in refused:
        content["reasoning"] = {"effort": request.reasoning_effort}
    if request.schema is not None:
        if abilities.reply_format == "json_schema":
            content["text"] = {"format": {"type": "json_schema", **named(request.schema)}}
        else:
            messages = asked_in_words(messages, request.schema)
            if abilities.reply_format == "json_object":
                content["text"] = {"format": {"type": "json_object"}}
    content["input"] = [_item(message) for message in messages]
    return content


def _item(message: Mapping[str, Any]) -> dict[str, Any]:
    parts = message.get("content")
    if not isinstance(parts, list | tuple):
        return dict(message)
    kind = "output_text" if message.get("role") == "assistant" else "input_text"
    return {**message, "content": [_part(part, kind) for part in parts]}


def _part(part: Mapping[str, Any], kind: str) -> dict[str, Any]:
    if part.get("type") == "image_url":
        picture = part["image_url"]
        return {"type": "input_image", "image_url": picture["url"], "detail": picture.get("detail", "auto")}
    return {"type": kind, "text": part["text"]} if part.get("type") == "text" else dict(part)


def read(http_status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    if http_status != 200:
        return read_error(http_status, headers, body)
    content = parsed(body)
    if not isinstance(content, dict):
        return invalid(f"the reply is no JSON object: {shorten(unparsed(body))}", unparsed(body), None)
    usage = usage_of(content, "input", "output")
    state, error = content.get("status"), content.get("error")
    if state == "failed" or (isinstance(error, dict) and not content.get("output")):
        return _failed(content, error if isinstance(error, dict) else {}, usage)
    if not isinstance(content.get("output"), list) or state not in (None, "completed", "incomplete"):
        said = error_text(content) or shorten(unparsed(body))
        return invalid(f"the reply has no output (status {state}): {said}", content, usage)
    text, refusal = _said(content["output"])
    why = content.get("incomplete_details")
    reason = why.get("reason") if state == "incomplete" and isinstance(why, dict) else None
    detail: str | None = None
    if refusal:
        status, text, detail = Status.refusal, None, shorten(refusal)
    elif reason == "content_filter":
        status, text, detail = Status.content_filter, None, "the endpoint's filter cut the reply"
    elif reason == "max_output_tokens":
        status, detail = Status.truncated, "cut at max_output_tokens"
    elif state == "incomplete" or text is None or not text.strip():
        return invalid(f"the reply is empty or not whole (status {state}, reason {reason})", content, usage)
    else:
        status = Status.ok
    return Reply(status=status, text=text, detail=detail, usage=usage, billed=True, http_status=200, raw=content)


def _failed(content: dict[str, Any], error: Mapping[str, Any], usage: Usage | None) -> Reply:
    """A 200 whose response failed: by its error code, as a refusal of the same name would be by its status."""
    code = str(error.get("code"))
    if code in FILTERED:
        status = Status.content_filter
    elif any(word in code for word in _WRONG):
        status = Status.bad_request
    else:
        status = _AGAIN.get(code, Status.server_error)
    detail = f"the response failed ({code}): {error_text(content) or 'no explanation'}"
    billed = None if usage is None else True
    return Reply(status=status, detail=detail, usage=usage, billed=billed, http_status=200, raw=content)


def _said(output: list[Any]) -> tuple[str | None, str]:
    """The text of all messages, None where there is none, and the refusal. Reasoning items are no answer, and nor is a
    model's commentary on its own work where an answer follows it."""
    messages = [item for item in output if isinstance(item, dict) and item.get("type") == "message"]
    messages = [message for message in messages if message.get("phase") != "commentary"] or messages
    texts, refusals = [], []
    for message in messages:
        parts = message.get("content")
        for part in parts if isinstance(parts, list) else ():
            if not isinstance(part, dict):
                continue
            if part.get("type") == "output_text" and isinstance(part.get("text"), str):
                texts.append(part["text"])
            elif part.get("type") == "refusal" and isinstance(part.get("refusal"), str):
                refusals.append(part["refusal"])
    return storable("".join(texts)) if texts else None, "".join(refusals)
