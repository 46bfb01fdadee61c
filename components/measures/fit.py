"""Whether a post fits its picture, and better than others do: cosines of CLIP, ranks among hard negatives, an alarm.

Read: the posts' texts and the pictures' vectors, which stand among the features. Pictures are compared by the sentence
of a post that fits each best: of drawn pictures this finds the right one for every post, the whole text for half. A
picture with the same bytes, or one that CLIP can hardly tell apart (SAME), is no other picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.measures.alarm import Alarm, calibrate
from components.measures.batch import Batch, Floats, Found
from components.measures.vectors import TextVectors, parted
from components.records import Post, content_id
from components.specs.measures import MeasureSpec

SAME = 0.995
"""Cosine of two pictures from which on they count as one: a crop, another compression."""
OTHERS = 1000
"""Other pictures that a post is held against, at most: drawn by the seed, so that a larger batch costs no more."""
CALIBRATED_ON = 400
"""Posts that the alarm is calibrated on, at most."""
NAMES = ("clip", "clip_best", "clip_rank", "clip_margin", "contradiction")


@dataclass(frozen=True)
class Compared:
    """Of n posts: `whole` (n,) cosine of the text with the own picture; of the sentence that fits best `own` (n,) with
    the own picture and `others` (n, m) with the other pictures of the batch, -inf where one is no other; `likeness`
    (n, m) of those to the own picture, -inf there too."""

    whole: Floats
    own: Floats
    others: Floats
    likeness: Floats


class Fit:
    """Made once for a batch; the alarm is calibrated when it is first asked for."""

    def __init__(self, batch: Batch, vectors: TextVectors, spec: MeasureSpec) -> None:
        self.batch, self.vectors, self.spec = batch, vectors, spec
        self.model = vectors.models.revisions["clip"]
        pictures = batch.pictures
        drawn = sorted(range(len(pictures.ids)), key=lambda at: content_id("picture", spec.seed, pictures.ids[at]))
        self._places = np.array(sorted(drawn[:OTHERS]), dtype=np.int64)
        self._alarm: Alarm | None = None

    def __call__(self, posts: Sequence[Post]) -> Iterator[Found]:
        seen = [post for post in posts if self.has_picture(post) and self.batch.texts[post.post_id]]
        known = {post.post_id for post in seen}
        for post in posts:
            if post.post_id not in known:
                error = "wordless" if self.has_picture(post) else "no_picture"
                yield from (Found(post.post_id, name, self.model, error=error) for name in NAMES)
        if not seen:
            return
        compared = self.compare(seen)
        for at, post in enumerate(seen):
            yield Found(post.post_id, "clip", self.model, round(float(compared.whole[at]), 5))
            yield from self._of(post, float(compared.own[at]), compared.others[at], compared.likeness[at])

    def has_picture(self, post: Post) -> bool:
        return self.batch.item(post) in self.batch.pictures.place

    def compare(self, posts: Sequence[Post]) -> Compared:
        """Of posts that have a picture and a text."""
        pictures = self.batch.pictures
        texts = [self.batch.texts[post.post_id] for post in posts]
        own = pictures.vectors[[pictures.place[self.batch.item(post)] for post in posts]]
        shown = pictures.vectors[self._places]
        parts, starts = parted(texts)
        read, of_part = self.vectors.clip(parts), np.repeat(own, np.diff([*starts, len(parts)]), axis=0)
        likeness = own @ shown.T
        return Compared(
            (self.vectors.clip(texts) * own).sum(1),
            np.maximum.reduceat((read * of_part).sum(1), starts),
            np.where(likeness >= SAME, -np.inf, np.maximum.reduceat(read @ shown.T, starts, axis=0)),
            np.where(likeness >= SAME, -np.inf, likeness),
        )

    def _of(self, post: Post, own: float, others: Floats, likeness: Floats) -> Iterator[Found]:
        post_id, model = post.post_id, self.model
        yield Found(post_id, "clip_best", model, round(own, 5))
        there = np.isfinite(others)
        if not there.any():
            yield from (Found(post_id, name, model, error="too_few") for name in NAMES[2:])
            return
        nearest = np.argsort(-np.round(likeness, 5), kind="stable")[: min(self.spec.negatives, int(there.sum()))]
        rank = 1 + int((np.round(others[nearest], 5) > round(own, 5)).sum())
        yield Found(post_id, "clip_rank", model, float(rank), detail={"of": len(nearest) + 1})
        best = int(np.argmax(np.round(others, 5)))
        lead = round(own - float(others[best]), 5)
        fits_best = self.batch.pictures.ids[self._places[best]]
        beside = {"other": fits_best, "pictures": int(there.sum()) + 1}
        yield Found(post_id, "clip_margin", model, lead, detail=beside)
        alarm = self.alarm()
        if alarm.margin is None:
            yield Found(post_id, "contradiction", model, error="too_few", detail=alarm.told())
            return
        raised = -lead > alarm.margin
        told = alarm.told() | ({"other": fits_best, "by": -lead} if raised else {})
        yield Found(post_id, "contradiction", model, float(raised), detail=told)

    def alarm(self) -> Alarm:
        """Calibrated on posts of the batch: as they are, and each put under a picture that is not its own."""
        if self._alarm is None:
            able = [post for post in self.batch.posts if self.has_picture(post) and self.batch.texts[post.post_id]]
            drawn = sorted(able, key=lambda post: content_id("calibrate", self.spec.seed, post.post_id))[:CALIBRATED_ON]
            right, swapped = excesses(self.compare(drawn), self.swap(drawn)) if drawn else (np.zeros(0), np.zeros(0))
            self._alarm = calibrate(right, swapped, self.spec.false_alarms, self.spec.margin)
        return self._alarm

    def swap(self, posts: Sequence[Post]) -> NDArray[np.int64]:
        """For each post the column of a picture that is not its own, drawn by the seed; -1 where there is none."""
        likeness = self.batch.pictures.vectors[[self.batch.pictures.place[self.batch.item(post)] for post in posts]] @ (
            self.batch.pictures.vectors[self._places].T
        )
        rng = np.random.default_rng(self.spec.seed)
        found = []
        for row in likeness:
            able = np.flatnonzero(row < SAME)
            found.append(int(rng.choice(able)) if len(able) else -1)
        return np.array(found, dtype=np.int64)


def excesses(compared: Compared, swapped: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By how much another picture fits better than the own one, and than the one of `swapped`; both in cosine.

    For a swapped pair the own picture is left out of the others: whoever makes a post up has no picture of it.
    """
    best = compared.others.max(1)
    right = (best - compared.own)[np.isfinite(best)].astype(np.float64)
    wrong = []
    for row, column in zip(compared.others, swapped, strict=True):
        rest = np.delete(row, column) if column >= 0 else row[:0]
        if column >= 0 and np.isfinite(rest).any():
            wrong.append(float(rest.max() - row[column]))
    return right, np.array(wrong, dtype=np.float64)
