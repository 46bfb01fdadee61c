"""What orchestration costs: the same work through the flows and through bare calls of the components, in one run.

Text-only items, offline writer and judge, starter models. The bare loop has no Prefect, no checks and no warehouse.
Then the second run over everything, which has nothing to do: the limit is 10 s for 10,000 items.

    python bench/pipeline.py [--items 2000]
"""

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from _texts import own_prefect, write_texts


def bare(path: Path, home: Path) -> float:
    """Seconds for the same rows by plain calls."""
    from components.chat import Journal, Ledger, buy
    from components.features import extract
    from components.items import list_entries, read_entries
    from components.judgments import judge
    from components.posts import ask, read_posts
    from components.prompts import build
    from components.specs import DatasetSpec, FeatureSpec, GenerationSpec, JudgeSpec, PromptSpec

    begun, now = time.perf_counter(), datetime.now(UTC)
    dataset, writer, judge_spec = DatasetSpec(source="jsonl", path=path), GenerationSpec(), JudgeSpec()
    items, _ = read_entries(list(list_entries(dataset)), dataset)
    features, _ = extract(items, FeatureSpec(), None)
    by_item: dict[str, list] = {item.item_id: [] for item in items}
    for feature in features:
        by_item[feature.item_id].append(feature)
    prompts, _ = build(items, by_item, PromptSpec())
    journal, ledger = Journal(home / "calls"), Ledger(1.0)
    known = {item.item_id: item for item in items}

    async def write_and_judge() -> None:
        asked = ask(prompts, known, writer)
        made = await buy(asked.requests, spec=writer, api_key=None, journal=journal, ledger=ledger, run_id="bare")
        posts = read_posts(asked.prompts, made, {}, writer, now)
        words = {p.prompt_id: {f.name: [f.text] for f in by_item[p.item_id] if f.text} for p in prompts}

        async def pay(requests):  # type: ignore[no-untyped-def]
            return await buy(requests, spec=judge_spec, api_key=None, journal=journal, ledger=ledger, run_id="bare")

        await judge(posts, {p.prompt_id: p for p in prompts}, known, words, judge_spec, pay, now)

    asyncio.run(write_and_judge())
    return time.perf_counter() - begun


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--items", type=int, default=2000)
    n = words.parse_args().items
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_texts(place / "texts.jsonl", n)
        with own_prefect(place / "home"):
            import great_expectations
            import torch  # noqa: F401 - imports are not what is measured

            from components.specs import Campaign
            from flows.pipeline import pipeline

            del great_expectations
            campaign = Campaign.model_validate(
                {"name": "bench", "dataset": {"source": "jsonl", "path": place / "texts.jsonl"}}
            )
            pipeline(campaign, limit=8)  # starts the server, loads the models
            plain = bare(place / "texts.jsonl", place)
            begun = time.perf_counter()
            pipeline(campaign)
            orchestrated = time.perf_counter() - begun
            begun = time.perf_counter()
            again = pipeline(campaign)
            second = time.perf_counter() - begun
        assert all(step.rows == step.bought == step.passes == 0 for step in again.steps)
    print(f"{n} items, bare components      {plain:7.1f} s  {1000 * plain / n:6.2f} ms per item")
    print(f"{n} items, flows                {orchestrated:7.1f} s  {1000 * orchestrated / n:6.2f} ms per item")
    print(f"flows / bare                   {orchestrated / plain:7.2f}")
    print(f"a second run over {n} items   {second:7.1f} s  ({second / n * 10_000:.1f} s per 10,000; limit 10)")


if __name__ == "__main__":
    main()
