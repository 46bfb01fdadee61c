"""What a person answers on the page, and the file in which each answer is kept before anything else happens.

One file per process, appended to and forced to disk, so that a kill, a full disk or a warehouse that another process
holds loses nothing that was acknowledged. Reading takes the whole lines of all files; the end of a line that was cut
was never acknowledged. From here answers are folded into `ratings` and `reviews`, as often as one likes: ids are by
content.
"""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.people.diffs import dumped, word_diff
from components.records import Rating, Review, storable

Decision = Literal["approve", "reject", "edit", "withdraw"]
Slice = Literal["queue", "audit", "import"]
LONGEST_TEXT = 100_000
"""Characters: more than any platform takes."""
RATER = r"^\S(.{0,62}\S)?$"


class Answer(BaseModel):
    """One person's answer on one post: scores, a decision, or both. `original` is the post's text when it was edited.

    A `withdraw` takes back this rater's scores of the aspects in `scores`, whose values are null, and the decision.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    answer_id: str = Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")
    post_id: str = Field(pattern=r"^[0-9a-f]{20}$")
    rater: str = Field(pattern=RATER)
    rubric: str = Field(min_length=1, max_length=200)
    rubric_id: str | None = Field(default=None, pattern=r"^[0-9a-f]{20}$")
    scores: dict[str, float | None]
    decision: Decision | None = None
    reason: str | None = Field(default=None, max_length=2_000)
    text: str | None = Field(default=None, max_length=LONGEST_TEXT)
    alt_text: str | None = Field(default=None, max_length=LONGEST_TEXT)
    original: str | None = None
    slice: Slice
    seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    saw_judge: bool
    at: datetime

    def ratings(self) -> list[Rating]:
        return [
            Rating(
                rating_id=Rating.make_id(
                    self.post_id, self.rater, self.rubric, aspect, score, self.saw_judge, self.at, self.rubric_id
                ),
                post_id=self.post_id,
                rater=self.rater,
                rubric=self.rubric,
                aspect=aspect,
                score=score,
                slice=self.slice,
                seconds=self.seconds,
                saw_judge=self.saw_judge,
                created_at=self.at,
                rubric_id=self.rubric_id,
            )
            for aspect, score in self.scores.items()
        ]

    def review(self) -> Review | None:
        if self.decision is None:
            return None
        said = {name: storable(value) if value else None for name, value in self._words().items()}
        diff = None
        if said["text"] is not None:
            diff = dumped(word_diff(storable(self.original or ""), said["text"]))
        return Review(
            review_id=Review.make_id(self.post_id, self.rater, self.decision, said, self.at),
            post_id=self.post_id,
            rater=self.rater,
            decision=self.decision,
            diff=diff,
            slice=self.slice,
            seconds=self.seconds,
            saw_judge=self.saw_judge,
            created_at=self.at,
            **said,
        )

    def _words(self) -> dict[str, str | None]:
        return {"reason": self.reason, "text": self.text, "alt_text": self.alt_text}


class AnswerFile:
    """The file of this process; made with its first answer."""

    def __init__(self, folder: Path) -> None:
        began = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        self.path = folder / f"{began}-{os.getpid()}-{os.urandom(3).hex()}.jsonl"
        self._lock = threading.Lock()
        self._file: int | None = None

    def keep(self, answer: Answer) -> None:
        """Returns once the answer is on disk. OSError: it is not, nor any part of it."""
        line = (answer.model_dump_json() + "\n").encode("utf-8")
        with self._lock:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                _sync_folder(self.path.parent)
            size = os.fstat(self._file).st_size
            try:
                if os.write(self._file, line) != len(line):
                    raise OSError(28, "no space left for the whole answer")
                os.fsync(self._file)
            except OSError:
                os.ftruncate(self._file, size)
                raise

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None


def read_answers(folder: Path) -> tuple[list[Answer], list[str]]:
    """All whole answers of a home, each once, in the order in which they were given; and what could not be read, as
    `file:line: why`."""
    found: dict[str, Answer] = {}
    wrong: list[str] = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in _whole_lines(path):
            try:
                answer = Answer.model_validate_json(line)
            except ValidationError as error:
                wrong.append(f"{path.name}:{number}: {error.errors()[0]['msg']}")
                continue
            found.setdefault(answer.answer_id, answer)
    return sorted(found.values(), key=lambda answer: (answer.at, answer.answer_id)), wrong


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    data = path.read_bytes()
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        if line.strip():
            yield number, line


def _sync_folder(folder: Path) -> None:
    """A new file's name is on disk only once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def parsed_detail(error: ValidationError) -> str:
    """The first thing that is wrong with a message, for who sent it."""
    first: Any = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the message"
    return f"{where}: {first['msg']}"
