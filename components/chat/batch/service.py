"""OpenAI's files and batches over openai.AsyncOpenAI, whatever the server does.

A call that failed is a Trouble with a Status, as live calls have it. Nothing here retries: what may be repeated depends
on what a lost answer may have done at the endpoint, and purchase.py knows that.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any, Literal, cast

from components.chat.blotting import blotted
from components.chat.outcome import RETRYABLE, Status
from components.chat.providers import endpoint_of
from components.chat.replies import Reply, read_error
from components.chat.transport import openai_client
from components.specs import ChatSpec

TRANSFER_S = 900.0
"""Time-out of moving a file of up to 200 MB."""

CLOCK_SKEW = timedelta(hours=1)
PAGE = 100
ENDED = frozenset({"completed", "expired", "cancelled"})
TAG = "postwright"
"""The metadata field that holds our own id of a batch."""


class Trouble(Exception):
    """What a call came to; `passing`: it may go well later."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.detail or reply.status)
        self.reply, self.status = reply, reply.status
        self.passing = reply.status in RETRYABLE and not reply.no_credit

    @property
    def unsupported(self) -> bool:
        """The server knows no such address."""
        return self.reply.http_status in (404, 405, 410, 501)

    @property
    def file_unknown(self) -> bool:
        """A file that was uploaded a moment ago may not be known everywhere at the endpoint."""
        said = (self.reply.detail or "").lower()
        missing = any(word in said for word in ("cannot find", "not found", "does not exist", "no such"))
        return self.reply.http_status in (400, 404) and "file" in said and missing


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch as the endpoint tells it; `errors` are (code, message with its line)."""

    batch_id: str
    status: str
    total: int = 0
    completed: int = 0
    failed: int = 0
    output_file: str | None = None
    error_file: str | None = None
    errors: tuple[tuple[str, str], ...] = ()
    tag: str | None = None
    created: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def lines(self) -> int:
        """How many lines its files should have."""
        return self.completed + self.failed


class Service:
    """For one spec and one event loop; close it there."""

    def __init__(self, spec: ChatSpec, api_key: str | None) -> None:
        self.endpoint = endpoint_of(spec.model, spec.endpoint)
        self._timeout_s, self._key = spec.timeout_s, api_key
        self._openai = openai_client(spec, api_key)

    async def close(self) -> None:
        await self._openai.close()

    async def upload(self, file: IO[bytes], name: str) -> str:
        async with self._asking(TRANSFER_S):
            made = await self._openai.files.create(file=(f"{name}.jsonl", file), purpose="batch", timeout=TRANSFER_S)
            return _id_of(made, "file")

    async def create(self, file_id: str, url: str, tag: str) -> Seen:
        endpoint = cast(Literal["/v1/chat/completions"], url)
        async with self._asking(self._timeout_s):
            made = await self._openai.batches.create(
                input_file_id=file_id, endpoint=endpoint, completion_window="24h", metadata={TAG: tag}
            )
            return seen_of(made)

    async def look(self, batch_id: str) -> Seen:
        async with self._asking(self._timeout_s):
            found = await self._openai.batches.retrieve(batch_id)
            return seen_of(found)

    async def find(self, tag: str, since: datetime) -> Seen | None:
        """The batch that carries `tag`, however long ago its answer was lost; newest first, back to `since`."""
        after: str | None = None
        while True:
            page: list[Seen] = []
            async with self._asking(self._timeout_s):
                if after is None:
                    found = await self._openai.batches.list(limit=PAGE)
                else:
                    found = await self._openai.batches.list(limit=PAGE, after=after)
                page = [seen_of(batch) for batch in getattr(found, "data", None) or []]
            if match := next((batch for batch in page if batch.tag == tag), None):
                return match
            older = page and page[-1].created is not None and page[-1].created < since - CLOCK_SKEW
            if not page or older or not getattr(found, "has_more", False):
                return None
            after = page[-1].batch_id

    async def content(self, file_id: str) -> bytes:
        async with self._asking(TRANSFER_S):
            found = await self._openai.files.content(file_id, timeout=TRANSFER_S)
            return found.content

    async def delete(self, file_id: str) -> None:
        """Gone already is as good."""
        try:
            async with self._asking(self._timeout_s):
                await self._openai.files.delete(file_id)
        except Trouble as trouble:
            if not trouble.unsupported and not trouble.file_unknown:
                raise

    @asynccontextmanager
    async def _asking(self, seconds: float) -> AsyncIterator[None]:
        """Turns whatever goes wrong on the wire into a Trouble, with the key blotted out of what the server said."""
        import httpx2
        import openai

        try:
            async with asyncio.timeout(seconds):
                yield
        except Trouble as trouble:
            raise Trouble(self._clean(trouble.reply)) from None
        except openai.APIStatusError as error:
            try:
                text = error.response.text
            except httpx2.StreamError:
                text = ""
            reply = read_error(error.response.status_code, error.response.headers, text.encode())
            raise Trouble(self._clean(reply)) from None
        except (TimeoutError, openai.APITimeoutError):
            reply = Reply(status=Status.timeout, detail=f"{self.endpoint}: no answer within {seconds:g} s")
            raise Trouble(reply) from None
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            root = error.__cause__ or error
            detail = f"{self.endpoint} cannot be reached: {root or type(root).__name__}"
            raise Trouble(self._clean(Reply(status=Status.connection, detail=detail))) from None
        except (openai.OpenAIError, ValueError) as error:
            reply = Reply(status=Status.invalid_reply, detail=f"{self.endpoint} answered no object of its API: {error}")
            raise Trouble(self._clean(reply)) from None

    def _clean(self, reply: Reply) -> Reply:
        return Reply(
            status=reply.status,
            detail=blotted(reply.detail or "", self._key),
            no_credit=reply.no_credit,
            wait_s=reply.wait_s,
            http_status=reply.http_status,
        )


def seen_of(batch: Any) -> Seen:
    """Of an openai Batch, whose fields may be anything: the client does not check what a server sends."""
    batch_id = _id_of(batch, "batch")
    fields: Mapping[str, Any] = batch.to_dict()
    counts = fields.get("request_counts")
    counts = counts if isinstance(counts, dict) else {}
    metadata = fields.get("metadata")
    created = fields.get("created_at")
    return Seen(
        batch_id=batch_id,
        status=str(fields.get("status")),
        total=_count(counts.get("total")),
        completed=_count(counts.get("completed")),
        failed=_count(counts.get("failed")),
        output_file=fields.get("output_file_id") or None,
        error_file=fields.get("error_file_id") or None,
        errors=tuple(_errors(fields.get("errors"))),
        tag=metadata.get(TAG) if isinstance(metadata, dict) else None,
        created=datetime.fromtimestamp(created, UTC) if isinstance(created, int | float) else None,
    )


def _errors(errors: Any) -> list[tuple[str, str]]:
    found = errors.get("data") if isinstance(errors, dict) else None
    told = []
    for error in found if isinstance(found, list) else []:
        if isinstance(error, dict):
            line = f"line {error['line']}: " if error.get("line") is not None else ""
            told.append((str(error.get("code")), f"{line}{error.get('code')}: {error.get('message')}"))
    return told


def _id_of(made: Any, kind: str) -> str:
    found = getattr(made, "id", None)
    if not isinstance(found, str) or not found:
        raise Trouble(Reply(status=Status.invalid_reply, detail=f"the server answered no {kind}: {str(made)[:200]}"))
    return found


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
