"""A good frame of posts, and every single defect of it."""

from typing import Any

from components.records import content_id
from tests.data_checks.planting import NOW, Change, Frame, failing, fill, frame_of, ids, put


def good() -> Frame:
    rows: list[dict[str, Any]] = [
        {"post_id": content_id("post", n), "prompt_id": content_id(n // 2), "spec_id": content_id("s"), "platform": "x",
         "candidate": n % 2, "text": f"Number {n} of the boats leaves at noon [sic].", "cost_usd": 0.0,
         "created_at": NOW, "temperature": 0.7, "seed": n % 2, "clip_score": 0.31}
        for n in range(20)
    ]  # fmt: skip
    rows[3] |= {"text": None, "error": "content_filter", "error_detail": "Refused: for reasons!", "cost_usd": None}
    rows[6] |= {"text": "We leave at noon.", "candidate": 0}
    rows[7] |= {"text": "we leave at NOON!", "duplicate_of": content_id("post", 6)}
    return frame_of("posts", rows)


DEFECTS: list[tuple[str, Change]] = [
    *ids("post_id"),
    *ids("prompt_id"),
    ("post_id is unique", put("post_id", content_id("post", 1))),
    ("created_at is given", put("created_at", None)),
    ("candidates count from 0", put("candidate", -1)),
    ("there is a text or an error, not both", put("error", "timeout")),
    ("there is a text or an error, not both", put("text", None)),
    ("there is a text or an error, not both", put("text", "  ")),
    ("there is a text or an error, not both", put("error", None, row=3)),
    ("an error is a state", put("error", "The server said: no", row=3)),
    ("a cost is not negative", put("cost_usd", -0.01)),
    *(
        ("nothing of a template is left over", put("text", f"Hello {leftover} at noon."))
        for leftover in ("{{ caption }}", "{% endif %}", "[insert hashtag]", "[Your name]", "</post>")
    ),
    ("the platform's rules are kept", put("rules", ["length 312 > 280"])),
    ("at most 10 % have an error", failing(5, "timeout", "text")),
    ("openings differ", fill("text", "What a day it was, said boat one.", lambda frame: frame.index < 10)),
    ("openings differ", lambda frame: frame.assign(text=[f"What A day it  was, {n}." for n in range(20)])),
    ("temperatures lie in 0 to 2", put("temperature", 2.1)),
    ("a cosine lies in -1 to 1", put("clip_score", 31.0)),
    ("duplicate_of is 20 hex digits", put("duplicate_of", "candidate 0", row=7)),
    ("a duplicate has an original of its prompt", put("duplicate_of", content_id("post", 2), row=7)),
    ("a duplicate has an original of its prompt", put("duplicate_of", content_id("post", 7), row=7)),
    ("a duplicate has an original of its prompt", put("duplicate_of", content_id("post", 3), row=2)),
    ("a duplicate has an original of its prompt", put("spec_id", content_id("t"), row=6)),
    (
        "a duplicate has an original of its prompt",
        lambda frame: put("error", "empty", row=7)(put("text", None, row=7)(frame)),
    ),
    ("no text stands twice", put("duplicate_of", None, row=7)),
    ("no text stands twice", put("text", "Number 1 of the boats leaves at noon [sic].")),
]  # fmt: skip
