"""Files as OpenAI keeps them: uploaded as multipart, known by an id, read and deleted."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class StoredFile:
    id: str
    name: str
    purpose: str
    content: bytes
    created_at: int = field(default_factory=lambda: int(time.time()))
    unreadable: int = 0
    """So many reads are answered with 404, as those of a result that is not there yet."""

    def told(self) -> dict[str, Any]:
        return {
            "id": self.id, "object": "file", "bytes": len(self.content), "created_at": self.created_at,
            "filename": self.name, "purpose": self.purpose, "status": "processed",
        }  # fmt: skip


class Files:
    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.kept: dict[str, StoredFile] = {}
        self.counts: Counter[str] = Counter()

    def add(self, name: str, purpose: str, content: bytes, unreadable: int = 0) -> StoredFile:
        self.counts["made"] += 1
        file = StoredFile(f"file-{self.counts['made']:06d}", name, purpose, content, unreadable=unreadable)
        self.kept[file.id] = file
        return file

    async def upload(self, request: web.Request) -> web.Response:
        fields: dict[str, bytes] = {}
        name = ""
        async for part in await request.multipart():
            fields[part.name] = bytes(await part.read())
            name = part.filename or name
        purpose = fields.get("purpose", b"").decode()
        if purpose != "batch" or "file" not in fields:
            return refused(400, "invalid_request_error", f"'{purpose}' is not one of the purposes, or there is no file")
        if len(fields["file"]) > self.most_bytes:
            return refused(413, "file_too_large", f"File is too large: {len(fields['file'])} bytes")
        self.counts["uploaded"] += 1
        return web.json_response(self.add(name, purpose, fields["file"]).told())

    async def told(self, request: web.Request) -> web.Response:
        file = self.kept.get(request.match_info["id"])
        return unknown(request) if file is None else web.json_response(file.told())

    async def content(self, request: web.Request) -> web.Response:
        file = self.kept.get(request.match_info["id"])
        if file is None:
            return unknown(request)
        if file.unreadable:
            file.unreadable -= 1
            return unknown(request)
        return web.Response(body=file.content, content_type="application/octet-stream")

    async def delete(self, request: web.Request) -> web.Response:
        file = self.kept.pop(request.match_info["id"], None)
        if file is None:
            return unknown(request)
        self.counts["deleted"] += 1
        return web.json_response({"id": file.id, "object": "file", "deleted": True})


def refused(status: int, code: str, message: str) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "code": code, "param": None}
    return web.json_response({"error": error}, status=status)


def unknown(request: web.Request) -> web.Response:
    return refused(404, "not_found", f"No such File object: {request.match_info['id']}")
