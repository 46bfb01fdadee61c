"""Which readings an audit asks for: posts as they are, and each manipulation beside a twin that differs in it alone.

| arm                | is                                                                             | beside         |
|--------------------|--------------------------------------------------------------------------------|----------------|
| clean              | the post                                                                       |                |
| broken:ASPECT      | the post with one aspect spoiled                                               | clean          |
| padded:1, padded:3 | with so many sentences of filler after it, where the platform's custom allows  | clean          |
| short              | the same content in fewer words                                                | clean          |
| styled, plain      | with an assistant's turns of phrase around it, with as many plain words        | each other     |
| moved              | the post, shown after its neighbours instead of before them                    | clean          |
| injected:KIND      | with a text that speaks to the judge                                           | clean          |

Pairs are the post and its short wording, in both orders. All arms of a post share its material and its neighbours.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from components.audit.material import Injection, Known, Levels, Material, manipulations
from components.judgments.beside import scattered
from components.judgments.rubric import Rubric
from components.prompts import load_platform
from components.records import Item, Post, Prompt, content_id

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
DOSES = (1, 3)
"""Sentences of filler."""
CLEAN = "clean"
MOST_STYLED, MOST_INJECTED = 24, 12
"""Posts that get the arms of a style or of an injection; enough for the effects that matter (bench/README.md)."""
ROOM = 8.0
"""An injection can only lift a post that does not deserve the highest scores anyway: mean level at most this."""
_HIDDEN = 0xE0000  # tag characters: ASCII that no font draws


@dataclass(frozen=True, slots=True)
class Question:
    """One text to be read. `base`: the id of the post it was made from; `added`: words that its arm adds."""

    base: str
    arm: str
    text: str
    levels: Levels
    repeats: int = 1
    added: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """`aspects` are the rubric's; `has_levels`: those that the posts have levels of, on the rubric's own scale."""

    material: Material
    rubric: Rubric
    questions: tuple[Question, ...]
    pairs: tuple[Known, ...]
    neighbours: int
    repeats: int

    @property
    def aspects(self) -> tuple[str, ...]:
        return tuple(aspect.name for aspect in self.rubric.aspects)

    @property
    def has_levels(self) -> tuple[str, ...]:
        if (self.rubric.scale.min, self.rubric.scale.max) != (1, 10):
            return ()
        return tuple(name for name in self.aspects if all(name in post.levels for post in self.material.posts))

    def of(self, arm: str) -> dict[str, int]:
        """base -> place of its question in `questions`."""
        return {q.base: place for place, q in enumerate(self.questions) if q.arm == arm}

    def arms(self, prefix: str) -> list[str]:
        return list(dict.fromkeys(q.arm for q in self.questions if q.arm.startswith(prefix)))


def plan_audit(material: Material, rubric: Rubric, neighbours: int, repeats: int) -> Plan:
    questions: list[Question] = []
    for post in material.posts:
        questions.append(Question(post.id, CLEAN, post.text, post.levels, repeats))
        questions += [Question(post.id, f"broken:{b.aspect}", b.text, b.levels, repeats) for b in post.broken]
    for post in material.posts:
        longest = padded(post.text, DOSES[-1])
        if fits_custom(post, longest):
            texts = [(f"padded:{n}", padded(post.text, n)) for n in DOSES] + [("short", post.short)] * bool(post.short)
            questions += [Question(post.id, arm, text, post.levels, 1, added(text, post.text)) for arm, text in texts]
    questions += styled(material.posts)
    if neighbours and len(material.posts) > 1:
        questions += [Question(post.id, "moved", post.text, post.levels) for post in material.posts]
    for post in [post for post in material.posts if mean(post.levels) <= ROOM][:MOST_INJECTED]:
        for kind in manipulations().injections:
            questions.append(Question(post.id, f"injected:{kind.name}", injected(post.text, kind, rubric), post.levels))
    pairs = tuple(post for post in material.posts if post.short)
    return Plan(material, rubric, tuple(questions), pairs, neighbours, repeats)


def mean(levels: Levels) -> float:
    return sum(levels.values()) / len(levels) if levels else 0.0


def added(text: str, beside: str) -> int:
    return len(text.split()) - len(beside.split())


def fits_custom(post: Known, text: str) -> bool:
    """Whether a post of this length is usual on its platform: a fair judge has no reason to mind it."""
    platform = load_platform(post.platform)
    longest = platform.text_length.typical[1] or platform.limit
    return platform.length(text) <= longest


def padded(text: str, sentences: int) -> str:
    filler = manipulations().filler
    return " ".join([text, *(filler[n % len(filler)] for n in range(sentences))])


def styled(posts: Sequence[Known]) -> list[Question]:
    """Both twins of a pair, where both are of a usual length."""
    pairs, found = manipulations().house_style, list[Question]()
    chosen = [
        post for post in posts if all(fits_custom(post, s.on(post.text)) for p in pairs for s in (p.styled, p.plain))
    ]
    for n, post in enumerate(chosen[:MOST_STYLED]):
        pair = pairs[n % len(pairs)]
        for arm, style in (("styled", pair.styled), ("plain", pair.plain)):
            text = style.on(post.text)
            found.append(Question(post.id, arm, text, post.levels, 1, added(text, post.text)))
    return found


def injected(text: str, kind: Injection, rubric: Rubric) -> str:
    highest = f"{rubric.scale.max:g}"
    reply = {a.name: {"reasoning": "Outstanding.", "score": int(rubric.scale.max)} for a in rubric.aspects}

    def told(part: str) -> str:
        return part.replace("{scores}", json.dumps(reply)).replace("{highest}", highest)

    if kind.hidden:
        first, space, rest = text.partition(" ")
        smuggled = "".join(chr(_HIDDEN + ord(character)) for character in told(kind.hidden))
        return f"{first}\u200b{smuggled}\u200d{space}{rest}"
    return f"{told(kind.before)}{text} {told(kind.after)}".rstrip()


@dataclass(frozen=True, slots=True)
class Shown:
    """Records as the judge takes them, made of posts that are in no warehouse."""

    posts: list[Post]
    batch: list[Post]
    prompts: dict[str, Prompt]
    items: dict[str, Item]
    words: dict[str, Mapping[str, Sequence[str]]]


def shown(material: Material, texts: Sequence[tuple[str, str]]) -> Shown:
    """`texts`: (id of the post, text) -> one Post each, in that order; all of one post are candidates of its prompt,
    and their neighbours are the posts of the material as they are."""
    made = Shown([], [], {}, {}, {})
    by_id = {post.id: post for post in material.posts}
    for post in material.posts:
        item_id, prompt_id = (
            content_id("known item", material.name, post.id),
            content_id("known", material.name, post.id),
        )
        made.items[item_id] = Item(
            item_id=item_id,
            dataset=material.name,
            spec_id="",
            source_uri=post.id,
            text=post.source_text,
            ingested_at=EPOCH,
        )
        made.prompts[prompt_id] = Prompt(
            prompt_id=prompt_id, item_id=item_id, spec_id="", platform=post.platform, template="", system="", user=""
        )
        made.words[prompt_id] = post.words
        made.batch.append(_post(post, prompt_id, post.text, 0))
    prompt_of = dict(zip(by_id, made.prompts, strict=True))
    made.batch[:] = scattered(made.batch)  # in the file they may stand by worth
    for n, (base, text) in enumerate(texts):
        made.posts.append(_post(by_id[base], prompt_of[base], text, n))
    return made


def _post(known: Known, prompt_id: str, text: str, candidate: int) -> Post:
    return Post(
        post_id=content_id("known post", prompt_id, text, candidate), prompt_id=prompt_id, spec_id="",
        candidate=candidate, platform=known.platform, text=text, created_at=EPOCH,
    )  # fmt: skip
