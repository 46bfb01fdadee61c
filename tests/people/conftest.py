"""A home with posts to review, and the page over it, served on a socket."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from components.drawings.drawing import draw
from components.people.exports import ExportSpec
from components.records import Judgment, Post
from components.specs import JudgeSpec
from flows.export_posts import Exported, export_posts
from flows.review_posts import Asked, Reviewing, listening
from flows.settings import Settings
from tests.report.conftest import ASPECTS, T0, Home

SCENES = ("beach", "forest", "cafe", "snow")
OTHER_JUDGE = JudgeSpec(model="openai/other")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("drawn")
    paths = []
    for n, scene in enumerate(SCENES):
        paths.append(folder / f"{scene}.jpg")
        draw(9_900_000 + n, size=160, scene=scene).image.save(paths[-1], quality=85)
    return paths


class Posts:
    """A home under construction: `post` adds one, judged or not; `done` writes everything down."""

    def __init__(self, folder: Path, drawn: list[Path], platform: str = "x") -> None:
        self.home, self.drawn, self.n = Home(folder, platform=platform), drawn, 0
        self.posts: list[Post] = []

    def post(
        self,
        text: str | None = None,
        scores: tuple[float | None, ...] | None = (7, 6, 7, 6),
        others: tuple[float, ...] | None = None,
        picture: Path | None = None,
        with_picture: bool = True,
        item: Any = None,
        **more: Any,
    ) -> Post:
        n, self.n = self.n, self.n + 1
        path = picture or (self.drawn[n % len(self.drawn)] if with_picture else None)
        item = item or self.home.item(n, picture=path, text=f"Text of item {n}.", author=("Ann", None)[n % 2])
        words = text if text is not None else f"Post {n}, said plainly. #tag{n}"
        post = self.home.post(item, [], words, alt_text="What is seen." if path else None, **more)
        if scores is not None:
            self.home.judge(post, scores)
        for aspect, score in zip(ASPECTS, others or (), strict=False):
            self.home.add(
                "judgments",
                Judgment(
                    judgment_id=Judgment.make_id(post.post_id, OTHER_JUDGE.id, 0, aspect, None), post_id=post.post_id,
                    spec_id=OTHER_JUDGE.id, aspect=aspect, score=score, reasoning="Seen otherwise.", created_at=T0,
                ),
            )  # fmt: skip
        self.posts.append(post)
        return post

    def done(self) -> Settings:
        self.home.run()
        self.home.store.register(OTHER_JUDGE)
        return Settings(self.home.folder)


@pytest.fixture
def posts(tmp_path: Path, drawn: list[Path]) -> Callable[..., Posts]:
    return lambda **more: Posts(tmp_path / "home", drawn, **more)


@dataclass
class Served:
    """The page over a home, and a client of it."""

    address: str
    home: Reviewing
    session: aiohttp.ClientSession
    csrf: str = ""

    async def get(self, path: str, **more: Any) -> tuple[int, Any]:
        async with self.session.get(self.address + path, allow_redirects=False, **more) as reply:
            body = await reply.read()
            is_json = reply.content_type == "application/json"
            return reply.status, json.loads(body) if is_json else body

    async def say(self, path: str, body: Any, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """A POST as the page makes it; headers given as "" are left out."""
        self.csrf = self.csrf or (await self.get("state"))[1]["csrf"]
        said = {"x-postwright-csrf": self.csrf, "content-type": "application/json"} | (headers or {})
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        said = {name: value for name, value in said.items() if value}
        async with self.session.post(self.address + path, data=data, headers=said) as reply:
            text = await reply.text()
            return reply.status, json.loads(text) if reply.content_type == "application/json" else text

    async def next(self, rater: str = "ann") -> dict[str, Any] | None:
        for _ in range(200):
            status, found = await self.get("next", params={"rater": rater})
            if status == 200:
                return found["post"]
            assert status == 503, found
            await asyncio.sleep(0.05)
        raise AssertionError("the warehouse was never read")

    async def rate(self, post: dict[str, Any], name: str, rater: str = "ann", **more: Any) -> tuple[int, Any]:
        scores = {aspect["name"]: 7 for aspect in post["rubric"]["aspects"]}
        body = {"answer_id": name, "post_id": post["post_id"], "rater": rater, "scores": scores, "seconds": 12.5}
        return await self.say("answer", body | {"decision": "approve"} | more)


@contextmanager
def serving(settings: Settings, token: str | None = None, host: str = "127.0.0.1", **asked: Any) -> Iterator[Any]:
    """(address, the home behind it), while the block runs."""
    import uvicorn

    from components.people.app import application

    door = listening(host, 0)
    with door, Reviewing(settings, Asked(**asked)) as home:
        app = application(home, host, token, "ann", names=("this-machine",))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", server_header=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}/", home
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def serve() -> Callable[..., Any]:
    @asynccontextmanager
    async def served(settings: Settings, **more: Any) -> AsyncIterator[Served]:
        with serving(settings, **more) as (address, home):
            async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
                yield Served(address, home, session)

    return served


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def run(settings: Settings, **more: Any) -> tuple[Exported, str]:
        monkeypatch.setenv("POSTWRIGHT_HOME", str(settings.home))
        done = export_posts.fn(ExportSpec(out=tmp_path / "out" / "file", **more))
        return done, Path(done.file).read_bytes().decode()

    return run
