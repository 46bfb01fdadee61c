"""What the steps of a pipeline would find to do, and what is there: of a selection as a whole, or window by window.

These are the very questions that the steps ask (components/warehouse/questions.py), only of all windows at once: an
item's answer does not depend on the window it stands in. So a year of finished windows takes a few queries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from components.judgments.panel import judges_of
from components.records import Feature, Item, Post, Prompt
from components.specs import Campaign, Selection
from components.warehouse.store import Store
from flows.buying import TRIED_AGAIN

T = TypeVar("T")


@dataclass
class Left:
    """What has no output under a campaign's specs, or one that is tried again. `unjudged`: by the judge's name.
    `item_of`: prompt id -> item id, of the prompts that are named here."""

    unseen: list[Item] = field(default_factory=list)
    unprompted: list[Item] = field(default_factory=list)
    unwritten: list[Prompt] = field(default_factory=list)
    unjudged: dict[str, list[Post]] = field(default_factory=dict)
    unmeasured: list[Post] = field(default_factory=list)
    item_of: dict[str, str] = field(default_factory=dict)

    def items(self) -> set[str]:
        """The ids of the items that anything is left to do about."""
        found = {item.item_id for item in (*self.unseen, *self.unprompted)}
        found |= {prompt.item_id for prompt in self.unwritten}
        posts = (*(post for posts in self.unjudged.values() for post in posts), *self.unmeasured)
        return found | {self.item_of[post.prompt_id] for post in posts}


@dataclass
class There:
    """What is left, beside the prompts and posts that are there; `to_judge`: the posts worth judging, judged or not."""

    left: Left = field(default_factory=Left)
    prompts: list[Prompt] = field(default_factory=list)
    written: list[Post] = field(default_factory=list)
    to_judge: list[Post] = field(default_factory=list)

    def split(self, place: Mapping[str, int], parts: int) -> "list[There]":
        """By `place`, item id -> part; what belongs to no item of it is left out."""
        one, found = self.left, [There(Left(item_of=self.left.item_of)) for _ in range(parts)]

        def of_items(rows: Sequence[T], id_of: Mapping[str, str] | None = None) -> list[list[T]]:
            made: list[list[T]] = [[] for _ in range(parts)]
            for row in rows:
                item_id = row.item_id if id_of is None else id_of[row.prompt_id]  # type: ignore[attr-defined]
                if (at := place.get(item_id)) is not None:
                    made[at].append(row)
            return made

        unseen, unprompted, unwritten = of_items(one.unseen), of_items(one.unprompted), of_items(one.unwritten)
        unjudged = {name: of_items(posts, one.item_of) for name, posts in one.unjudged.items()}
        unmeasured, prompts = of_items(one.unmeasured, one.item_of), of_items(self.prompts)
        written, to_judge = of_items(self.written, one.item_of), of_items(self.to_judge, one.item_of)
        for at, part in enumerate(found):
            part.left.unseen, part.left.unprompted, part.left.unwritten = unseen[at], unprompted[at], unwritten[at]
            part.left.unjudged = {name: posts[at] for name, posts in unjudged.items()}
            part.left.unmeasured, part.prompts = unmeasured[at], prompts[at]
            part.written, part.to_judge = written[at], to_judge[at]
        return found


def read_left(store: Store, campaign: Campaign, selection: Selection) -> Left:
    """What the steps would find to do about the items that are there."""
    c = campaign
    features, prompts, writer = c.features.id, c.prompt.id, c.generation.id
    ids = (selection, prompts, features, writer)
    left = Left(
        unseen=store.items_without_features(selection, features),
        unprompted=store.items_without_prompts(selection, prompts, features),
        unwritten=store.prompts_without_posts(*ids, c.generation.candidates, TRIED_AGAIN),
        unjudged={
            name: store.posts_without_judgments(*ids, judge.id, judge.repeats, TRIED_AGAIN)
            for name, judge in judges_of(c).items()
        },
        unmeasured=store.posts_without_measures(*ids, c.measures.id) if c.measures else [],
    )
    posts = [*(post for posts in left.unjudged.values() for post in posts), *left.unmeasured]
    if posts:
        sql = "SELECT prompt_id, item_id FROM prompts WHERE prompt_id IN (SELECT unnest($ids))"
        rows = store.query(sql, {"ids": sorted({post.prompt_id for post in posts})})
        left.item_of = {row["prompt_id"]: row["item_id"] for row in rows}
    return left


def read_there(store: Store, campaign: Campaign, selection: Selection) -> There:
    """What is left and what is there; the whole of it is in memory."""
    left = read_left(store, campaign, selection)
    ids = (selection, campaign.prompt.id, campaign.features.id, campaign.generation.id)
    there = There(left, store.prompts(*ids[:3]), store.posts_written(*ids), store.posts_to_judge(*ids))
    left.item_of = {prompt.prompt_id: prompt.item_id for prompt in there.prompts}
    return there


class FeaturesRead:
    """The text features of some items, read at once: what the store would answer, for the windows one by one."""

    def __init__(self, store: Store, item_ids: Sequence[str], spec_ids: Sequence[str]) -> None:
        self._found = {spec_id: store.features(item_ids, spec_id) for spec_id in spec_ids} if item_ids else {}

    def features(self, item_ids: Sequence[str], spec_id: str) -> dict[str, list[Feature]]:
        found = self._found.get(spec_id, {})
        return {item_id: list(found.get(item_id, [])) for item_id in item_ids}
