"""The review page as a web application: what each address answers.

It knows a desk and a home behind it (`Home`), and no warehouse. Pictures are served by post id alone: made anew from
the pixels of the file that was ingested, or not at all, so no other file can be asked for.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from components.errors import UserError
from components.items.pictures import PictureError, jpeg_for_model
from components.people.answers import parsed_detail
from components.people.desk import Desk, Refused, rater_of
from components.people.doors import Doors, problem
from components.people.showing import as_judged, as_progress, as_written, shown
from components.report import formats

TEMPLATES = Path(__file__).parent / "templates"
SIDE = 1280
"""Longest side of a shown picture, in pixels."""
STATIC = {"review.js": "text/javascript", "review.css": "text/css", "icon.svg": "image/svg+xml"}
POST_ID = re.compile(r"^[0-9a-f]{20}$")

_MISSING = {
    "picture_missing": "The picture file is gone",
    "changed": "The picture file is no longer the one that was read",
    "unreadable": "The picture file cannot be read",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """How the home is: answers that are on disk and not in the warehouse yet, whether it can be read, and why not."""

    answers: int
    is_read: bool
    message: str | None = None


class Home(Protocol):
    """What the page needs of the home behind it. All of it may be called from several threads. `id`: tells this home
    from others that may be served at the same address at another time."""

    id: str
    desk: Desk

    def waiting(self) -> Waiting: ...

    def wait_until_read(self) -> None:
        """Until the warehouse has been read for the first time, or the home knows why that takes longer."""

    def nudge(self) -> None:
        """There is a new answer, or somebody asks for what is new."""

    def agreement(self) -> Mapping[str, Any]:
        """What the page of that name shows; UserError where the warehouse cannot be read."""


Endpoint = Callable[[Request], Awaitable[Response]]


def application(home: Home, bound: str, token: str | None, rater: str, names: Iterable[str] = ()) -> ASGIApp:
    """The whole page, behind its doors. `rater`: the name that a browser which knows none begins with."""
    pages = Pages(home, rater)
    routes = [
        Route("/", pages.page),
        Route("/agreement", pages.agreement),
        Route("/static/{name}", pages.static),
        Route("/picture/{post_id}", pages.picture),
        Route("/state", pages.state),
        Route("/next", pages.next),
        Route("/post/{post_id}", pages.post),
        Route("/answer", pages.answer, methods=["POST"]),
        Route("/undo", pages.undo, methods=["POST"]),
        Route("/skip", pages.skip, methods=["POST"]),
        Route("/count", pages.count, methods=["POST"]),
    ]
    errors: dict[Any, Any] = {
        404: lambda request, error: problem(404, "There is nothing at this address"),
        405: lambda request, error: problem(405, "Not with this method"),
    }
    return Doors(Starlette(routes=routes, exception_handlers=errors), bound, token, names)


class Pages:
    """One method per address."""

    def __init__(self, home: Home, rater: str) -> None:
        self.home, self.desk, self.rater = home, home.desk, rater
        self.files = {name: (TEMPLATES / name).read_bytes() for name in STATIC}
        self.templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters |= formats.FILTERS

    async def page(self, request: Request) -> Response:
        return self._html("review.html.j2", csrf=request.state.csrf, rater=self.rater, home=self.home.id)

    async def agreement(self, request: Request) -> Response:
        try:
            found = await run_in_threadpool(self.home.agreement)
        except UserError as error:
            return self._html("agreement.html.j2", found=None, error=str(error))
        return self._html("agreement.html.j2", found=found, error=None)

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.files:
            return problem(404, "There is no such file")
        return Response(self.files[name], media_type=STATIC[name])

    async def picture(self, request: Request) -> Response:
        post_id = request.path_params["post_id"]
        if not POST_ID.match(post_id):
            return problem(404, "There is no such post in this home")
        try:
            place, snapshot = self.desk.post(post_id)
            item = snapshot.items.get(snapshot.posts[place.post_id]["item_id"])
            if item is None or item.image_path is None or item.sha256 is None:
                return problem(404, "This post has no picture")
            data = await run_in_threadpool(jpeg_for_model, item.image_path, sha256=item.sha256, max_side=SIDE)
        except Refused as error:
            return problem(error.status, str(error))
        except PictureError as error:
            return problem(404, _MISSING.get(error.reason, f"The picture cannot be shown ({error.reason})"))
        return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

    async def state(self, request: Request) -> Response:
        return JSONResponse({"csrf": request.state.csrf, "home": self.home.id, **self._waiting()})

    async def next(self, request: Request) -> Response:
        """The next post for a rater; 503 while the warehouse cannot be read."""
        try:
            rater = rater_of(request.query_params.get("rater"))
            self.home.nudge()
            if self.desk.snapshot is None:
                await run_in_threadpool(self.home.wait_until_read)
            found = self.desk.next(rater)
        except Refused as error:
            return problem(error.status, str(error))
        except LookupError:
            return problem(503, "Waiting for the warehouse", **self._waiting())
        post = shown(*found, self.desk.rubric_of(found[0].post_id)) if found else None
        return JSONResponse({"post": post, **self._standing(rater)})

    async def post(self, request: Request) -> Response:
        """One post again, with what was judged where this rater has answered on it."""
        try:
            rater = rater_of(request.query_params.get("rater"))
            place, snapshot = self.desk.post(request.path_params["post_id"])
            judged = as_judged(self.desk, rater, place.post_id) if "judged" in request.query_params else None
        except Refused as error:
            return problem(error.status, str(error))
        post = shown(place, snapshot, self.desk.rubric_of(place.post_id))
        return JSONResponse({"post": post, "judged": judged, **self._standing(rater)})

    async def answer(self, request: Request) -> Response:
        """Keep an answer, and show the judge's view. Acknowledged only when it is on disk."""

        def keep(said: dict[str, Any]) -> dict[str, Any]:
            answer = self.desk.answer(said)
            return {"answer_id": answer.answer_id, "judged": as_judged(self.desk, answer.rater, answer.post_id)}

        return await self._kept(request, keep)

    async def undo(self, request: Request) -> Response:
        def keep(said: dict[str, Any]) -> dict[str, Any]:
            rater = rater_of(said.get("rater"))
            answer = self.desk.withdraw(rater, str(said.get("post_id")), str(said.get("answer_id")))
            return {"answer_id": answer.answer_id}

        return await self._kept(request, keep)

    async def skip(self, request: Request) -> Response:
        def later(said: dict[str, Any]) -> dict[str, Any]:
            self.desk.skip(rater_of(said.get("rater")), str(said.get("post_id")))
            return {}

        return await self._kept(request, later)

    async def count(self, request: Request) -> Response:
        """How long a text would be on a platform, by the platform's own counting."""

        def counted(said: dict[str, Any]) -> dict[str, Any]:
            found = as_written(str(said.get("platform")), str(said.get("text"))[:100_000])
            return {name: found[name] for name in ("length", "limit", "violations")}

        return await self._kept(request, counted, standing=False)

    async def _kept(
        self, request: Request, work: Callable[[dict[str, Any]], dict[str, Any]], standing: bool = True
    ) -> Response:
        try:
            said = orjson.loads(await request.body())  # no NaN, no depth without end
            if not isinstance(said, dict):
                return problem(422, "An answer is a JSON object")
            rater = rater_of(said.get("rater")) if standing else ""  # before anything is kept under that name
            result = await run_in_threadpool(work, said)
        except ClientDisconnect:
            return problem(400, "The connection ended in the middle of the answer")
        except (UnicodeDecodeError, ValueError) as error:
            if isinstance(error, ValidationError):
                return problem(422, parsed_detail(error))
            return problem(400, "The answer is not JSON")
        except Refused as error:
            return problem(error.status, str(error))
        except OSError as error:
            return problem(507, f"The answer could not be written ({error.strerror or error}): free some space")
        if standing:
            self.home.nudge()
            result |= self._standing(rater)
        return JSONResponse(result)

    def _standing(self, rater: str) -> dict[str, Any]:
        return {"progress": as_progress(self.desk.progress(rater)), **self._waiting()}

    def _waiting(self) -> dict[str, Any]:
        waiting = self.home.waiting()
        return {"waiting": waiting.answers, "is_read": waiting.is_read, "message": waiting.message}

    def _html(self, template: str, **values: Any) -> Response:
        html = self.templates.get_template(template).render(**values)
        return Response(html, media_type="text/html; charset=utf-8")
