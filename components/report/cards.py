"""One post as the page shows it: every string still untrusted, for a template that escapes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from components.prompts.counting import links
from components.records import Item
from components.report.agreement import NO_FLOORS, Floors
from components.report.candidates import Other, other, why
from components.report.measured import OnCard, on_card
from components.report.pictures import Shown
from components.report.posts import LABELS
from components.report.queries import Details, Findings, Row
from components.report.texts import platform_of

LEAST = 0.005
"""Probability below which a second label is not worth a line: it would read 0.00."""
_MARKED = re.compile(r"(?<![\w&/])[#＃]\w*[^\W\d_]\w*|(?<![\w.@])[@＠]\w[\w.@-]*\w")
STATES = {
    "ok": "judged",
    "rules": "breaks a rule",
    "error": "failed",
    "waiting": "not judged yet",
}
REASONS = {
    "truncated": "the reply was cut off",
    "content_filter": "stopped by the provider's content filter",
    "refusal": "the model refused",
    "invalid_reply": "the reply could not be read",
    "unparsable": "the reply could not be read",
    "missing_aspect": "the reply left an aspect out",
    "empty": "the reply was empty",
    "timeout": "no answer in time",
    "connection": "no connection",
    "rate_limited": "too many requests",
    "server_error": "the server failed",
    "bad_request": "the request was refused",
    "authentication": "the key was refused",
    "not_found": "no such model or address",
    "budget": "the budget was spent",
}


@dataclass(frozen=True, slots=True)
class Aspect:
    title: str
    score: float | None
    width: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """`facts`, `captions` and `parts` are features (name, text, score, model, used: whether the prompt says them,
    uncertain: whether that is why not). A part also has its `box` in pixels and, as `found`, what it was found as.
    `candidates` are the others of its prompt, `why` says why it was chosen; `cost_usd` is of all of them."""

    post: Row
    number: int
    item: Item
    picture: Shown | None
    state: str
    trouble: tuple[str, ...]
    segments: tuple[tuple[str, str], ...]
    length: int | None
    limit: int | None
    platform_name: str
    aspects: tuple[Aspect, ...]
    facts: tuple[Row, ...]
    others: Mapping[str, Sequence[Row]]
    captions: tuple[Row, ...]
    keywords: tuple[Row, ...]
    parts: tuple[Row, ...]
    models: tuple[tuple[str, str], ...]
    prompt: Row
    cost_usd: float | None = None
    why: str | None = None
    candidates: tuple[Other, ...] = ()
    measured: OnCard | None = None
    data: Mapping[str, str] = field(default_factory=dict)


def trouble_of(post: Row, failed: Mapping[str, Sequence[Row]]) -> tuple[str, ...]:
    """What went wrong, in whole sentences."""
    found = []
    if post["error"] is not None:
        why = REASONS.get(post["error"], str(post["error"]))
        found.append(f"No post was written: {why} ({post['error']})." + _detail(post["error_detail"]))
    for row in failed.get(post["post_id"], ()):
        why = REASONS.get(row["error"], str(row["error"]))
        found.append(f"Judging failed {row['n']} x: {why} ({row['error']})." + _detail(row["detail"]))
    return tuple(found)


def _detail(text: str | None) -> str:
    return f" {text[:400]}" if text else ""


def data_of(post: Row) -> dict[str, str]:
    """What the filter reads; also on the rows of posts that have no card."""
    score = post["overall"]
    time: datetime | None = post["published_at"]
    return {name: post[name] or "" for name in LABELS} | {
        "state": post["state"],
        "score": "" if score is None else f"{score:.4f}",
        "time": "" if time is None else f"{time.timestamp():.0f}",
    }


def segments(text: str) -> tuple[tuple[str, str], ...]:
    """The text in pieces of a kind: plain "", "tag" for hashtags and mentions, "link"; together they are the text."""
    spans = [(start, end, "link") for start, end in links(text)]
    taken = [(start, end) for start, end, _ in spans]
    for match in _MARKED.finditer(text):
        if not any(start < match.end() and match.start() < end for start, end in taken):
            spans.append((match.start(), match.end(), "tag"))
    pieces, at = [], 0
    for start, end, kind in sorted(spans):
        pieces += [("", text[at:start])] if start > at else []
        pieces.append((kind, text[start:end]))
        at = end
    return tuple([*pieces, ("", text[at:])] if at < len(text) else pieces)


def aspects_of(post: Row, titles: Mapping[str, str], low: float, high: float) -> tuple[Aspect, ...]:
    """In the rubric's order, aspects that it does not name last."""
    scores, reasons = post["aspects"] or {}, post["reasons"] or {}
    names = [name for name in titles if name in scores] + sorted(set(scores) - set(titles))
    return tuple(
        Aspect(
            titles.get(name) or name.replace("_", " "),
            scores[name],
            0.0 if scores[name] is None else max(2.0, min(100.0, 100 * (scores[name] - low) / (high - low))),
            reasons.get(name),
        )
        for name in names
    )


def card(
    post: Row, number: int, findings: Findings, known: Details, picture: Shown | None,
    titles: Mapping[str, str], scale: tuple[float, float], others: Sequence[Row] = (), floors: Floors = NO_FLOORS,
) -> Card:  # fmt: skip
    prompt = known.prompts[post["prompt_id"]]
    used = set(prompt["words"])
    found = [row | {"used": row["feature_id"] in used} for row in known.features.get(post["item_id"], [])]
    found = [row | {"uncertain": not row["used"] and is_below(row["score"], row["threshold"])} for row in found]

    def named(name: str) -> tuple[Row, ...]:
        return tuple(row for row in found if row["name"] == name)

    platform = platform_of(post["platform"])
    text = post["text"] or ""
    costs = [row["writing_cost_usd"] for row in (post, *others)]
    costs += [row["judge_cost_usd"] for row in (post, *others) if row["judged_here"]]
    numbers = {row["post_id"]: row["candidate"] for row in (post, *others)}
    name = platform.name if platform else post["platform"]
    return Card(
        post=post,
        number=number,
        item=known.items[post["item_id"]],
        picture=picture,
        state=post["state"],
        trouble=trouble_of(post, findings.failed_readings),
        segments=segments(text),
        length=platform.length(text) if platform and text else None,
        limit=platform.limit if platform else None,
        platform_name=name,
        aspects=aspects_of(post, titles, *scale),
        facts=tuple(row for name in LABELS for row in named(name)[:1]),
        others={name: rows for name in LABELS if (rows := [r for r in named(name)[1:4] if (r["score"] or 0) >= LEAST])},
        captions=named("caption"),
        keywords=named("keyword"),
        parts=parts_of(named("crop"), named("crop_caption"), known.items[post["item_id"]]),
        models=models_of(found),
        prompt=prompt,
        cost_usd=None if any(cost is None for cost in costs) else sum(costs),
        why=why(post, name, floors),
        candidates=tuple(
            other(row, post, numbers, titles, row["post_id"] in findings.failed_readings, floors) for row in others
        ),
        measured=on_card(taken) if (taken := known.measures.get(post["post_id"])) else None,
        data=data_of(post),
    )


def is_below(score: float | None, threshold: float | None) -> bool:
    return score is not None and threshold is not None and score < threshold


def parts_of(crops: Sequence[Row], captions: Sequence[Row], item: Item) -> tuple[Row, ...]:
    """What is said of each part, what it was found as, and its box: x, y, width, height in the picture's pixels."""
    width, height = item.width or 0, item.height or 0
    by_rank = {row["rank"]: row for row in crops if row["box"] and width and height}
    found = []
    for caption in captions:
        if crop := by_rank.get(caption["rank"]):
            left, top, right, bottom = crop["box"]
            box = (left * width, top * height, (right - left) * width, (bottom - top) * height)
            found.append(caption | {"found": crop, "box": tuple(round(x) for x in box)})
    return tuple(found)


def models_of(features: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    """Which model found what: (feature name, model@revision), each once."""
    found: dict[tuple[str, str], Any] = {}
    for row in features:
        found.setdefault((row["name"], row["model"]), None)
    return tuple(found)
