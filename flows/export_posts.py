"""reviews, ratings -> a file: approved posts for schedulers, or examples for tuning a writer."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect import flow

from components.errors import UserError
from components.people.exports import ExportSpec, posts_file, preference_line, sft_line, times
from components.people.leaks import SHARE, HeldOut, as_example, hold_out
from components.people.preferences import KEPT, Candidate, pairs
from components.people.queries import posts_of
from components.people.reviewed import candidates_of, measured_examples, reviewed
from components.prompts import load_platform
from components.records import Item, Prompt
from components.warehouse.store import Store
from flows.fold_ratings import fold, write
from flows.settings import Settings


@dataclass
class Exported:
    """`left_out`: reason -> how many. `measured`: evaluation items and examples that the leak check knew of. `sources`:
    what the pairs come from."""

    file: str
    what: str
    rows: int
    left_out: dict[str, int] = field(default_factory=dict)
    measured: int = 0
    sources: dict[str, int] = field(default_factory=dict)
    held_out: str | None = None


@flow(name="export_posts", flow_run_name="export {spec.what}")
def export_posts(spec: ExportSpec) -> Exported:
    """Write `spec.out` from what people decided.

    Args:
        spec: What is written: approved posts, or examples for tuning a writer; in which format, and where to.
    """
    settings = Settings.from_environment().existing()
    store = settings.store()
    store.prepare()
    fold(settings, store)
    chosen = posts_of(store, spec.campaign, spec.run_id) if spec.campaign or spec.run_id else None
    return _posts(store, spec, chosen) if spec.what == "posts" else _examples(store, spec, chosen)


def _posts(store: Store, spec: ExportSpec, chosen: set[str] | None) -> Exported:
    rows, left_out = [], Counter[str]()
    items = located(store, found := reviewed(store, chosen))
    for row in found:
        item = items[row["item_id"]]
        if why := why_not(row, item):
            left_out[why] += 1
            continue
        here = item.image_path if item.image_path and Path(item.image_path).is_file() else None
        if item.image_path and here is None:
            left_out["picture_missing (exported without it)"] += 1
        rows.append(row | {"picture": here, "picture_sha256": item.sha256, "source_uri": item.source_uri})
    nothing_is_refused(rows, left_out, "nothing is approved yet: approve or edit posts with `postwright review`")
    dated = [row | {"publish_at": at} for row, at in zip(rows, times(spec, len(rows)), strict=True)]
    write(spec.out, posts_file(dated, spec))
    return Exported(str(spec.out), spec.what, len(rows), dict(left_out))


def why_not(row: Mapping[str, Any], item: Item) -> str | None:
    """Why a post is not exported; None where it is."""
    platform = load_platform(row["platform"])
    if row["state"] not in KEPT:
        return str(row["state"])
    if not platform.fits(row["text"]):
        return "breaks_the_platforms_rules"
    has_alternative = item.image_path is not None and row["alt_text"]
    return "alternative_text_too_long" if has_alternative and platform.alt_text_violations(row["alt_text"]) else None


def _examples(store: Store, spec: ExportSpec, chosen: set[str] | None) -> Exported:
    candidates = candidates_of(store, chosen)
    items = store.by_ids(Item, "items", "item_id", [one.item_id for one in candidates])
    measured = [*measured_examples(store), *map(as_example, evaluation_items(store, spec))]
    held = hold_out(list(items.values()), measured, spec.holdout_share)
    prompts = store.by_ids(Prompt, "prompts", "prompt_id", [one.prompt_id for one in candidates])
    asked = {prompt_id: prompt.row() for prompt_id, prompt in prompts.items()}
    result = Exported(str(spec.out), spec.what, 0, measured=len(measured))
    lines, left_out = (
        sft_lines(candidates, asked, held)
        if spec.what == "sft"
        else preference_lines(candidates, asked, held, spec, result)
    )
    hint = "approve or edit posts with `postwright review`, or rate several candidates of one prompt"
    nothing_is_refused(lines, left_out, f"there is nothing to learn from yet: {hint}")
    write(spec.out, "".join(line + "\n" for line in lines))
    result.rows, result.left_out = len(lines), dict(left_out)
    if spec.holdout_share:
        kept_back = sorted(item for item, why in held.reasons.items() if why == SHARE)
        result.held_out = str(spec.out.with_name(f"{spec.out.name}.held_out.json"))
        write(Path(result.held_out), json.dumps(kept_back, indent=1) + "\n")
    return result


def sft_lines(
    candidates: Sequence[Candidate], asked: Mapping[str, Mapping[str, Any]], held: HeldOut
) -> tuple[list[str], Counter[str]]:
    lines, left_out = [], Counter[str]()
    for one in candidates:
        if one.state not in KEPT:
            left_out[one.state or "not_reviewed"] += 1
        elif why := held.why(one.item_id, one.text):
            left_out[why] += 1
        else:
            lines.append(sft_line(asked[one.prompt_id], one.text))
    return lines, left_out


def preference_lines(
    candidates: Sequence[Candidate],
    asked: Mapping[str, Mapping[str, Any]],
    held: HeldOut,
    spec: ExportSpec,
    result: Exported,
) -> tuple[list[str], Counter[str]]:
    lines, left_out, sources = [], Counter[str](), Counter[str]()
    for pair in pairs(candidates, spec.rating_margin, spec.judge_margin):
        if why := held.why(pair.item_id, pair.chosen) or held.why(pair.item_id, pair.rejected):
            left_out[why] += 1
            continue
        sources[pair.source] += 1
        lines.append(preference_line(asked[pair.prompt_id], pair, spec.arrangement))
    result.sources = dict(sorted(sources.items()))
    return lines, left_out


def evaluation_items(store: Store, spec: ExportSpec) -> list[Item]:
    """All items of the datasets that were named; UserError for one that is not here."""
    found: list[Item] = []
    for dataset in spec.holdout_datasets:
        rows = store.query("SELECT * FROM items WHERE dataset = $dataset ORDER BY item_id", {"dataset": dataset})
        if not rows:
            known = [row["dataset"] for row in store.query("SELECT DISTINCT dataset FROM items ORDER BY dataset")]
            raise UserError(f"no dataset {dataset!r} in this home to hold out; there are {', '.join(known) or 'none'}")
        found += [Item(**row) for row in rows]
    return found


def located(store: Store, rows: Sequence[Mapping[str, Any]]) -> dict[str, Item]:
    return store.by_ids(Item, "items", "item_id", [row["item_id"] for row in rows])


def nothing_is_refused(rows: Sequence[object], left_out: Counter[str], hint: str) -> None:
    if rows:
        return
    why = ", ".join(f"{reason} {n}" for reason, n in sorted(left_out.items()))
    raise UserError(f"nothing to export ({why}): {hint}" if why else hint)
