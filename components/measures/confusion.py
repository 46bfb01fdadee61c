"""What a reader took the asked words for: counts, accuracy with its interval, what a constant answer would reach."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.measures.control import LEXICON, NAMES


@dataclass(frozen=True)
class Confusion:
    """`matrix[i][j]`: posts that were asked for `labels[i]` and read as `labels[j]`; `unsure[i]` those of which the
    reader could not tell. `accuracy` is of the `n` that were read, with a 95 % interval (Wilson 1927); `constant` is
    the accuracy of always reading the most asked label; `named` is the share of those that were read or unsure whose
    text holds the very word. `apart`: why others have no value, and how many."""

    name: str
    task: str
    model: str
    independence: str
    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    unsure: tuple[int, ...]
    n: int
    accuracy: float | None
    low: float | None
    high: float | None
    constant: float | None
    named: float | None
    apart: tuple[tuple[str, int], ...]


def confusions(rows: Sequence[Mapping[str, Any]]) -> list[Confusion]:
    """Of rows of the table `measures`, or of groups of `n` rows that say the same; other measures than those of control
    are left out."""
    tasks = {**NAMES, LEXICON: "sentiment"}
    groups: dict[str, list[Mapping[str, Any]]] = {name: [] for name in tasks}
    for row in rows:
        if row["name"] in groups:
            groups[row["name"]].append(row)
    return [_confusion(name, tasks[name], found) for name, found in groups.items() if found]


def _confusion(name: str, task: str, rows: Sequence[Mapping[str, Any]]) -> Confusion:
    details = [json.loads(row["detail"]) for row in rows]
    pairs, unsure, asked, apart, named = Counter[Any](), Counter[str](), Counter[str](), Counter[str](), Counter[bool]()
    for row, detail in zip(rows, details, strict=True):
        times = row.get("n", 1)
        if row["error"] is None:
            pairs[detail["asked"], detail["read"]] += times
            asked[detail["asked"]] += times
        else:
            apart[str(row["error"])] += times
        if row["error"] == "unsure":
            unsure[detail["asked"]] += times
        if "named" in detail:
            named[detail["named"]] += times
    labels = tuple(sorted({*asked, *unsure, *(other for _, other in pairs)}, key=lambda x: (-asked[x], x)))
    n, right = pairs.total(), sum(times for (one, other), times in pairs.items() if one == other)
    low, high = wilson(right, n)
    return Confusion(
        name, task, str(rows[0]["model"]), next((d["independence"] for d in details if "independence" in d), ""),
        labels, tuple(tuple(pairs[one, other] for other in labels) for one in labels),
        tuple(unsure[label] for label in labels), n, right / n if n else None, low, high,
        max(asked.values()) / n if n else None, named[True] / named.total() if named else None,
        tuple(sorted(apart.items(), key=lambda pair: (-pair[1], pair[0]))),
    )  # fmt: skip


def wilson(right: int, n: int) -> tuple[float | None, float | None]:
    """The 95 % interval of a share (Wilson 1927), which stays within 0 to 1 and is sound for few and for all right."""
    from scipy.stats import binomtest

    if n == 0:
        return None, None
    found = binomtest(right, n).proportion_ci(0.95, "wilson")
    return float(found.low), float(found.high)
