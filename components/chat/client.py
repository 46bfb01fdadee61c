"""One attempt at an endpoint: a Reply for whatever happens on the wire, exceptions only for our own defects.

A transport carries it, the interface (`api` of the spec) writes its body and reads its answer. No client's models read
the answer: a server that lies about its format must end in a class, not in a traceback.
"""

import time
from collections.abc import Mapping
from typing import Any, Protocol

from components.chat import chat_completions, responses
from components.chat.abilities import Abilities
from components.chat.limits.headers import read_headers
from components.chat.providers import endpoint_of
from components.chat.replies import MOST_BYTES, Reply, too_long
from components.chat.request import ChatRequest
from components.chat.transport import NoAnswer, transport_of
from components.specs import ChatSpec


class Dialect(Protocol):
    """A module of this package: the address under the endpoint, a request as its body, an answer as a Reply."""

    PATH: str

    def body(self, request: ChatRequest, abilities: Abilities) -> dict[str, Any]: ...

    def read(self, http_status: int, headers: Mapping[str, str], body: bytes) -> Reply: ...


DIALECTS: dict[str, Dialect] = {"chat": chat_completions, "responses": responses}
"""By `ChatSpec.api`."""


class Client:
    """For one spec and one event loop; close it there. `api_key` stays in memory: not logged, and not in any Reply."""

    def __init__(self, spec: ChatSpec, api_key: str | None) -> None:
        self.endpoint = endpoint_of(spec.model, spec.endpoint)
        self.dialect = DIALECTS[spec.api]
        self._key = api_key
        self._transport = transport_of(spec, api_key)

    async def close(self) -> None:
        await self._transport.close()

    async def send(self, body: Mapping[str, Any]) -> Reply:
        """The whole attempt, the reading of the body included, has the spec's `timeout_s`."""
        started = time.perf_counter()
        try:
            status, headers, content = await self._transport.post(self.dialect.PATH, body)
        except NoAnswer as why:
            reply = Reply(status=why.status, detail=why.detail, billed=why.billed)
        else:
            is_too_long = status == 200 and len(content) > MOST_BYTES
            reply = too_long() if is_too_long else self.dialect.read(status, headers, content)
            reply.told_limits = read_headers(headers)
        reply.blot(self._key)
        reply.latency_ms = round((time.perf_counter() - started) * 1000)
        return reply
