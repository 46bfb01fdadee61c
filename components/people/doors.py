"""Who may speak to the page: hosts, token, origin, sizes; and what every answer carries for the browser's sake.

The page is served to the people of one machine (or, with a token, of one network). Against other web pages that are
open in the same browser stand the Host header (DNS rebinding), the Origin and a token of the process in every POST
(CSRF), and a policy that lets the page load nothing but its own files.
"""

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1_000_000
"""Bytes: the longest edit with its alternative text, in a script of four bytes per character."""
COOKIE, CSRF, TOKEN = "postwright_review", "x-postwright-csrf", "x-postwright-token"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """The Host header without its port; brackets stay around IPv6."""
    if header.startswith("["):
        return header.partition("]")[0].lower() + "]"
    return header.rpartition(":")[0].lower() if ":" in header else header.lower()


class Doors:
    """In front of the application. `names`: hosts it answers to beside those that need no name: where it is bound to
    loopback, localhost and loopback addresses; else also any IP address, since rebinding needs a name."""

    def __init__(self, app: ASGIApp, bound: str, token: str | None, names: Iterable[str] = ()) -> None:
        self.app, self.token = app, token
        self.local = is_loopback(bound)
        if not self.local and not token:
            raise ValueError(f"{bound} is reached from other machines: a token is required")
        self.names = {name.lower() for name in names} | {bound.lower()}
        self.csrf = secrets.token_urlsafe(32)
        self.pass_value = hashlib.sha256(f"cookie {token}".encode()).hexdigest() if token else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["csrf"] = self.csrf

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name.lower() for name, _ in message["headers"]}
                extra = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in known]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, dressed)
            return
        if scope["method"] == "POST":
            limited = await whole_body(receive, headers)
            if limited is None:
                answer = problem(413, f"More than {LARGEST_BODY:,} bytes: no answer is that long")
                await answer(scope, receive, dressed)
                return
            receive = limited
        await self.app(scope, receive, dressed)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return problem(405, "Only GET and POST")
        if not self._host_is_known(headers.get("host", "")):
            return problem(421, "This address is not one that the review page answers to; open the one it printed")
        if self.token is not None and (entrance := self._entrance(scope, headers)) is not None:
            return entrance
        if scope["method"] == "POST":
            return self._foreign(headers)
        return None

    def _host_is_known(self, header: str) -> bool:
        host = host_of(header)
        if host in self.names or is_loopback(host):
            return True
        if self.local:
            return False
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return False
        return True

    def _entrance(self, scope: Scope, headers: Headers) -> Response | None:
        """None for who has shown the token, in a header or by the cookie that its first use leaves. In the address it
        is taken once, and does not stay there."""
        assert self.token is not None
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        if same(headers.get(TOKEN, ""), self.token) or same(cookie, self.pass_value):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = dict(query).get("token", "")
        if scope["method"] == "GET" and given and same(given, self.token):
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            answer = RedirectResponse("/" + (f"?{rest}" if rest else ""), status_code=303)
            answer.set_cookie(COOKIE, self.pass_value, httponly=True, samesite="strict", path="/")
            return answer
        text = "This page needs the token that `postwright review` printed: open the whole address it shows.\n"
        return PlainTextResponse(text, status_code=401)

    def _foreign(self, headers: Headers) -> Response | None:
        """Why a POST is refused that does not come from a page of this process."""
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower():
            return problem(403, "Another page asked for this; only the review page may")
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return problem(403, "Another page asked for this; only the review page may")
        if not same(headers.get(CSRF, ""), self.csrf):
            return problem(403, "The page is older than the server behind it", reload=True)
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return problem(415, "An answer is JSON (content-type: application/json)")
        return None


def same(given: str, wanted: str) -> bool:
    """In a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass"))


def problem(status: int, error: str, **more: object) -> JSONResponse:
    return JSONResponse({"error": error, **more}, status_code=status)


async def whole_body(receive: Receive, headers: Headers) -> Receive | None:
    """The body, read up to LARGEST_BODY; None for a longer one, whatever its length was said to be."""
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LARGEST_BODY:
        return None
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > LARGEST_BODY:
            return None
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": b"".join(parts), "more_body": False}

    return again
