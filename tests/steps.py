"""The five steps, each on its own, on texts and by the offline writer and judge: real rows, no Prefect, no models."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.items import list_entries, read_entries, split_duplicates
from components.judgments import beside_in, judge
from components.measures import Measuring, read_batch
from components.posts import ask, human_posts, read_posts
from components.prompts import build
from components.records import Feature, Item, Prompt
from components.specs import Campaign, ChatSpec, Selection
from flows.buying import TRIED_AGAIN, Buyer
from flows.generate_posts import compared
from flows.ingest_items import ids_known
from flows.inputs import inputs_met
from flows.judge_posts import words_of
from flows.plan_run import RunPlan, plan_run
from flows.settings import Settings

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ROWS = [
    ("Two boats left the harbour before breakfast and nobody waved.", "2026-03-01T09:00:00Z"),
    ("Fresh bread, warm butter, and the whole street smells of it.", "2026-03-02T09:00:00Z"),
    ("Rain on the tent all night, coffee on the stove all morning.", "2026-03-03T09:00:00Z"),
    ("The choir sang in the station and three trains left late.", "2026-03-04T09:00:00Z"),
    ("Our old dog learned to open the garden gate this week.", "2026-03-05T09:00:00Z"),
    ("First snow on the pass, the road is open again by noon.", "2026-03-06T09:00:00Z"),
]


def campaign_of(folder: Path, rows: Sequence[tuple[str, str]] = ROWS, **sections: Any) -> Campaign:
    path = folder / "texts.csv"
    path.write_text("text,published_at\n" + "".join(f'"{text}",{at}\n' for text, at in rows), encoding="utf-8")
    return Campaign.model_validate({"name": "test", "dataset": {"source": "csv", "path": path}, **sections})


class Steps:
    """The five steps, each on its own, so that a test can stop between them or in the middle of one."""

    def __init__(self, settings: Settings, campaign: Campaign, **selection: Any) -> None:
        self.settings, self.store, self.c = settings, settings.store(), campaign
        self.selection = Selection(dataset=campaign.dataset.name, **selection)

    def all(self) -> None:
        self.ingest()
        self.describe()
        self.build()
        self.write()
        self.judge()

    def ingest(self) -> None:
        met = inputs_met(self.store, self.c.dataset.name)
        fresh = [e for e in list_entries(self.c.dataset) if (e.source_uri, e.stamp) not in met]
        items, refused = read_entries(fresh, self.c.dataset)
        items, same = split_duplicates(items, *ids_known(self.store, self.c.dataset.name, items))
        self.store.append({"items": items, "quarantine": [*refused, *same]})

    def describe(self) -> None:
        """Words as a text model would find them; models have tests of their own."""
        spec_id = self.c.features.id
        found = [
            Feature(
                feature_id=Feature.make_id(item.item_id, spec_id, name, rank), item_id=item.item_id, spec_id=spec_id,
                name=name, rank=rank, text=text, score=0.5, model="m",
            )
            for item in self.store.items_without_features(self.selection, spec_id)
            for name, texts in (
                ("topic", ["travel"]), ("sentiment", ["positive"]), ("keyword", item.text.strip(".").split()[-3:])
            )
            for rank, text in enumerate(texts)
        ]  # fmt: skip
        self.store.append({"features": found})

    def build(self) -> None:
        items = self.store.items_without_prompts(self.selection, self.c.prompt.id, self.c.features.id)
        features = self.store.features([item.item_id for item in items], self.c.features.id)
        self.store.append({"prompts": build(items, features, self.c.prompt)[0]})

    def unwritten(self) -> list[Prompt]:
        c = self.c
        return self.store.prompts_without_posts(
            self.selection, c.prompt.id, c.features.id, c.generation.id, c.generation.candidates, TRIED_AGAIN
        )

    def write(self, n: int | None = None, publish: bool = True) -> None:
        self.store.register(self.c.generation)
        prompts = self.unwritten()[:n]
        items = self.store.by_ids(Item, "items", "item_id", [prompt.item_id for prompt in prompts])
        if self.c.generation.is_human:
            self.store.append({"posts": human_posts(prompts, items, {}, self.c.generation, NOW)})
            return
        asked = ask(prompts, items, self.c.generation)
        outcomes = self.bought(self.c.generation, lambda buyer: buyer(asked.requests))
        if publish:
            posts = read_posts(asked.prompts, outcomes, {}, self.c.generation, NOW)
            self.store.append({"posts": compared(posts, prompts, self.c.generation, self.c.features, self.settings)})

    def judge(self, n: int | None = None, publish: bool = True) -> None:
        c, store = self.c, self.store
        ids = (c.prompt.id, c.features.id, c.generation.id)
        todo = store.posts_without_judgments(self.selection, *ids, c.judge.id, c.judge.repeats, TRIED_AGAIN)[:n]
        prompts = store.by_ids(Prompt, "prompts", "prompt_id", [post.prompt_id for post in todo])
        items = store.by_ids(Item, "items", "item_id", [prompt.item_id for prompt in prompts.values()])
        beside = beside_in(store.posts_written(self.selection, *ids), c.judge.batch_context).of(prompts)
        words = words_of(store, prompts, c.judge.words_from)
        rows = self.bought(c.judge, lambda buy: judge(todo, prompts, items, words, c.judge, buy, NOW, beside=beside))
        if publish:
            store.append({"judgments": rows})

    def measure(self, n: int | None = None) -> None:
        c, store = self.c, self.store
        assert c.measures is not None
        ids = (c.prompt.id, c.features.id, c.generation.id)
        todo = store.posts_without_measures(self.selection, *ids, c.measures.id)[:n]
        batch = read_batch(store, store.posts_to_judge(self.selection, *ids), c.features.id, c.prompt.language)
        store.append({"measures": Measuring(batch, c.measures, c.features, self.settings.models)(todo, NOW)})

    def bought(self, spec: ChatSpec, work: Callable[[Any], Awaitable[Any]]) -> Any:
        buyer = Buyer(self.settings, spec, self.c.budget, "r", "r")

        async def main() -> Any:
            return await work(buyer)

        return asyncio.run(main())

    def plan(self) -> RunPlan:
        chosen = self.selection
        return plan_run(self.c, self.settings, chosen.published_from, chosen.published_to, chosen.limit)
