"""What a card says of the other candidates of its prompt: why this one was chosen, and how the others differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.report.agreement import NO_FLOORS, Floors
from components.report.posts import Posts
from components.statistics import differs

Row = dict[str, Any]
FAILED = {"picture": "its picture could not be sent"}


@dataclass(frozen=True, slots=True)
class Other:
    """`state` says in words what became of it; `apart` is, per aspect, how far it lies from the chosen one, and whether
    that is no more than the judge's noise."""

    post: Row
    state: str
    apart: tuple[tuple[str, float, bool], ...]


def others_of(candidates: Posts, standing: Sequence[Row]) -> dict[str, list[Row]]:
    """post_id of each of `standing`, posts that stand for their prompts -> the candidates behind it: where all stand,
    its duplicates."""
    by_prompt = {row["prompt_id"]: row["post_id"] for row in standing}
    by_id, all_kept = {row["post_id"] for row in standing}, candidates["choose"] == "all"
    theirs = (all_kept & candidates["duplicate_of"].isin(by_id)) | (~all_kept & candidates["prompt_id"].isin(by_prompt))
    found: dict[str, list[Row]] = {}
    for row in candidates.rows(np.flatnonzero(theirs & ~candidates["stands"])):
        behind = row["duplicate_of"] if row["choose"] == "all" else by_prompt[row["prompt_id"]]
        found.setdefault(behind, []).append(row)
    return found


def why(post: Row, platform: str, floors: Floors = NO_FLOORS) -> str | None:
    """Why this candidate stands for its prompt, in a few words; None where there was no other."""
    n, margin = post["candidates"], post["margin"]
    if n == 1:
        return None
    if post["choose"] == "all":
        return f"one of {n} candidates, all kept"
    if post["chosen_by"] == "only":
        return f"the only distinct text of {n} candidates"
    if post["chosen_by"] == "rules":
        return f"the only one of {n} candidates within the rules of {platform}"
    if post["chosen_by"] == "first":
        lacking = "there is no picture to compare with" if post["choose"] == "clip" else "none was judged"
        return f"the first of {n} candidates, since {lacking}"
    if post["chosen_by"] is None:
        return f"none of {n} candidates has a text"
    best = f"nearest its picture of {n} candidates" if post["chosen_by"] == "clip" else f"best judged of {n} candidates"
    if margin is None:
        return best
    if margin == 0:
        return f"{best}, level with the next and earlier"
    if post["chosen_by"] == "clip":
        return f"{best}, {margin:.4f} ahead in cosine"
    noise = floors.posts()
    hidden = f", less than the judge's noise ({noise:.2f})" if differs(margin, noise) is False else ""
    return f"{best}, {margin:.2f} ahead{hidden}"


def other(
    post: Row,
    chosen: Row,
    numbers: Mapping[str, int],
    titles: Mapping[str, str],
    failed: bool,
    floors: Floors = NO_FLOORS,
) -> Other:
    """`numbers`: post_id -> number of the candidate; `failed`: its judging did."""
    mine, best = post["aspects"] or {}, chosen["aspects"] or {}
    apart = tuple(
        (
            titles.get(name) or name.replace("_", " "),
            mine[name] - best[name],
            differs(mine[name] - best[name], floors.posts(name)) is False,
        )
        for name in (*titles, *sorted(set(mine) - set(titles)))
        if mine.get(name) is not None and best.get(name) is not None and round(mine[name] - best[name], 2) != 0
    )
    return Other(post, _state(post, numbers, failed), apart)


def _state(post: Row, numbers: Mapping[str, int], failed: bool) -> str:
    if post["error"] is not None:
        return f"not written: {FAILED.get(post['error'], post['error'])}"
    if not post["is_distinct"]:
        number = numbers.get(post["duplicate_of"])
        return "says the same as " + ("an earlier one" if number is None else f"candidate {number + 1}")
    said = [f"breaks a rule: {'; '.join(post['rules'])}"] if post["rules"] else []
    if failed:
        said.append("judging it failed")
    elif post["overall"] is None:
        said.append("not judged")
    return ", ".join(said)
