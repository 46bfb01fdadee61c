"""The Responses interface of the fake provider: its requests read, and its answers written, from chat completions."""

from collections.abc import Mapping
from typing import Any

KNOWN = frozenset(
    {
        "background", "conversation", "include", "input", "instructions", "max_output_tokens", "max_tool_calls",
        "metadata", "model", "parallel_tool_calls", "previous_response_id", "prompt", "prompt_cache_key", "reasoning",
        "safety_identifier", "service_tier", "store", "stream", "temperature", "text", "tool_choice", "tools",
        "top_logprobs", "top_p", "truncation", "user",
    }
)  # fmt: skip
"""Parameters of `POST /v1/responses`; OpenAI refuses every other one."""

_FAILURES = {"limit_in_200": "rate_limit_exceeded", "filter_in_200": "invalid_prompt", "image_in_200": "invalid_image"}
"""Faults of this interface only: a 200 whose response failed, with its code."""


def as_chat(body: Mapping[str, Any]) -> dict[str, Any]:
    """The chat-completions request that asks the same; parameters that both interfaces have keep their names."""
    asked = {name: value for name, value in body.items() if name not in ("input", "instructions", "text", "reasoning")}
    given = body.get("input", "")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    asked["messages"] = [{**item, "content": _chat_content(item["content"])} for item in items]
    if body.get("instructions"):
        asked["messages"].insert(0, {"role": "system", "content": body["instructions"]})
    if form := body.get("text", {}).get("format"):
        asked["response_format"] = {"type": form["type"], "json_schema": form}
    if effort := body.get("reasoning", {}).get("effort"):
        asked["reasoning_effort"] = effort
    return asked


def _chat_content(content: Any) -> Any:
    if isinstance(content, str):
        return content
    parts = []
    for part in content:
        if part["type"] == "input_image":
            parts.append({"type": "image_url", "image_url": {"url": part["image_url"], "detail": part["detail"]}})
        else:
            assert part["type"] in ("input_text", "output_text"), f"{part['type']} is no part of an input"
            parts.append({"type": "text", "text": part["text"]})
    return parts


def as_response(completion: Mapping[str, Any], fault: str) -> dict[str, Any]:
    """The response that says what the completion says, with the reasoning item that precedes a model's message."""
    response: dict[str, Any] = {
        "id": "resp_" + str(completion.get("id", "fake")),
        "object": "response",
        "created_at": completion.get("created", 0),
        "model": completion.get("model"),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "output": [{"type": "reasoning", "id": "rs_fake", "summary": []}],
        "usage": None,
        "store": False,
    }
    if "error" in completion or fault in _FAILURES:
        code = _FAILURES.get(fault, "server_error")
        said = completion.get("error", {}).get("message", f"it failed: {code}")
        return response | {"status": "failed", "error": {"code": code, "message": said}, "output": []}
    for choice in completion["choices"]:
        reasons = {"length": "max_output_tokens", "content_filter": "content_filter"}
        if reason := reasons.get(choice["finish_reason"]):
            response |= {"status": "incomplete", "incomplete_details": {"reason": reason}}
        response["output"].append(
            {
                "type": "message",
                "id": "msg_fake",
                "role": "assistant",
                "status": response["status"],
                "content": _output_parts(choice["message"]),
            }
        )
    if usage := completion.get("usage"):
        response["usage"] = {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage["total_tokens"],
        }
    return response


def _output_parts(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    if message["refusal"]:
        return [{"type": "refusal", "refusal": message["refusal"]}]
    content = message["content"]
    texts = [part["text"] for part in content] if isinstance(content, list) else [content]
    return [{"type": "output_text", "text": text, "annotations": []} for text in texts if text is not None]
