"""posts -> what people say of them: the review page, served beside whatever else runs on the home.

The page's answers go to a file first (components/people/answers.py). One thread does all that needs the warehouse:
reads what is there, and folds answers in. Where a pipeline holds the warehouse it waits, and the page says so; it never
holds it longer than a reading or a writing takes.
"""

import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import PostwrightError, UserError
from components.judgments.rubric import load_rubric, rubric_id, rubric_text
from components.people.answers import Answer, AnswerFile, read_answers
from components.people.app import Waiting, application
from components.people.desk import Desk
from components.people.doors import is_loopback
from components.people.order import AUDIT
from components.people.queries import read_snapshot
from components.people.teaching import GATE
from components.records import content_id
from flows.fold_ratings import fold_answers
from flows.settings import Settings

WAIT_S = 2.0
"""For the warehouse, before the page is told that it waits; then it is tried again."""
READ_S = 20.0
"""For the first reading of a large one, before a browser that waits is told so."""
FOLD_S, REFRESH_S, PAUSE_S = 3.0, 20.0, 0.5


@dataclass(frozen=True)
class Asked:
    """What a session is about: all posts, a campaign's, or a run's; see components/people/order.py for the rest."""

    campaign: str | None = None
    run_id: str | None = None
    rubric: str = "mpwl"
    gate: float = GATE
    audit: float = AUDIT


class Reviewing:
    """The home behind the page (`Home` of components/people/app.py). Use as a context manager: on leaving, what was
    answered is folded in, as far as the warehouse can be had."""

    def __init__(self, settings: Settings, asked: Asked) -> None:
        self.settings, self.asked = settings, asked
        self.store = settings.store()
        self.store.wait_s = WAIT_S
        self.file = AnswerFile(settings.people)
        rubric = load_rubric(asked.rubric).model_dump() | {"id": rubric_id(rubric_text(asked.rubric))}
        self.desk = Desk(self._keep, rubric, asked.gate, asked.audit)
        self.id = content_id("home", str(settings.home.resolve()))
        self.kept = 0
        self._lock = threading.Lock()
        self._pending: dict[str, Answer] = {}
        self._message: str | None = None
        self._read_at, self._asked_at = 0.0, 0.0
        self._awake, self._end, self._tried = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="warehouse", daemon=True)

    def __enter__(self) -> "Reviewing":
        answers, _ = read_answers(self.settings.people)
        self._pending = {answer.answer_id: answer for answer in answers}
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._awake.set()
        self._thread.join(timeout=60)
        self.file.close()

    def waiting(self) -> Waiting:
        with self._lock:
            return Waiting(len(self._pending), self.desk.snapshot is not None, self._message)

    def wait_until_read(self) -> None:
        self._tried.wait(READ_S)

    def nudge(self) -> None:
        self._asked_at = time.monotonic()
        self._awake.set()

    def agreement(self) -> Mapping[str, Any]:
        from flows.read_opinions import read

        with suppress(PostwrightError):  # what waits is told on the page, and is not lost
            self._fold()
        return read(self.store)

    def _keep(self, answer: Answer) -> None:
        self.file.keep(answer)
        with self._lock:
            self._pending[answer.answer_id] = answer
            self.kept += 1

    # The one thread that needs the warehouse

    def _work(self) -> None:
        while not self._end.is_set():
            self._awake.clear()  # before the work: who comes during it is not overlooked
            read = self._try(self._read) if self._is_stale() else True
            self._tried.set()
            folded = self._try(self._fold) if self._pending else True
            self._awake.wait(timeout=REFRESH_S if read and folded else PAUSE_S)
            if read and folded and self._pending:
                self._end.wait(FOLD_S)  # several answers, one write
        self._try(self._fold)

    def _try(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - told on the page; without this thread nothing would be folded
            with self._lock:
                is_known = isinstance(error, PostwrightError)
                self._message = str(error) if is_known else f"{type(error).__name__}: {error}"
            return False
        with self._lock:
            self._message = None
        return True

    def _is_stale(self) -> bool:
        """Never read yet, or read a while ago and somebody is there."""
        return self.desk.snapshot is None or self._asked_at > self._read_at + REFRESH_S

    def _read(self) -> None:
        snapshot = read_snapshot(self.store, self.asked.campaign, self.asked.run_id)
        with self._lock:
            waiting = list(self._pending.values())
        self.desk.read(snapshot, waiting)
        self._read_at = time.monotonic()

    def _fold(self) -> None:
        with self._lock:
            answers = list(self._pending.values())
        if not answers:
            return
        fold_answers(self.store, answers)
        with self._lock:
            for answer in answers:
                self._pending.pop(answer.answer_id, None)


def review_posts(
    settings: Settings,
    asked: Asked,
    host: str,
    port: int,
    token: str | None,
    rater: str,
    told: Callable[[str], None],
) -> int:
    """Serve the page until it is interrupted; `told` gets its address once it can be opened. Returns how many answers
    were given. UserError: there is nothing to review, or the address cannot be had."""
    import uvicorn

    door = listening(host, port)
    if not is_loopback(host) and token is None:
        raise UserError(f"--host {host} is reached from other machines: a token is required")
    address = f"http://{shown_host(host)}:{door.getsockname()[1]}/"
    with door, Reviewing(settings, asked) as home:
        app = application(home, host, token, rater, names=(socket.gethostname(),))
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=200,
            timeout_graceful_shutdown=3,
            h11_max_incomplete_event_size=32_768,
        )
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a terminated page folds its answers, too
        told(address + (f"?token={token}" if token else ""))
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[door])
    return home.kept


def listening(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(place[:2], family=family, backlog=64)
    except (OSError, OverflowError) as error:
        raise UserError(f"cannot serve the review page at {host}:{port} ({error}); choose another: --port N") from None


def shown_host(host: str) -> str:
    """One that a browser can open: 0.0.0.0 is every address of this machine, and none of them."""
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def prepared(settings: Settings, asked: Asked) -> None:
    """The tables and views, brought up to date if the warehouse can be had now; and whether there is anything to
    review, where that can be told."""
    store = settings.store()
    store.wait_s = WAIT_S
    try:
        store.prepare()
        posts = read_snapshot(store, asked.campaign, asked.run_id).posts
    except UserError as error:
        if "held by another process" in str(error):
            return  # the page waits
        raise
    if not posts:
        raise UserError(f"no posts to review in {Path(settings.home)} yet; run a campaign first: postwright demo")
