"""Sameness within a feed: self-BLEU, likeness to the posts before, reused openings, near-duplicates.

Read: the batch's texts in the order of time. Candidates of one prompt, and posts on one item, share their subject by
design and are never compared. What a post is compared with are the posts that are there when it is measured.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from components.learning.near_duplicates import SHINGLES_SHARED, text_key
from components.learning.pairs import within_jaccard
from components.measures.batch import Batch, Found
from components.measures.sources import OWN, named
from components.measures.vectors import TextVectors, unit
from components.posts.duplicates import words_of
from components.records import Post, content_id
from components.specs.measures import MeasureSpec

if TYPE_CHECKING:
    from sacrebleu.metrics import BLEU

OPENING = 5
"""Words; as in data_checks/posts.py."""
SHOWN = 10
"""Posts that are named as near-duplicates."""
WINDOW = 256
"""Posts whose earlier posts are compared at a time: bounded memory."""


class Variety:
    """Made once for a batch: openings, near-duplicates and references are those of all its posts."""

    def __init__(self, batch: Batch, vectors: TextVectors, spec: MeasureSpec) -> None:
        self.batch, self.vectors, self.spec = batch, vectors, spec
        self._openings = self._items_by_opening()
        self._twins = Twins(batch)
        self._drawn = sorted(batch.posts, key=lambda post: content_id("reference", spec.seed, post.post_id))
        self._said = {post.post_id: " ".join(words_of(post.text or "")) for post in batch.posts}
        self._bleu: BLEU | None = None

    def __call__(self, posts: Sequence[Post]) -> Iterator[Found]:
        for start in range(0, len(posts), WINDOW):
            yield from self._similar(posts[start : start + WINDOW])
        for post in posts:
            yield self._self_bleu(post)
            yield self._opening(post)
            yield self._twins.of(post)

    def _self_bleu(self, post: Post) -> Found:
        model, own = named("sacrebleu"), self.batch.item(post)
        if not self._said[post.post_id]:
            return Found(post.post_id, "self_bleu", model, error="wordless")
        references = []
        for other in self._drawn:
            if self.batch.item(other) != own:
                references.append(self._said[other.post_id])
            if len(references) == self.spec.references:
                break
        if not references:
            return Found(post.post_id, "self_bleu", model, error="too_few")
        score = self._scorer().sentence_score(self._said[post.post_id], references).score / 100
        return Found(post.post_id, "self_bleu", model, round(score, 5), detail={"references": len(references)})

    def _scorer(self) -> Any:
        """Sentence BLEU as sacrebleu gives it: eff:yes, smooth:exp. Words are parted as for all measures here."""
        if self._bleu is None:
            from sacrebleu.metrics import BLEU

            self._bleu = BLEU(effective_order=True, tokenize="none")
        return self._bleu

    def _similar(self, posts: Sequence[Post]) -> Iterator[Found]:
        texts, model = self.batch.texts, self.vectors.models.revisions["text_encoder"]
        able = [post for post in posts if texts[post.post_id]]
        yield from (Found(p.post_id, "similar_before", model, error="wordless") for p in posts if not texts[p.post_id])
        before = {post.post_id: self._before(post) for post in able}
        needed = sorted({post.post_id for post in able}.union(*before.values()))
        if not needed:
            return
        place = {post_id: at for at, post_id in enumerate(needed)}
        rows = unit(self.vectors.sentence([texts[post_id] for post_id in needed]))
        for post in able:
            earlier = before[post.post_id]
            if not earlier:
                yield Found(post.post_id, "similar_before", model, error="too_few")
                continue
            cosines = np.round(rows[[place[other] for other in earlier]] @ rows[place[post.post_id]], 5)
            best = int(np.argmax(cosines))
            detail = {"to": earlier[best], "of": len(earlier)}
            yield Found(post.post_id, "similar_before", model, round(float(cosines[best]), 5), detail=detail)

    def _before(self, post: Post) -> list[str]:
        """The last posts before it that are on other items and have words, latest first."""
        own, found = self.batch.item(post), []
        for at in range(self.batch.position[post.post_id] - 1, -1, -1):
            other = self.batch.posts[at]
            if self.batch.item(other) != own and self.batch.texts[other.post_id]:
                found.append(other.post_id)
                if len(found) == self.spec.last:
                    break
        return found

    def _opening(self, post: Post) -> Found:
        begins = opening(post.text or "")
        others = self._openings[begins] - Counter({self.batch.item(post): len(self.batch.posts)})
        return Found(post.post_id, "opening_reused", OWN, float(others.total()), label=begins or None)

    def _items_by_opening(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for post in self.batch.posts:
            if begins := opening(post.text or ""):
                found[begins][self.batch.item(post)] += 1
        return found


def opening(text: str) -> str:
    """The first five words in lower case, signs left on; "" for a text of fewer, which has no opening but is one."""
    words = text.lower().split()
    return " ".join(words[:OPENING]) if len(words) >= OPENING else ""


class Twins:
    """Which posts are nearly the same, whatever their links, mentions, case and punctuation; of different items."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._key = {post.post_id: text_key(post.text or "", with_picture=False) or "" for post in batch.posts}
        self._posts: dict[str, list[Post]] = defaultdict(list)
        for post in batch.posts:
            self._posts[self._key[post.post_id]].append(post)
        self._items = {key: Counter(map(batch.item, posts)) for key, posts in self._posts.items()}
        self._near: dict[str, list[str]] = defaultdict(list)
        keys = sorted(self._posts)
        for left, right in within_jaccard(keys, SHINGLES_SHARED):
            for i, j in zip(left.tolist(), right.tolist(), strict=True):
                self._near[keys[i]].append(keys[j])
                self._near[keys[j]].append(keys[i])

    def of(self, post: Post) -> Found:
        own, key = self._batch.item(post), self._key[post.post_id]
        keys = [key, *self._near[key]]
        n = sum(self._items[one].total() - self._items[one][own] for one in keys)
        shown: list[str] = []
        for one in keys if n else ():
            others = (twin.post_id for twin in self._posts[one] if self._batch.item(twin) != own)
            shown += islice(others, SHOWN - len(shown))
        return Found(post.post_id, "near_duplicates", OWN, float(n), detail={"posts": shown} if n else {})
