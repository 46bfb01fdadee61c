"""A hub on loopback: the few requests that fetching a pinned revision makes, and what they asked for."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RESOLVE = re.compile(r"^/(?P<repo>[\w.-]+/[\w.-]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)$")
TREE = re.compile(r"^/api/models/(?P<repo>[\w.-]+/[\w.-]+)/tree/(?P<revision>[^/?]+)")


@dataclass
class Hub:
    """`repos` maps (repository, commit) to a folder; `cut` names files whose body breaks off, once each."""

    repos: dict[tuple[str, str], Path]
    cut: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            hub.asked.append(f"{self.command} {self.path}")
            if match := TREE.match(self.path):
                self._tree(match["repo"], match["revision"])
            elif match := RESOLVE.match(self.path):
                self._file(match["repo"], match["revision"], match["file"])
            else:
                self._answer(404, b"")

        do_HEAD = do_GET

        def _tree(self, repo: str, revision: str) -> None:
            folder = hub.repos.get((repo, revision))
            if folder is None:
                self._answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
                return
            entries = [
                {"type": "file", "path": f.name, "size": f.stat().st_size, "oid": _etag(f)}
                if f.is_file()
                else {"type": "directory", "path": f.name, "oid": "0", "size": 0}
                for f in sorted(folder.iterdir())
            ]
            self._answer(200, json.dumps(entries).encode(), {"Content-Type": "application/json"})

        def _file(self, repo: str, revision: str, name: str) -> None:
            folder = hub.repos.get((repo, revision))
            if folder is None or not (folder / name).is_file():
                self._answer(404, b"", {"X-Error-Code": "EntryNotFound" if folder else "RevisionNotFound"})
                return
            body = (folder / name).read_bytes()
            headers = {"ETag": f'"{_etag(folder / name)}"', "X-Repo-Commit": revision, "Accept-Ranges": "bytes"}
            start = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
            headers |= {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {}
            self._answer(206 if start else 200, body[start:], headers, cut=self.command == "GET" and name in hub.cut)
            if self.command == "GET":
                hub.cut.discard(name)

        def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: bool = False) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = cut

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _etag(file: Path) -> str:
    return hashlib.sha1(file.read_bytes()).hexdigest()
