"""The chat-completions interface, which nearly every server speaks: a request as its body, an answer as a Reply.

Fields as in https://platform.openai.com/docs/api-reference/chat. Reading never raises, whatever the server sent.
"""

from collections.abc import Mapping
from typing import Any

from components.chat.abilities import Abilities
from components.chat.outcome import Status
from components.chat.providers import split_model
from components.chat.replies import Reply, error_text, invalid, parsed, read_error, shorten, unparsed, usage_of
from components.chat.request import ChatRequest
from components.chat.schemas import asked_in_words, named
from components.records import storable

PATH = "/chat/completions"


def body(request: ChatRequest, abilities: Abilities) -> dict[str, Any]:
    """As JSON objects; what the endpoint is known to refuse is left out."""
    provider, name = split_model(request.model)
    refused = abilities.refused
    content: dict[str, Any] = {
        "model": name,
        "messages": list(request.messages),
        abilities.length: request.max_output_tokens,
    }
    if request.temperature is not None and "temperature" not in refused:
        content["temperature"] = request.temperature
    if provider == "offline":
        # A model in process has no dice of its own: without this all candidates would be one.
        content["seed"] = request.candidate if request.seed is None else request.seed
    elif request.seed is not None and "seed" not in refused:
        content["seed"] = request.seed
    if request.reasoning_effort is not None and "reasoning_effort" not in refused:
        content["reasoning_effort"] = request.reasoning_effort
    if request.schema is not None:
        if abilities.reply_format == "json_schema":
            content["response_format"] = {"type": "json_schema", "json_schema": named(request.schema)}
        else:
            content["messages"] = asked_in_words(request.messages, request.schema)
            if abilities.reply_format == "json_object":
                content["response_format"] = {"type": "json_object"}
    return content


def read(http_status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    if http_status != 200:
        return read_error(http_status, headers, body)
    content = parsed(body)
    if not isinstance(content, dict):
        return invalid(f"the reply is no JSON object: {shorten(unparsed(body))}", unparsed(body), None)
    usage = usage_of(content, "prompt", "completion")
    choices = content.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        said = error_text(content) or shorten(unparsed(body))
        return invalid(f"the reply has no choice: {said}", content, usage)
    finish = choice.get("finish_reason")
    text = _text_of(message.get("content"))
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        status, detail, text = Status.refusal, shorten(refusal), None
    elif finish == "content_filter":
        status, detail, text = Status.content_filter, "the endpoint's filter cut the reply", None
    elif finish == "length":
        status, detail = Status.truncated, "cut at max_output_tokens"
    elif text is None or not text.strip():
        return invalid(f"the reply is empty (finish_reason {finish})", content, usage)
    else:
        status, detail = Status.ok, None
    return Reply(status=status, text=text, detail=detail, usage=usage, billed=True, http_status=200, raw=content)


def _text_of(content: Any) -> str | None:
    """A string, or the text parts that some servers send instead."""
    if isinstance(content, str):
        return storable(content)
    if not isinstance(content, list):
        return None
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return storable("".join(text for text in texts if isinstance(text, str)))
