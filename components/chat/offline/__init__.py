"""The offline writer and judge as a chat-completions server without a socket.

They are asked through the same client, journal, limits and ledger as any server; only the transport differs: it
answers a `POST` to `/chat/completions` by calling `complete(body)` of the module that the model names. Adding an
offline model is one module with `complete(body: dict) -> str` (the assistant's message) and `VERSION` (bumped when it
would answer differently), and one line in MODELS.
"""

import asyncio
import importlib
import json
import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import orjson

MODELS = {
    "writer": "components.chat.offline.writer",
    "judge": "components.chat.offline.judge",
    "pairwise": "components.chat.offline.pairwise",
}
"""Name after `offline/` -> module; imported when it is first asked."""

PLANTED = "planted-"
"""How the names of judges with a known fault begin; they are there for `postwright audit --self-test` alone."""
PLANTED_JUDGES = "components.audit.planted"

BYTES_PER_TOKEN = 4


def revision(name: str) -> str:
    return str(getattr(_module(name), "VERSION", 1))


def is_known(name: str) -> bool:
    return name in MODELS or (name.startswith(PLANTED) and name in _module(name).NAMES)


def _module(name: str) -> ModuleType:
    return importlib.import_module(PLANTED_JUDGES if name.startswith(PLANTED) else MODELS[name])


class OfflineTransport:
    """As components.chat.transport.Transport."""

    async def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        if path != "/chat/completions":
            return _error(404, "not_found", f"no POST {path} here")
        if not is_known(body["model"]):
            return _error(404, "model_not_found", f"the model {body['model']} does not exist")
        await asyncio.sleep(0)  # nothing here waits: without it one purchase would have the loop until its end
        content = completion(body, _module(body["model"]).complete(body))
        return 200, {}, json.dumps(content).encode()  # not orjson: a post may quote half of a surrogate pair

    async def close(self) -> None:
        """Nothing is open."""


def completion(body: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The chat.completion object around `text`; tokens are estimated at 4 bytes each."""
    asked, answered = _tokens(json.dumps(body["messages"], ensure_ascii=False)), _tokens(text)
    return {
        "id": "offline",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": f"offline/{body['model']}",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered},
    }


def _tokens(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def _error(status: int, code: str, message: str) -> tuple[int, Mapping[str, str], bytes]:
    error = {"message": message, "type": "invalid_request_error", "code": code}
    return status, {}, orjson.dumps({"error": error})
