"""Who has which post before them, who answered what, and what may be shown to whom: the page's rules, without a page.

In memory, behind one lock; what has to last goes to `keep` before it counts. The judge's view of a post is given out
only to who has answered on it, and what is said afterwards is marked as said with the judge seen.
"""

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from components.people.answers import RATER, Answer, Slice
from components.people.order import AUDIT, Place, next_place, order
from components.people.queries import Judge, Row, Snapshot
from components.people.teaching import GATE, teaching
from components.report.texts import platform_of

HELD_S = 600.0
"""How long a post counts as being before the person it was given to."""
LONGEST_S = 3600.0
ENOUGH_TIMES = 5
"""Answers from which on a guess of the time left is shown."""


class Refused(Exception):
    """What was asked for cannot be done; `status` is an HTTP status, the text is for people."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one rater: `seconds` is the median per post."""

    done: int
    total: int
    audit_done: int
    audit_total: int
    seconds: float | None
    seconds_left: float | None


class Desk:
    """One home's posts, and the people before them. `keep` makes an answer last, or raises OSError."""

    def __init__(
        self,
        keep: Callable[[Answer], None],
        rubric: Mapping[str, Any],
        gate: float = GATE,
        audit: float = AUDIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keep, self._rubric, self._gate, self._audit, self._clock = keep, rubric, gate, audit, clock
        self._rubrics = {rubric["id"]: rubric}  # by which posts were, or may have been, shown
        self._lock = threading.RLock()
        self._snapshot: Snapshot | None = None
        self._places: dict[str, Place] = {}
        self._gone: dict[str, tuple[Place, Snapshot]] = {}
        self._said: dict[str, dict[str, Slice]] = {}
        self._seconds: dict[str, dict[str, float]] = {}
        self._seen: set[tuple[str, str]] = set()
        self._skipped: dict[str, dict[str, None]] = {}
        self._held: dict[str, tuple[str, float]] = {}
        self._answers: dict[str, Answer] = {}

    # What is known

    @property
    def snapshot(self) -> Snapshot | None:
        return self._snapshot

    def read(self, snapshot: Snapshot, answers: Sequence[Answer] = ()) -> None:
        """Take in what the warehouse holds now, and answers that it may not hold yet."""
        rivals: dict[str, list[str]] = {}
        for post in snapshot.posts.values():
            rivals.setdefault(post["prompt_id"], []).append(post["post_id"])
        signals = {post_id: snapshot.signals(post_id, rivals) for post_id in snapshot.posts}
        places = order({p: teaching(s, self._gate) for p, s in signals.items()}, self._audit)
        with self._lock:
            if (before := self._snapshot) is not None:
                self._gone |= {p: (place, before) for p, place in self._places.items() if p not in snapshot.posts}
            self._snapshot, self._places = snapshot, {place.post_id: place for place in places}
            self._rubrics |= {judge.rubric["id"]: judge.rubric for judge in snapshot.judges.values()}
            self._seen |= {(row["rater"], row["post_id"]) for row in snapshot.seen}
            self._said, self._seconds = {}, {}
            for row in snapshot.said:
                self._note(row["rater"], row["post_id"], row["slice"], row["seconds"])
            for answer in sorted([*self._answers.values(), *answers], key=lambda answer: answer.at):
                self._take_in(answer)

    def _place(self, post_id: str) -> tuple[Place, Snapshot]:
        """Also of a post that was there before, and may still be on someone's screen. Refused (503, so that the browser
        keeps what it has and asks again) before the first reading: till then no post is known to be missing."""
        if self._snapshot is None:
            raise Refused(503, "Waiting for the warehouse")
        if post_id in self._places:
            return self._places[post_id], self._snapshot
        if post_id in self._gone:
            return self._gone[post_id]
        raise Refused(404, "There is no such post in this home")

    def rubric_of(self, post_id: str) -> Mapping[str, Any]:
        """That of the judge who reads most, of those that read it; else the one of this session."""
        _, snapshot = self._place(post_id)
        judges = [judge for judge in snapshot.readings.get(post_id, {}) if judge in snapshot.judges]
        read = {judge: sum(judge in by for by in snapshot.readings.values()) for judge in judges}
        main = min(judges, key=lambda judge: (-read[judge], judge), default=None)
        return snapshot.judges[main].rubric if main else self._rubric

    def _rubric_of(self, said: Mapping[str, Any], post_id: str) -> Mapping[str, Any]:
        """The one that the person went by, as the page names it: a judge with another may have read the post since.
        Refused (409) where its text is not known here, as after a start with another rubric."""
        if (named := said.get("rubric_id")) is None:
            return self.rubric_of(post_id)
        if (rubric := self._rubrics.get(str(named))) is None:
            raise Refused(409, "The rubric that you rated by is not used here any more; rate the post by the one shown")
        return rubric

    # What people do

    def next(self, rater: str) -> tuple[Place, Snapshot] | None:
        """The post that comes next; None: nothing is left. LookupError: nothing has been read yet."""
        with self._lock:
            if self._snapshot is None:
                raise LookupError("the warehouse has not been read yet")
            now = self._clock()
            held = {p for p, (who, since) in self._held.items() if who != rater and now - since < HELD_S}
            others = {p for who, said in self._said.items() if who != rater for p in said}
            done = self._said.get(rater, {})
            place = next_place(
                list(self._places.values()), done, self._audit, self._skipped.get(rater, {}), held | others
            )
            if place is None:
                return None
            self._held[place.post_id] = (rater, now)
            return place, self._snapshot

    def post(self, post_id: str) -> tuple[Place, Snapshot]:
        with self._lock:
            return self._place(post_id)

    def skip(self, rater: str, post_id: str) -> None:
        with self._lock:
            self._place(post_id)
            skipped = self._skipped.setdefault(rater, {})
            skipped.pop(post_id, None)
            skipped[post_id] = None
            self._held.pop(post_id, None)

    def answer(self, said: Mapping[str, Any]) -> Answer:
        """Keep what a person said. The slice, the time and whether the judge was seen are not theirs to say.

        One `answer_id` is kept once, however often it arrives. Refused (422) says what is wrong with it.
        """
        with self._lock:
            if (known := self._answers.get(str(said.get("answer_id")))) is not None:
                return known
            place, snapshot = self._place(str(said.get("post_id")))
            post, rubric = snapshot.posts[place.post_id], self._rubric_of(said, place.post_id)
            rater = rater_of(said.get("rater"))
            seconds = said.get("seconds")
            answer = Answer.model_validate(
                {
                    **said,
                    "rater": rater,
                    "rubric": rubric["name"],
                    "rubric_id": rubric["id"],
                    "original": post["text"] if said.get("decision") == "edit" else None,
                    "slice": place.slice,
                    "seconds": min(seconds, LONGEST_S) if isinstance(seconds, int | float) else seconds,
                    "saw_judge": (rater, place.post_id) in self._seen,
                    "at": self._moment(),
                }
            )
            answer = sound(answer, post, rubric)
            self._keep(answer)
            self._take_in(answer)
            return answer

    def withdraw(self, rater: str, post_id: str, answer_id: str) -> Answer:
        """Take back what this rater said of this post."""
        with self._lock:
            if (known := self._answers.get(answer_id)) is not None:
                return known
            place, _ = self._place(post_id)
            said = [one for one in self._answers.values() if (one.rater, one.post_id) == (rater, post_id)]
            before = max(said, key=lambda one: one.at, default=None)
            if before is None or before.decision == "withdraw":
                raise Refused(409, "You have not answered on this post in this session, so there is nothing to undo")
            answer = Answer(
                answer_id=answer_id,
                post_id=post_id,
                rater=rater,
                rubric=before.rubric,
                rubric_id=before.rubric_id,
                scores=dict.fromkeys(aspect for one in said for aspect in one.scores),
                decision="withdraw",
                slice=place.slice,
                saw_judge=True,
                at=self._moment(),
            )
            self._keep(answer)
            self._take_in(answer)
            return answer

    def _moment(self) -> datetime:
        """Now, or just after the latest answer where the clock was set back since: what was said last counts."""
        now, latest = datetime.now(UTC), max((answer.at for answer in self._answers.values()), default=None)
        return now if latest is None or now > latest else latest + timedelta(microseconds=1)

    def judged(self, rater: str, post_id: str) -> tuple[Place, dict[str, dict[str, Row]], dict[str, Judge]]:
        """The judges' readings, for who has answered on the post; from then on they have seen it."""
        with self._lock:
            place, snapshot = self._place(post_id)
            if (rater, post_id) not in self._seen and post_id not in self._said.get(rater, {}):
                raise Refused(403, "The judge's view is shown once you have answered")
            self._seen.add((rater, post_id))
            return place, snapshot.readings.get(post_id, {}), snapshot.judges

    # How far they are

    def progress(self, rater: str) -> Progress:
        with self._lock:
            done = {p: s for p, s in self._said.get(rater, {}).items() if self._snapshot and p in self._snapshot.posts}
            audit = {place.post_id for place in self._places.values() if place.slice == "audit"}
            times = list(self._seconds.get(rater, {}).values())
            typical = median(times) if times else None
            left = len(self._places) - len(done)
            return Progress(
                done=len(done),
                total=len(self._places),
                audit_done=len(audit & set(done)),
                audit_total=len(audit),
                seconds=typical,
                seconds_left=typical * left if typical is not None and len(times) >= ENOUGH_TIMES else None,
            )

    def _take_in(self, answer: Answer) -> None:
        self._answers[answer.answer_id] = answer
        self._seen.add((answer.rater, answer.post_id))  # the judge's view comes with the acknowledgement
        if answer.decision == "withdraw":
            self._said.get(answer.rater, {}).pop(answer.post_id, None)
            self._seconds.get(answer.rater, {}).pop(answer.post_id, None)
            return
        self._note(answer.rater, answer.post_id, answer.slice, answer.seconds)

    def _note(self, rater: str, post_id: str, slice: Slice, seconds: float | None) -> None:
        self._said.setdefault(rater, {})[post_id] = slice
        self._skipped.get(rater, {}).pop(post_id, None)
        self._held.pop(post_id, None)
        if seconds is not None:
            self._seconds.setdefault(rater, {})[post_id] = seconds


def sound(answer: Answer, post: Row, rubric: Mapping[str, Any]) -> Answer:
    """The answer, if it can stand: scores of this rubric on its scale, an edit that changes something and says why."""
    known = {aspect["name"] for aspect in rubric["aspects"]}
    low, high = rubric["scale"]["min"], rubric["scale"]["max"]
    for aspect, score in answer.scores.items():
        if aspect not in known:
            raise Refused(422, f"{aspect!r} is no aspect of the rubric {rubric['name']}")
        if score is None or not low <= score <= high:
            raise Refused(422, f"{aspect}: {score} is not in {low:g} to {high:g}")
    if answer.decision == "withdraw":
        raise Refused(422, "To take an answer back, use undo")
    if not answer.scores and answer.decision is None:
        raise Refused(422, "There is neither a score nor a decision")
    if answer.decision in ("edit", "reject") and not (answer.reason or "").strip():
        raise Refused(422, f"Say why: {'an edit' if answer.decision == 'edit' else 'a rejection'} needs a reason")
    if answer.decision != "edit":
        if answer.text is not None or answer.alt_text is not None:
            raise Refused(422, "Only an edit changes a text")
        return answer
    text = answer.text if answer.text and answer.text != post["text"] else None
    alt_text = answer.alt_text if answer.alt_text and answer.alt_text != (post["alt_text"] or "") else None
    if (text is None or not text.strip()) and (alt_text is None or not alt_text.strip()):
        raise Refused(422, "The edit changes nothing; approve or reject the post instead")
    platform = platform_of(post["platform"])
    if platform and alt_text and (broken := platform.alt_text_violations(alt_text)):
        raise Refused(422, f"{platform.name} would refuse it ({broken[0]} characters): say it shorter")
    return answer.model_copy(update={"text": text, "alt_text": alt_text})


def rater_of(name: Any) -> str:
    """A name people sign with; Refused when it is none."""
    if not isinstance(name, str) or not re.match(RATER, name.strip()) or not name.strip().isprintable():
        raise Refused(422, "Give your name: up to 64 characters on one line")
    return name.strip()
