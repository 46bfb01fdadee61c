"""The rows of all steps without the steps: put in by the store, then gone over by a run that has nothing to do."""

import sys
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from _measured import CHUNK, campaign_of, ended_profile, memory, started_profile, words_of
from _texts import own_prefect, write_texts

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def put_rows(n: int, place: Path) -> dict[str, Any]:
    """The rows of all steps, put in by the store; then a run that checks them."""
    from components.items import list_entries, read_entries
    from components.judgments import load_rubric
    from components.prompts import build
    from components.records import Judgment, Post

    write_texts(place / "texts.jsonl", n)
    with own_prefect(place / "home"):
        from flows.pipeline import pipeline
        from flows.settings import Settings

        c, store = campaign_of(place), Settings.from_environment().prepare().store()
        store.register(c.dataset, c.features, c.prompt, c.generation, c.judge)
        ids, aspects = (c.features.id, c.generation.id, c.judge.id), [a.name for a in load_rubric("mpwl").aspects]
        entries, parts, begun = list_entries(c.dataset), list[float](), time.perf_counter()
        spent = 0.0
        for start in range(0, n, CHUNK):
            items, _ = read_entries(list(islice(entries, CHUNK)), c.dataset)
            found = words_of(items, ids[0])
            by_item: dict[str, list[Any]] = {}
            for feature in found:
                by_item.setdefault(feature.item_id, []).append(feature)
            prompts, _ = build(items, by_item, c.prompt)
            posts = [
                Post(
                    post_id=Post.make_id(p.prompt_id, ids[1], 0, None), prompt_id=p.prompt_id, spec_id=ids[1],
                    platform=p.platform, text=f"{p.prompt_id} begins. {p.user[-80:]}", cost_usd=0.0, created_at=NOW,
                )
                for p in prompts
            ]  # fmt: skip
            judgments = [
                Judgment(
                    judgment_id=Judgment.make_id(p.post_id, ids[2], 0, aspect, None), post_id=p.post_id,
                    spec_id=ids[2], aspect=aspect, score=float(5 + (k + j) % 4), cost_usd=0.0, created_at=NOW,
                )
                for k, p in enumerate(posts)
                for j, aspect in enumerate(aspects)
            ]  # fmt: skip
            before = time.perf_counter()
            store.append(
                {"items": items, "features": found, "prompts": prompts, "posts": posts, "judgments": judgments}
            )
            spent += time.perf_counter() - before
            if (start + CHUNK) % (n // 10) == 0:
                parts.append(spent)
                print(f"  {start + CHUNK} items, {spent:.1f} s of writing, {memory():.0f} MiB", file=sys.stderr)
        took = time.perf_counter() - begun
        pipeline(c)
    tenths = [after - before for before, after in zip([0.0, *parts], parts, strict=False)]
    return {"rows": 12 * n, "took": took, "writing": spent, "tenths": tenths}


def over_the_rows(place: Path, profiled: str = "") -> dict[str, Any]:
    """A run that has nothing to do, over what `put_rows` left."""
    with own_prefect(place / "home"):
        import great_expectations  # noqa: F401

        from flows.pipeline import pipeline

        before, profile = memory(), started_profile(profiled)
        begun = time.perf_counter()
        again = pipeline(campaign_of(place))
        took = time.perf_counter() - begun
        ended_profile(profile, profiled)
    assert all(step.rows == step.bought == step.passes == 0 for step in again.steps)
    return {"again": took, "before": before, "peak": memory()}
