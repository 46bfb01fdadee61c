"""A post as the page gets it: plain JSON, every string still untrusted, for a script that only ever sets text.

Nothing of a judge, of the queue or of a slice is in `shown`: a rating is blind.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from components.people.desk import Desk, Progress
from components.people.order import Place
from components.people.queries import Judge, Row, Snapshot
from components.report.cards import segments
from components.report.texts import platform_of

LONGEST_SHOWN = 20_000
"""Characters of a post that are cut into coloured pieces; a longer one is shown plain."""


def shown(place: Place, snapshot: Snapshot, rubric: Mapping[str, Any]) -> dict[str, Any]:
    post = snapshot.posts[place.post_id]
    item, platform = snapshot.items.get(post["item_id"]), platform_of(post["platform"])
    has_picture = item is not None and item.image_path is not None
    written = as_written(post["platform"], post["text"])
    if has_picture and platform:
        written["violations"] += platform.alt_text_violations(post["alt_text"] or "")
    return {
        "post_id": post["post_id"],
        **written,
        "rules": list(post["rules"] or ()),
        "text": post["text"],
        "alt_text": post["alt_text"] or "",
        "picture": f"/picture/{post['post_id']}" if has_picture else None,
        "width": item.width if item else None,
        "height": item.height if item else None,
        "author": post["author"] or "",
        "date": _day(post["published_at"]),
        "item_text": post["item_text"],
        "rubric": as_asked(rubric),
    }


def as_written(platform_key: str, text: str) -> dict[str, Any]:
    """The text in coloured pieces, and counted as its platform counts."""
    platform = platform_of(platform_key)
    return {
        "platform": platform_key if platform else "other",
        "platform_name": platform.name if platform else platform_key,
        "segments": segments(text) if len(text) <= LONGEST_SHOWN else (("", text),),
        "length": platform.length(text) if platform else len(text),
        "limit": platform.limit if platform else None,
        "alt_limit": platform.alt_text.limit if platform else None,
        "violations": platform.violations(text) if platform else [],
    }


def as_asked(rubric: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": rubric["id"],
        "name": rubric["name"],
        "title": rubric.get("title", rubric["name"]),
        "min": rubric["scale"]["min"],
        "max": rubric["scale"]["max"],
        "aspects": [
            {
                "name": aspect["name"],
                "title": aspect.get("title", aspect["name"]),
                "question": aspect.get("question", ""),
                "levels": [[f"{float(level):g}", text] for level, text in sorted(aspect.get("levels", {}).items())],
            }
            for aspect in rubric["aspects"]
        ],
    }


def as_judged(desk: Desk, rater: str, post_id: str) -> dict[str, Any]:
    """The judges' view, and why the post stood in the queue; raises what `Desk.judged` raises."""
    place, readings, judges = desk.judged(rater, post_id)
    return {
        "slice": place.slice,
        "why": list(place.teaching.reasons),
        "judges": [_reading(judges[judge], rows) for judge, rows in sorted(readings.items()) if judge in judges],
    }


def _reading(judge: Judge, rows: Mapping[str, Row]) -> dict[str, Any]:
    return {
        "model": judge.model,
        "rubric": judge.rubric.get("name", ""),
        "aspects": {
            aspect: {
                "score": row["mean"],
                "reasoning": row["reasoning"] or "",
                "readings": row["scored"],
                "failed": row["readings"] - row["scored"],
                "spread": row["spread"] if row["scored"] > 1 else None,
            }
            for aspect, row in rows.items()
        },
    }


def as_progress(progress: Progress) -> dict[str, Any]:
    return asdict(progress)


def _day(time: Any) -> str:
    return "" if time is None else f"{time.day} {time:%b %Y}"
