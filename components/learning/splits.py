"""Says which examples are trained on, which choose the best epoch, and which test: whole clusters, never parts of one.

Read: nothing. A cluster goes where a hash of the seed and its name says, so an example that is added later moves hardly
any other; then the fewest moves follow that bring sizes near the rule's shares and each label of each task into each
part. By time, three stretches of time take the place of the hash, and what reaches over a cut is not used.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from components.errors import UserError
from components.learning.assignment import assign_clusters
from components.learning.near_duplicates import author_key, text_key
from components.learning.spec import SplitRule
from components.records import Example, Split, content_id

PARTS = ("train", "validation", "test")
MOST = 0.6
"""Share of the examples that one cluster may hold: with more there is no training set beside a test set."""


def split(examples: Sequence[Example], clusters: Sequence[str], rule: SplitRule, spec_id: str = "") -> list[Split]:
    """One row per example, in order. UserError where the clusters allow no training, validation and test set.

    `clusters`: of each example, from `near_duplicate_clusters`. The outcome depends on the set of examples and the
    rule, not on their order.
    """
    _refuse_giants(examples, clusters, rule)
    reasons: dict[str, str] = {}
    if rule.by_time:
        parts, reasons = _by_time(examples, clusters, rule)
    else:
        shares = (1 - rule.test - rule.validation, rule.validation, rule.test)
        parts = assign_clusters(examples, clusters, shares, PARTS, str(rule.seed))
    found = Counter(parts[cluster] for cluster in clusters)
    if missing := [part for part in PARTS if not found[part]]:
        raise UserError(
            f"split: nothing is left for {' and '.join(missing)}: {len(examples):,} examples are {len(parts):,} "
            f"clusters of near-duplicates{' and authors' if rule.by_author else ''}, {found['unused']:,} examples of "
            f"them unused{_why_unused(reasons)}; give more examples{_remedies(rule)}"
        )
    return [
        Split(spec_id=spec_id, example_id=e.example_id, cluster=c, split=parts[c], reason=reasons.get(c))
        for e, c in zip(examples, clusters, strict=True)
    ]


def author_units(examples: Sequence[Example], clusters: Sequence[str]) -> list[str]:
    """What goes to one side as a whole: all of an author; of nobody's examples, a cluster of near-duplicates.

    Authors who once wrote the same short text stay two: `apart` takes care of that text.
    """
    authors = [author_key(example.author) for example in examples]
    return [
        content_id("author", author) if author else cluster for author, cluster in zip(authors, clusters, strict=True)
    ]


def apart(splits: Sequence[Split], clusters: Sequence[str]) -> list[Split]:
    """The splits, without examples whose near-duplicate is on another side: of a cluster that reaches over, those in
    test stay (else those in validation), and the others are unused. Each row then names its cluster."""
    reached: dict[str, set[str]] = {}
    for row, cluster in zip(splits, clusters, strict=True):
        reached.setdefault(cluster, set()).add(row.split)
    result = []
    for row, cluster in zip(splits, clusters, strict=True):
        kept = next((part for part in reversed(PARTS) if part in reached[cluster]), row.split)
        if row.split in PARTS and row.split != kept:
            row = replace(row, split="unused", reason=f"a near-duplicate is in {kept}")
        result.append(replace(row, cluster=cluster))
    return result


def folds(examples: Sequence[Example], clusters: Sequence[str], k: int = 5, seed: int = 0) -> list[int]:
    """The fold of each example, from 0: k folds of whole clusters."""
    _refuse_giants(examples, clusters, None)
    if len(set(clusters)) < k:
        raise UserError(f"{k} folds need {k} clusters, and the examples are {len(set(clusters))}; give more")
    placed = assign_clusters(examples, clusters, (1 / k,) * k, range(k), f"{seed} folds")
    return [placed[cluster] for cluster in clusters]


def split_rows(
    examples: Sequence[Example],
    splits: Sequence[Split],
    rule: SplitRule,
    classes: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """The rows of the frame that the suite `splits` checks; data_checks/splits.py says what each column is.

    `classes`: the labels of each classification task, in use or not.
    """
    known = json.dumps({task: list(labels) for task, labels in classes.items()}, ensure_ascii=False)
    return [
        {
            "spec_id": row.spec_id,
            "example_id": row.example_id,
            "cluster": row.cluster,
            "split": row.split,
            "reason": row.reason,
            "dataset": example.dataset,
            "author": author_key(example.author),
            "sha256": example.sha256,
            "text": example.text,
            "text_key": text_key(example.text, example.image_path is not None),
            "published_at": example.published_at,
            "labels": example.labels,
            "classes": known,
            "author_rule": rule.by_author,
            "time_rule": rule.by_time,
        }
        for example, row in zip(examples, splits, strict=True)
    ]


def _refuse_giants(examples: Sequence[Example], clusters: Sequence[str], rule: SplitRule | None) -> None:
    if not examples:
        raise UserError("there is no example to split; see what was refused, and why, in the table quarantine")
    name, size = max(sorted(Counter(clusters).items()), key=lambda pair: pair[1])
    if size <= MOST * len(clusters):
        return
    share = f"{size:,} of {len(clusters):,} examples ({size / len(clusters):.0%})"
    authors = Counter(author_key(e.author) for e, c in zip(examples, clusters, strict=True) if c == name)
    author, by_author = authors.most_common(1)[0]
    if (rule is None or rule.by_author) and author and by_author > MOST * len(clusters):
        raise UserError(
            f"author {author!r} wrote {share}, and all of an author stay together, so nothing is left to test on; "
            "set split.by_author: false, or give examples of other authors"
        )
    raise UserError(f"{share} are one cluster of near-duplicates, which stay together{_remedies(rule)}")


def _remedies(rule: SplitRule | None) -> str:
    if rule is None:
        return "; raise split.cosine, lower split.hash_distance, or set split.by_author: false"
    author = ", or set split.by_author: false" if rule.by_author else ""
    time = ", or set split.by_time: false" if rule.by_time else ""
    return (
        f"; raise split.cosine (now {rule.cosine}), lower split.hash_distance (now {rule.hash_distance}){author}{time}"
    )


def _why_unused(reasons: Mapping[str, str]) -> str:
    most = Counter(reasons.values()).most_common(1)
    return f" ({most[0][0]})" if most else ""


def _by_time(
    examples: Sequence[Example], clusters: Sequence[str], rule: SplitRule
) -> tuple[dict[str, str], dict[str, str]]:
    """The part of each cluster, and why some are not used. Cuts lie where the rule's shares of the dated examples do;
    examples of one moment stay on one side."""
    first: dict[str, datetime] = {}
    last: dict[str, datetime] = {}
    undated = set()
    for example, cluster in zip(examples, clusters, strict=True):
        if example.published_at is None:
            undated.add(cluster)
            continue
        first[cluster] = min(first.get(cluster, example.published_at), example.published_at)
        last[cluster] = max(last.get(cluster, example.published_at), example.published_at)
    times = sorted(example.published_at for example in examples if example.published_at is not None)
    if not times:
        raise UserError("split.by_time: true needs examples with a time of publication, and none has one")
    cuts = [times[min(int(len(times) * share + 0.5), len(times) - 1)] for share in _cut_shares(rule)]
    parts, reasons = {}, {}
    for cluster in sorted(undated | set(first)):
        if cluster in undated:
            parts[cluster], reasons[cluster] = "unused", "an example of its cluster has no time of publication"
            continue
        early, late = (sum(time >= cut for cut in cuts) for time in (first[cluster], last[cluster]))
        if early == late:
            parts[cluster] = PARTS[early]
        else:
            cut = cuts[early].isoformat(sep=" ", timespec="minutes")
            parts[cluster], reasons[cluster] = "unused", f"its cluster reaches over the cut at {cut}"
    return parts, reasons


def _cut_shares(rule: SplitRule) -> tuple[float, float]:
    return 1 - rule.test - rule.validation, 1 - rule.test
