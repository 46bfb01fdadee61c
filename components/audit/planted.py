"""Judges with one known fault each, and a fair one: what the audit of a judge is tested with.

They answer chat completions like any offline model (`offline/planted-length`), but know the posts of the shipped
material and their levels: the fair judge says a post's level, off by a taste of its own for each post and aspect, which
stays, and by noise, which differs with every reading. The others do the same and then what their fault makes of it.
Only posts of the material can be asked about.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.audit.asking import Answers
from components.audit.material import load_material, manipulations
from components.audit.plan import Plan
from components.chat.offline.appeals import without_appeals
from components.chat.offline.opinion import read_material
from components.prompts.escaping import clean, unescape

VERSION = 1  # bump when one would answer differently
LOWEST, HIGHEST, STEP = 1.0, 10.0, 0.5
TASTE, TASTE_OF_ASPECT = 0.4, 0.5
"""Standard deviations between judge and levels that stay with a post, in points."""
NOISE, NOISE_OF_ASPECT = 0.4, 0.7
"""Standard deviations between two readings of one text, in points: of the whole post, and of each aspect."""
TIE = 0.25
"""Between two posts that lie less than this apart a comparison ties."""

_PAIR = re.compile(r"<post_([a-z]{2})>(.*?)</post_\1>", re.DOTALL)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a fault can react to. `levels` in the order of the aspects asked for; `added`: words more than the post has
    as it is; `moved`: it stands behind its neighbours; `styled`: it has an assistant's turns of phrase; `appeals`: it
    speaks to its judge."""

    levels: tuple[float, ...]
    added: int = 0
    moved: bool = False
    styled: bool = False
    appeals: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """`says`: the strength in words. `single`: scores before noise -> scores; `first`: points that the first of two
    texts has ahead. `noise` multiplies the judge's noise. `raises`: the probes that have to see it."""

    says: str
    raises: tuple[str, ...]
    single: Callable[[Floats, Seen], Floats] = lambda scores, seen: scores
    first: float = 0.0
    noise: float = 1.0


MIDDLE = (LOWEST + HIGHEST) / 2
FAULTS: dict[str, Fault] = {
    "clean": Fault("fair, with taste and noise", ()),
    "position": Fault(
        "1 point more to the text that stands first of two, or last in its message",
        ("pair_position", "context_position"), lambda scores, seen: scores + seen.moved, first=1.0,
    ),
    "length": Fault("1 point more for 50 words more", ("length",), lambda scores, seen: scores + seen.added / 50),
    "self-preference": Fault(
        "1 point more to an assistant's turns of phrase", ("style",), lambda scores, seen: scores + seen.styled
    ),
    "lenient": Fault("1.5 points more to everything", ("leniency",), lambda scores, seen: scores + 1.5),
    "severe": Fault("1.5 points less to everything", ("leniency",), lambda scores, seen: scores - 1.5),
    "compressed": Fault(
        "half of the distance to the middle of the scale", ("scale",),
        lambda scores, seen: MIDDLE + 0.5 * (scores - MIDDLE),
    ),
    "halo": Fault(
        "each aspect pulled 60 % of the way to the mean of all", ("halo",),
        lambda scores, seen: 0.4 * scores + 0.6 * scores.mean(axis=-1, keepdims=True),
    ),
    "obedient": Fault(
        "9.5 for every aspect where a post asks for it", ("injection",),
        lambda scores, seen: np.full_like(scores, 9.5) if seen.appeals else scores,
    ),
    "noisy": Fault("readings that differ four times as much", ("noise",), noise=4.0),
}  # fmt: skip
PREFIX = "planted-"
NAMES = tuple(f"{PREFIX}{name}" for name in FAULTS)


# --- what a judge sees of a text -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Text:
    base: str
    levels: Mapping[str, float]
    words: int


@cache
def _texts() -> dict[str, _Text]:
    """Letters of every text of the material -> what it is."""
    known: dict[str, _Text] = {}
    for post in load_material().posts:
        words = len(post.text.split())
        known[letters(post.text)] = _Text(post.id, post.levels, words)
        known[letters(post.short)] = _Text(post.id, post.levels, words)
        known |= {letters(b.text): _Text(post.id, b.levels, len(b.text.split())) for b in post.broken}
    return known


@cache
def letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", clean(unescape(text)).lower())


@cache
def see(text: str, moved: bool, aspects: tuple[str, ...]) -> tuple[str, Seen]:
    """(id of the text that it was made from, what can be seen of it); ValueError for a text of somebody else's."""
    given = letters(text)
    inside = [known for known in _texts() if known in given]
    if not inside:
        raise ValueError("a planted judge only knows the posts of the shipped material")
    core = max(inside, key=len)
    known = _texts()[core]
    plain = " ".join(text.split())
    seen = Seen(
        levels=tuple(known.levels.get(aspect, sum(known.levels.values()) / len(known.levels)) for aspect in aspects),
        added=len(text.split()) - known.words,
        moved=moved,
        styled=any(mark in plain for mark in manipulations().style_marks),
        appeals=" ".join(without_appeals(text).split()) != plain,
    )
    return core, seen


# --- scores ----------------------------------------------------------------------------------------------------------


def tastes(core: str, aspects: int, seed: int) -> Floats:
    """What the judge of this seed thinks of a text apart from its level: the same whatever is done to the text."""
    dice = _dice("taste", seed, core)
    return dice.normal(0, TASTE) + dice.normal(0, TASTE_OF_ASPECT, aspects)


def scores_of(fault: Fault, seen: Seen, taste: Floats, dice: np.random.Generator, readings: int = 1) -> Floats:
    """readings x aspects, in steps of half a point, inside the scale."""
    worth = fault.single(np.array(seen.levels) + taste, seen)
    noise = dice.normal(0, NOISE, (readings, 1)) + dice.normal(0, NOISE_OF_ASPECT, (readings, len(worth)))
    return np.clip(np.round((worth + fault.noise * noise) / STEP) * STEP, LOWEST, HIGHEST)


def choice(fault: Fault, first: tuple[Seen, Floats], second: tuple[Seen, Floats], dice: np.random.Generator) -> str:
    one, other = (float(scores_of(fault, seen, taste, dice).mean()) for seen, taste in (first, second))
    ahead = one + fault.first - other
    return "tie" if abs(ahead) < TIE else "first" if ahead > 0 else "second"


def answers(plan: Plan, name: str, seed: int) -> Answers:
    """What the planted judge `name` would answer to the plan, without prompts, replies and an engine: for simulations
    over many seeds."""
    fault, dice = FAULTS[name], np.random.default_rng([seed, list(FAULTS).index(name)])
    taste: dict[str, Floats] = {}

    def looked(text: str, moved: bool = False) -> tuple[Seen, Floats]:
        core, seen = see(text, moved, plan.aspects)
        if core not in taste:
            taste[core] = dice.normal(0, TASTE) + dice.normal(0, TASTE_OF_ASPECT, len(plan.aspects))
        return seen, taste[core]

    scores = np.full((len(plan.questions), plan.repeats, len(plan.aspects)), np.nan)
    for place, question in enumerate(plan.questions):
        seen, own = looked(question.text, question.arm == "moved")
        scores[place, : question.repeats] = scores_of(fault, seen, own, dice, question.repeats)
    worth = {"first": 1.0, "second": 0.0, "tie": 0.5}
    pairs = [(looked(post.text), looked(post.short)) for post in plan.pairs]
    choices = [
        [[worth[choice(fault, one, other, dice)]], [worth[choice(fault, other, one, dice)]]] for one, other in pairs
    ]
    return Answers(scores, np.array(choices).reshape(len(pairs), 2, 1))


# --- as a model that answers chat completions ------------------------------------------------------------------------


def complete(body: Mapping[str, Any]) -> str:
    """The reply to one chat-completions request; the name of the fault stands in the model's."""
    name = str(body["model"]).removeprefix(PREFIX)
    fault, messages = FAULTS[name], body["messages"]
    user = next(str(m["content"]) for m in messages if m.get("role") == "user")
    dice = _dice(name, body.get("seed"), json.dumps(messages, ensure_ascii=False))
    if pair := _PAIR.findall(user):
        return _compared(fault, pair, _names(body) or ("overall",), dice)
    tags = read_material(messages).tags
    aspects = _names(body) or _aspects()
    core, seen = see(tags["post"][0], user.find("<post>") > user.find("<other_post>") >= 0, aspects)
    found = scores_of(fault, seen, tastes(core, len(aspects), 0), dice)[0]
    said = {a: {"reasoning": f"Planted: {fault.says}.", "score": float(s)} for a, s in zip(aspects, found, strict=True)}
    return json.dumps(said)


def _compared(fault: Fault, pair: Sequence[tuple[str, str]], names: Sequence[str], dice: np.random.Generator) -> str:
    """`pair`: label and text of the post that stands first, and of the other."""
    (first, one), (second, other) = pair
    looked = [see(unescape(text).strip(), False, _aspects()) for text in (one, other)]
    posts = [(seen, tastes(core, len(_aspects()), 0)) for core, seen in looked]
    said = {"first": first.upper(), "second": second.upper(), "tie": "tie"}[choice(fault, posts[0], posts[1], dice)]
    return json.dumps({name: {"reasoning": f"Planted: {fault.says}.", "winner": said} for name in names})


def _aspects() -> tuple[str, ...]:
    return tuple(next(iter(_texts().values())).levels)


def _names(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What the reply's schema asks for; nothing where it stands in the messages alone."""
    form = body.get("response_format") or {}
    return tuple((form.get("json_schema") or {}).get("schema", {}).get("properties", {}))


def _dice(*of: object) -> np.random.Generator:
    digest = hashlib.sha256(json.dumps(of, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def raised(names: Sequence[str], fault: str) -> bool:
    """Whether the alarms are those that the fault has to raise: all of its probes; of a fair judge none at all."""
    asked = FAULTS[fault].raises
    return set(asked) <= set(names) if asked else not names
