"""The thoughts of a reasoning model that stand in its reply, where the server has no parser for them."""

import re

from components.chat.replies import json_value

_THOUGHTS = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_OPENED, _CLOSED = (re.compile(rf"<{slash}think(?:ing)?>", re.IGNORECASE) for slash in ("", "/"))


def without_thinking(text: str) -> str:
    """The answer. Templates of DeepSeek-R1 and Qwen3-Thinking end the prompt with the opening tag, so that the reply
    has only the closing one; a closing tag that a JSON answer quotes ends no thoughts."""
    if thoughts := _THOUGHTS.match(text):
        return text[thoughts.end() :]
    closed = list(_CLOSED.finditer(text))
    if len(closed) != 1 or _OPENED.search(text):
        return text
    begin, end = text.find("{"), text.rfind("}")
    quoted = begin < closed[0].start() < end and json_value(text[begin : end + 1]) is not None
    return text if quoted else text[closed[0].end() :]
