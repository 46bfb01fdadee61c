"""A good frame of prompts, and every single defect of it."""

from components.records import content_id
from tests.data_checks.planting import Change, Frame, frame_of, ids, put


def good() -> Frame:
    user = "Write a post.\n<caption>None of us left</caption>\n<text>{{ braces }} are {% ours %}, None</text>"
    return frame_of("prompts", [
        {"prompt_id": content_id("p", n), "item_id": content_id(n), "spec_id": content_id("s"), "platform": "x",
         "template": "mpwl" if n else "plain", "system": "You write posts. None of it is real.", "user": user,
         "words": [content_id("w", n, k) for k in range(3)] if n else []}
        for n in range(4)
    ])  # fmt: skip


DEFECTS: list[tuple[str, Change]] = [
    *ids("prompt_id"),
    *ids("item_id"),
    ("prompt_id is unique", put("prompt_id", content_id("p", 1))),
    ("platform is given", put("platform", None)),
    ("the platform is named", put("platform", "")),
    ("template is given", put("template", None)),
    ("the template is named", put("template", " ")),
    ("there is a user's message", put("user", "\n")),
    ("there is a user's message", put("user", None)),
    ("there is a system message", put("system", "")),
    *(
        ("nothing of the template is left over", put("user", f"Write a post about this: {leftover}. Thanks."))
        for leftover in ("{{ caption }}", "{% if x %}", "None", "nan", "{# note #}", "<Undefined object at 0x7f>")
    ),
    *(
        ("no word is empty", put("user", f"Write a post about this: {nothing}. Thanks."))
        for nothing in ("<caption>None</caption>", "<topic></topic>", "<keywords>[]</keywords>", "<details> </details>")
    ),
    ("nothing of the template is left over", put("system", "You write for {{ platform.name }}.")),
    ("20 to 20,000 characters", put("user", "Write.")),
    ("20 to 20,000 characters", put("user", "Write. " * 5000)),
    ("words are feature ids, each once", put("words", [content_id("w"), content_id("w")])),
    ("words are feature ids, each once", put("words", ["beach"])),
    ("words are feature ids, each once", put("words", None)),
    ("a template for prompt words has some", put("words", [], row=1)),
]  # fmt: skip
