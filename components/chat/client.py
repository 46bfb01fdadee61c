"""One attempt at an endpoint: a Reply for whatever happens on the wire, exceptions only for our own defects.

openai.AsyncOpenAI carries every call, to servers and (through components.chat.offline) to the models in this process;
its own retries are off, as the one retry layer is in caller.py. The raw response is read by replies.py, not by the
client's models: a server that lies about its format must end in a class, not in a traceback.
"""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from components.chat.outcome import Status
from components.chat.providers import IN_PROCESS, endpoint_of, split_model
from components.chat.replies import Reply, read_reply
from components.chat.request import ChatRequest
from components.chat.segments import redacted
from components.spec import ChatSpec

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger(__name__)


class Client:
    """For one spec and one event loop; close it there. `api_key` stays in memory: not logged, and not in any Reply."""

    def __init__(self, spec: ChatSpec, api_key: str | None) -> None:
        from openai import AsyncOpenAI

        self.endpoint = endpoint_of(spec.model, spec.endpoint)
        self._timeout_s = spec.timeout_s
        self._key = api_key
        self._http = _http_client(self.endpoint, spec)
        self._openai = AsyncOpenAI(
            # Never None: the client would then look into the environment and send what it finds there to any server.
            api_key=api_key or "none",
            base_url="http://offline.invalid/v1" if self.endpoint == IN_PROCESS else self.endpoint,
            http_client=self._http,
            max_retries=0,
            timeout=spec.timeout_s,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, body: Mapping[str, Any]) -> Reply:
        """The whole attempt, the reading of the body included, has `timeout_s`."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await self._post(body)
        except TimeoutError:
            reply = Reply(status=Status.timeout, detail=f"no whole answer within {self._timeout_s:g} s", billed=None)
        detail = None if reply.detail is None else redacted(reply.detail, self._key)
        text = None if reply.text is None else redacted(reply.text, self._key)
        return replace(reply, text=text, detail=detail, latency_ms=round((time.perf_counter() - started) * 1000))

    async def _post(self, body: Mapping[str, Any]) -> Reply:
        import httpx2
        import openai

        try:
            response = await self._openai.post("/chat/completions", body=dict(body), cast_to=httpx2.Response)
        except openai.APIStatusError as error:
            response = error.response
        except openai.APIConnectionError as error:
            return self._broken(error)
        return read_reply(response.status_code, response.headers, response.text)

    def _broken(self, error: Exception) -> Reply:
        """By the roots of the failure: the transports wrap a refused connection and a time-out into the same class."""
        roots = list(_causes(error))
        never_sent = any(isinstance(root, ConnectionRefusedError | socket.gaierror | ssl.SSLError) for root in roots)
        if any(isinstance(root, TimeoutError) for root in roots):
            return Reply(status=Status.timeout, detail=f"no answer within {self._timeout_s:g} s", billed=None)
        root = roots[1] if len(roots) > 1 else error
        detail = f"{root or type(root).__name__}"
        return Reply(status=Status.connection, detail=detail, billed=False if never_sent else None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _http_client(endpoint: str, spec: ChatSpec) -> "httpx2.AsyncClient":
    import httpx2

    if endpoint == IN_PROCESS:
        from components.chat.offline import OfflineTransport

        return httpx2.AsyncClient(transport=OfflineTransport(), verify=_tls())
    connections = spec.max_concurrency + 1
    from openai import DefaultAioHttpClient

    return (
        DefaultAioHttpClient(  # httpx2 over aiohttp: half the CPU per call of httpx2's own transport (bench/engine.py)
            limits=httpx2.Limits(
                max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=30
            ),
            verify=_tls(),
            follow_redirects=False,  # a redirected POST would become a GET, and the key would travel on
        )
    )


@cache
def _tls() -> ssl.SSLContext:
    """Reading the certificates takes 20 ms or more; once per process is enough."""
    import httpx2

    return httpx2.create_ssl_context()


class Capabilities:
    """What one model at one endpoint can do, found out from its 400s, once per process.

    `reply_format` goes down a ladder: json_schema, then json_object, then text; below the top the schema stands in the
    system prompt instead. `length` is the name of the parameter that caps the reply: newer OpenAI models refuse the old
    one, other servers do not know the new one.
    """

    LADDER = ("json_schema", "json_object", "text")

    def __init__(self, model: str, endpoint: str) -> None:
        self.model, self.endpoint = model, endpoint
        self.reply_format = self.LADDER[0]
        self.length = "max_completion_tokens" if endpoint == endpoint_of(model, None) else "max_tokens"
        self._swapped = False

    @property
    def refused(self) -> list[str]:
        """Formats of a reply that the endpoint does not take."""
        return list(self.LADDER[: self.LADDER.index(self.reply_format)])

    def body(self, request: ChatRequest) -> dict[str, Any]:
        provider, name = split_model(request.model)
        body: dict[str, Any] = {"model": name, "messages": [dict(message) for message in request.messages]}
        body[self.length] = request.max_output_tokens
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.seed is not None:
            body["seed"] = request.seed
        elif provider == "offline":
            # A model in process has no dice of its own: without this all candidates would be one.
            body["seed"] = request.candidate
        if request.schema is not None:
            self._ask_for_schema(body, request.schema)
        return body

    def learn(self, sent: Mapping[str, Any], reply: Reply) -> bool:
        """True when the 400 was about how we asked and asking in another way may help."""
        if reply.status is not Status.bad_request or reply.detail is None:
            return False
        said = reply.detail.lower()
        if any(
            word in said for word in ("response_format", "json_schema", "json_object", "structured output", "guided")
        ):
            return self._step_down(sent, reply.detail)
        if "max_tokens" in said or "max_completion_tokens" in said:
            return self._swap_length(sent, said)
        return False

    def _step_down(self, sent: Mapping[str, Any], said: str) -> bool:
        asked = sent.get("response_format", {}).get("type", "text")
        if asked == "text":
            return False
        if asked == self.reply_format:  # else another call has learned it meanwhile
            self.reply_format = self.LADDER[self.LADDER.index(asked) + 1]
            log.warning(
                "%s at %s refuses %s, asking for %s from now on (%s)",
                self.model,
                self.endpoint,
                asked,
                self.reply_format,
                said,
            )
        return True

    def _swap_length(self, sent: Mapping[str, Any], said: str) -> bool:
        other = "max_tokens" if "max_completion_tokens" in sent else "max_completion_tokens"
        unknown = any(
            word in said for word in ("unsupported", "not supported", "unrecognized", "unknown", "extra", "unexpected")
        )
        if not unknown or (self._swapped and self.length in sent):
            return False
        if self.length in sent:
            self.length, self._swapped = other, True
            log.warning("%s at %s caps replies by %s", self.model, self.endpoint, other)
        return True

    def _ask_for_schema(self, body: dict[str, Any], schema: Mapping[str, Any]) -> None:
        if self.reply_format == "json_schema":
            named = {"name": _schema_name(schema), "schema": schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
            return
        if self.reply_format == "json_object":
            body["response_format"] = {"type": "json_object"}
        import json

        wish = f"Answer with one JSON object and nothing else. It follows this JSON schema:\n{json.dumps(schema)}"
        first = body["messages"][0] if body["messages"] else {}
        if first.get("role") == "system" and isinstance(first.get("content"), str):
            body["messages"][0] = {**first, "content": f"{first['content']}\n\n{wish}"}
        else:
            body["messages"].insert(0, {"role": "system", "content": wish})


def _schema_name(schema: Mapping[str, Any]) -> str:
    title = "".join(
        sign if sign.isascii() and (sign.isalnum() or sign in "_-") else "_" for sign in str(schema.get("title", ""))
    )
    return title[:64] or "reply"


@cache
def capabilities_of(model: str, endpoint: str) -> Capabilities:
    return Capabilities(model, endpoint)
