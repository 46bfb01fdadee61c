"""Prompt words become prompts: items and what was found in them, put into a template for a platform and a language.

Reads items, features and a PromptSpec; returns prompts, and a quarantine row for an item with nothing to write about. A
prompt keeps the ids of exactly those features whose words stand in it, so a post can be traced to models and scores. A
word that is likelier wrong than the threshold allows is left out: the writer would build on it.
"""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components.errors import UserError
from components.prompts.escaping import escape
from components.prompts.platforms import load_platform
from components.prompts.templates import load_template
from components.records import Feature, Item, Prompt, Quarantine
from components.specs import WORDS, PromptSpec

_STEP = PromptSpec.step
FEATURES = {"keywords": "keyword", "details": "crop_caption"}
"""Words that features have under another name; of these all rows count, not only the best."""


def build(
    items: Sequence[Item], features: Mapping[str, Sequence[Feature]], spec: PromptSpec
) -> tuple[list[Prompt], list[Quarantine]]:
    """One Prompt or one Quarantine per item, in order. `features` maps an item's id to its rows, in any order.

    Raises UserError for an unknown template, platform or language.
    """
    template, platform, language = (
        load_template(spec.template),
        load_platform(spec.platform),
        language_name(spec.language),
    )
    spec_id = spec.id
    prompts, refused = [], []
    for item in items:
        found = features.get(item.item_id, ())
        if not item.text.strip() and not any(row.name == "caption" and row.text for row in found):
            refused.append(_nothing_to_say(item, spec_id))
            continue
        used = _prompt_words(found, [word for word in spec.words if word in template.variables], spec.abstain)
        values = _values(used) | {
            "order": _order([word for word in spec.words if word in used], spec.shuffle, item.item_id),
            "text": escape(item.text).strip() or None,
            "has_picture": item.image_path is not None,
            "platform": platform,
            "language": language,
        }
        words = [row.feature_id for rows in used.values() for row in rows]
        read_from = next((row.spec_id for row in features.get(item.item_id, ())), "")
        prompts.append(
            Prompt(
                prompt_id=Prompt.make_id(item.item_id, spec_id, words, read_from),
                item_id=item.item_id,
                spec_id=spec_id,
                feature_spec_id=read_from,
                platform=spec.platform,
                template=spec.template,
                system=template.render("system", values),
                user=template.render("user", values),
                words=words,
            )
        )
    return prompts, refused


def _prompt_words(found: Sequence[Feature], wanted: Sequence[str], abstain: bool) -> dict[str, list[Feature]]:
    """Per wanted word, in the order of WORDS, the rows that give it: the best of each name, all keywords and details.

    The second best of a name never stands in for an uncertain best: it is less certain still.
    """
    used: dict[str, list[Feature]] = {}
    for word in WORDS:
        if word not in wanted:
            continue
        name = FEATURES.get(word, word)
        rows = sorted((row for row in found if row.name == name and _line(row)), key=lambda row: row.rank)
        rows = [row for row in (rows if word in FEATURES else rows[:1]) if not (abstain and is_uncertain(row))]
        if word == "details":
            rows = _new(rows, used.get("caption", []))
        if rows:
            used[word] = rows
    return used


def _order(words: list[str], shuffle: int | None, item_id: str) -> list[str]:
    """The order in which they are said: as they are listed or, by the seed `shuffle`, each item's own."""
    if shuffle is not None:
        random.Random(f"{shuffle} {item_id}").shuffle(words)
    return words


def is_uncertain(row: Feature) -> bool:
    """Below the threshold that was measured for it; False where none was."""
    return row.threshold is not None and row.score is not None and row.score < row.threshold


def _new(rows: Sequence[Feature], said: Sequence[Feature]) -> list[Feature]:
    """Those of `rows` that say what neither `said` nor a row before them says."""
    lines = [_line(row).lower() for row in said]
    kept = []
    for row in rows:
        if (line := _line(row).lower()) not in lines:
            lines.append(line)
            kept.append(row)
    return kept


def _line(row: Feature) -> str:
    return " ".join((row.text or "").split())


def _values(used: Mapping[str, Sequence[Feature]]) -> dict[str, Any]:
    """What a template sees: one line of escaped text per word, None where there is none; of FEATURES a list."""
    lines = {word: [" ".join(escape(row.text or "").split()) for row in rows] for word, rows in used.items()}
    return {word: lines.get(word, []) if word in FEATURES else lines.get(word, [None])[0] for word in WORDS}


def _nothing_to_say(item: Item, spec_id: str) -> Quarantine:
    return Quarantine(
        quarantine_id=Quarantine.make_id(_STEP, item.dataset, item.source_uri, item.stamp, "nothing_to_say"),
        step=_STEP,
        dataset=item.dataset,
        source_uri=item.source_uri,
        stamp=item.stamp,
        image_path=item.image_path,
        item_id=item.item_id,
        reason="nothing_to_say",
        detail=f"item {item.item_id} has no text and no caption, so a prompt (spec {spec_id}) would be empty",
        at=datetime.now(UTC),
    )


@cache
def known_languages() -> Mapping[str, str]:
    names: dict[str, str] = yaml.safe_load((Path(__file__).parent / "languages.yaml").read_text("utf-8"))
    return names


def language_name(tag: str) -> str:
    """The English name of a BCP 47 tag: de -> German, pt-BR -> Portuguese (BR). UserError for an unknown one."""
    known = {name.lower(): name for name in known_languages()}
    base, _, region = tag.partition("-")
    if tag.lower() in known:
        return known_languages()[known[tag.lower()]]
    if base.lower() in known and region.isalnum() and 2 <= len(region) <= 8:
        return f"{known_languages()[known[base.lower()]]} ({region.upper()})"
    raise UserError(
        f"prompt.language: {tag!r} is not known; known are {', '.join(known_languages())} (a region may follow)"
    )
