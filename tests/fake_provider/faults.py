"""What can go wrong: refusals by status, answers that are broken, and what happens on the wire."""

import asyncio
import base64
import json
import struct
from contextlib import suppress
from urllib.parse import quote

from aiohttp import web

STATUS_FAULTS: dict[str, tuple[int, str, str]] = {
    "400": (400, "invalid_value", "the request is wrong"),
    "401": (401, "invalid_api_key", "Incorrect API key provided: {key}"),
    "echo_400": (400, "invalid_value", "You sent {key}, {key_in_url}, {key_in_base64} and {key_in_json}"),
    "402": (402, "payment_required", "add credit"),
    "403": (403, "unsupported_country", "not from here"),
    "404": (404, "model_not_found", "The model `{model}` does not exist"),
    "408": (408, "timeout", "took too long"),
    "409": (409, "conflict", "try again"),
    "422": (422, "unprocessable", "cannot be processed"),
    "429": (429, "rate_limit_exceeded", "Rate limit reached"),
    "quota": (429, "insufficient_quota", "You exceeded your current quota"),
    "filter_400": (400, "content_filter", "The prompt triggered the content policy"),
    "500": (500, "server_error", "The server had an error"),
    "502": (502, "bad_gateway", "bad gateway"),
    "503": (503, "overloaded", "overloaded"),
    "504": (504, "gateway_timeout", "gateway timeout"),
    "301": (301, "moved", "moved"),
}
BROKEN_ANSWERS = (
    "invalid_json", "html", "no_choices", "error_in_200", "empty", "null", "length", "content_filter", "refusal",
    "parts", "no_usage", "echo_key", "long",
)  # fmt: skip
WIRE_FAULTS = ("reset", "hang", "cut", "trickle", "endless")
PASSING = ("429", "500", "502", "503", "504", "reset", "cut", "invalid_json", "empty")
"""What `fail` draws from: faults that a second attempt gets over."""


async def send_badly(request: web.Request, content: str, fault: str) -> web.StreamResponse:
    """`cut`: half of the promised body; `trickle`: all of it, a byte in 50 ms; `endless`: it never ends."""
    data = content.encode()
    response = web.StreamResponse(headers={"content-type": "application/json"})
    if fault == "endless":
        await response.prepare(request)
        with suppress(ConnectionError):  # the client has gone
            while True:
                await response.write(data[:-1] + b" " * 65_536)
        return response
    response.content_length = len(data)
    await response.prepare(request)
    if fault == "cut":
        await response.write(data[: len(data) // 2])
        return reset(request, gently=True)
    for byte in data:
        await response.write(bytes([byte]))
        await asyncio.sleep(0.05)
    return response


def reset(request: web.Request, gently: bool = False) -> web.Response:
    transport = request.transport
    if transport is not None:
        if not gently:
            # SO_LINGER of 0 s: closing sends RST instead of FIN.
            import socket

            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.close()
    return web.Response()


def refusal_of(fault: str, request: web.Request, model: str = "") -> tuple[int, str, str]:
    """Status, code and message of STATUS_FAULTS, for who sent this request."""
    status, code, message = STATUS_FAULTS[fault]
    return status, code, quoting(message, request, model)


def quoting(message: str, request: web.Request, model: str = "") -> str:
    sent_key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    for name, value in {**key_forms(sent_key), "model": model}.items():
        message = message.replace(f"{{{name}}}", value)
    return message


def key_forms(key: str) -> dict[str, str]:
    """A key as servers show it: as it came, in an address, in a header of basic authentication, in JSON in a text."""
    basic = base64.b64encode(f"user:{key}".encode()).decode()
    return {"key": key, "key_in_url": quote(key, safe=""), "key_in_base64": basic, "key_in_json": json.dumps(key)}
