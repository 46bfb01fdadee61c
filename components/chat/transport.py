"""Carries one POST to an endpoint and back: aiohttp for servers, a function call for the models in this process.

aiohttp itself and not the openai client, which took nine tenths of the engine's CPU (bench/engine.py). One session per
purchase and event loop keeps its connections; nothing is followed or sent twice: the one retry layer is in caller.py.
"""

import json
import socket
import ssl
import urllib.request
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

import aiohttp
import orjson

from components.chat.outcome import Status
from components.chat.providers import IN_PROCESS, endpoint_of, is_loopback
from components.chat.replies import MOST_BYTES
from components.errors import UserError
from components.specs import ChatSpec

if TYPE_CHECKING:
    from openai import AsyncOpenAI

KEEPALIVE_S = 30.0

Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers (names in any case) and the whole body, or the first MOST_BYTES and some more of a longer one."""


class NoAnswer(Exception):
    """Nothing whole came back. `billed` is False where the request surely was not sent, else None: perhaps."""

    def __init__(self, status: Status, detail: str, billed: bool | None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.billed = status, detail, billed


class Transport(Protocol):
    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """`path` begins with a slash. Raises NoAnswer."""

    async def close(self) -> None: ...


def transport_of(spec: ChatSpec, api_key: str | None) -> Transport:
    """For one event loop; close it there."""
    endpoint = endpoint_of(spec.model, spec.endpoint)
    if endpoint == IN_PROCESS:
        from components.chat.offline import OfflineTransport

        return OfflineTransport()
    return HttpTransport(endpoint, api_key, spec.max_concurrency, spec.timeout_s)


class HttpTransport:
    def __init__(self, endpoint: str, api_key: str | None, connections: int, timeout_s: float) -> None:
        self._endpoint, self._timeout_s = endpoint, timeout_s
        self._proxy, self._proxy_auth = apart(proxy_of(endpoint))
        secure = endpoint.startswith("https:") or (self._proxy or "").startswith("https:")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=connections, keepalive_timeout=KEEPALIVE_S, ssl=_tls() if secure else True
            ),
            # The whole attempt: waiting for a connection, sending, and reading the body to its end.
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            headers={
                "Authorization": f"Bearer {api_key or 'none'}",
                "Content-Type": "application/json",
                "Accept": "application/json",
                "User-Agent": "postwright",
            },
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # would read the environment, and a password file, at every call: see proxy_of
        )

    async def close(self) -> None:
        await self._session.close()

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        try:
            async with self._session.post(
                self._endpoint + path,
                data=encoded(body),
                allow_redirects=False,  # a redirected POST would become a GET, and the key would travel on
                proxy=self._proxy,
                proxy_auth=self._proxy_auth,
            ) as response:
                return response.status, response.headers, await _body(response)
        except TimeoutError:
            raise NoAnswer(Status.timeout, f"no whole answer within {self._timeout_s:g} s", None) from None
        except aiohttp.ClientResponseError as error:  # its own words show the request, and with it a proxy's password
            raise NoAnswer(Status.connection, f"HTTP {error.status}: {error.message}", _billed(error)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer(Status.connection, f"{error}" or type(error).__name__, _billed(error)) from error


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """A connection whose body is left unread is closed."""
    parts, size = list[bytes](), 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            break
    return b"".join(parts)


def _billed(error: Exception) -> bool | None:
    """False where no connection came about: no address, refused, TLS failed, or a proxy that lets nothing through."""
    unsent = (
        aiohttp.ClientConnectorError,
        aiohttp.ClientConnectorCertificateError,
        aiohttp.ClientHttpProxyError,
        aiohttp.InvalidURL,
    )
    roots = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)
    return False if isinstance(error, unsent + roots) else None


def encoded(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        # Half of a surrogate pair, or a number of more than 64 bits: JSON can say both, UTF-8 and orjson cannot.
        return json.dumps(body).encode("ascii")


def proxy_of(endpoint: str) -> str | None:
    """The proxy that the machine's settings name for this address, asked once; never one for this machine itself."""
    parts = urlsplit(endpoint)
    if is_loopback(endpoint) or not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy is None:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        kind = proxy.partition(":")[0]
        raise UserError(
            f"the proxy for {parts.hostname} is a {kind} proxy: name one of http in the variable for proxies"
        )
    return proxy


def apart(proxy: str | None) -> tuple[str | None, aiohttp.BasicAuth | None]:
    """The proxy's address without name and password, which errors would show, and these."""
    parts = urlsplit(proxy or "")
    if proxy is None or not parts.username:
        return proxy, None
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return address, aiohttp.BasicAuth(unquote(parts.username), unquote(parts.password or ""))


@cache
def _tls() -> ssl.SSLContext:
    """Reading the certificates takes 20 ms or more; once per process is enough. The same that the openai client uses,
    so SSL_CERT_FILE counts here too."""
    import httpx2

    return httpx2.create_ssl_context()


def openai_client(spec: ChatSpec, api_key: str | None) -> "AsyncOpenAI":
    """OpenAI's own client for what is no hot path: files and batches. Close it (`await client.close()`)."""
    import httpx2
    from openai import AsyncOpenAI, DefaultAioHttpClient

    return AsyncOpenAI(
        # Never None: the client would then look into the environment and send what it finds there to any server.
        api_key=api_key or "none",
        base_url=endpoint_of(spec.model, spec.endpoint),
        http_client=DefaultAioHttpClient(
            limits=httpx2.Limits(keepalive_expiry=KEEPALIVE_S), verify=_tls(), follow_redirects=False
        ),
        max_retries=0,
        timeout=spec.timeout_s,
    )
