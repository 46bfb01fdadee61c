"""For a plan: a run before it is done, over a selection as a whole or window by window. Nothing is bought.

What the source and the warehouse have is read once; what each window makes of it is worked out in memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from components.chat import ChatRequest
from components.items import Entry, list_entries
from components.judgments.panel import JUDGE, judges_of
from components.posts import ask
from components.records import Item, Post, Prompt
from components.specs import Campaign, ChatSpec, Selection
from components.warehouse.store import Store
from flows.buying import journal_of
from flows.expect_anchors import anchor_stages
from flows.expect_calls import alt_text_stage, telling_requests
from flows.expect_items import expected_items
from flows.expect_judging import expected_judging
from flows.expect_measures import expected_measuring
from flows.expect_posts import by_people, expected_posts, unknown_candidates
from flows.expect_prompts import expected_prompts
from flows.ingest_items import undated
from flows.inputs import inputs_met
from flows.judges import notes_on
from flows.left import FeaturesRead, There, read_there
from flows.settings import Settings

Stage = tuple[str, ChatSpec, Sequence[ChatRequest]]


@dataclass
class StepPlan:
    step: str
    todo: int
    there: int


@dataclass
class Expected:
    """A run before it is done: rows per step, what would be asked of whom, and what cannot be known. `unseen`: the
    items whose features are not there yet; `posts` that are there and that it would write, beside the `prompts` that
    they are written from and the items that they are `about`, by their ids."""

    steps: list[StepPlan]
    stages: list[Stage]
    notes: list[str]
    items: int
    unseen: int
    about: Mapping[str, Item] = field(default_factory=dict)
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    posts: Sequence[Post] = ()


@dataclass
class Source:
    """The inputs of a dataset, those of them that are not read in yet, and the items that a selection takes: by id, and
    those of them that are not in the warehouse."""

    entries: list[Entry]
    fresh: list[Entry]
    items: dict[str, Item]
    new: list[Item]

    @property
    def undated(self) -> int:
        return sum(entry.published_at is None for entry in self.entries if not entry.problem)

    @property
    def step(self) -> StepPlan:
        return StepPlan("ingest_items", len(self.fresh), len(self.entries) - len(self.fresh))


def read_source(campaign: Campaign, store: Store, selection: Selection) -> Source:
    entries, met = list(list_entries(campaign.dataset)), inputs_met(store, campaign.dataset.name)
    fresh = [entry for entry in entries if (entry.source_uri, entry.stamp) not in met]
    return Source(entries, fresh, *expected_items(fresh, selection, store))


def expected_run(campaign: Campaign, settings: Settings, selection: Selection) -> Expected:
    """What a run over a selection would do."""
    store = settings.store()
    source = read_source(campaign, store, selection)
    window = selection.model_copy(update={"limit": None, "sample": None})
    there = read_there(store, campaign, window)
    [found] = expected_parts(campaign, settings, source, there, dict.fromkeys(source.items, 0), 1)
    found.steps.insert(0, source.step)
    told = (undated(selection, source.undated, len(source.entries)), *notes_on(campaign))
    found.notes = [*(note for note in told if note), *found.notes]
    found.stages += anchor_stages(campaign.anchors, tuple(judges_of(campaign).values()))
    return found


def expected_parts(
    campaign: Campaign, settings: Settings, source: Source, there: There, place: Mapping[str, int], parts: int
) -> Iterator[Expected]:
    """What would be done in each of the parts that `place` puts the items in, item id -> part. Neither ingestion nor
    anchors, which belong to no part."""
    items: list[dict[str, Item]] = [{} for _ in range(parts)]
    new: list[list[Item]] = [[] for _ in range(parts)]
    for item_id, at in place.items():
        items[at][item_id] = source.items[item_id]
    for item in source.new:
        if item.item_id in place:
            new[place[item.item_id]].append(item)
    read = FeaturesRead(settings.store(), features_needed(there, place), features_named(campaign))
    for own, fresh, part in zip(items, new, there.split(place, parts), strict=True):
        yield _expected(campaign, settings, read, own, fresh, part)


def features_named(campaign: Campaign) -> list[str]:
    """The specs of the features that words are taken from."""
    judges = judges_of(campaign).values()
    return list(dict.fromkeys([campaign.features.id, *(judge.words_from for judge in judges if judge.words_from)]))


def features_needed(there: There, place: Mapping[str, int]) -> list[str]:
    """The items whose words something is still to be made from, or judged against."""
    return sorted({item_id for item_id in there.left.items() if item_id in place})


def _expected(
    c: Campaign, settings: Settings, read: FeaturesRead, items: dict[str, Item], new_items: list[Item], there: There
) -> Expected:
    store, journal = settings.store(), journal_of(settings)
    unseen = [*there.left.unseen, *new_items]
    new = expected_prompts(unseen, there.left.unprompted, read, c)
    to_write = [*there.left.unwritten, *new]
    writing = ask(to_write, items, c.generation)

    prompts = {prompt.prompt_id: prompt for prompt in [*there.prompts, *new]}
    known = {post.post_id: post for post in there.written}
    coming = by_people(to_write, items, c) if c.generation.is_human else expected_posts(writing, c, journal, known)
    judges = judges_of(c)
    judging = {
        name: expected_judging(name, judge, c, prompts, items, there, coming, read, settings)
        for name, judge in judges.items()
    }

    posts_to_do = len(to_write) * c.generation.candidates
    steps = [
        StepPlan("extract_features", len(unseen), len(items) - len(unseen)),
        StepPlan("build_prompts", len(new), len(there.prompts)),
        StepPlan("generate_posts", posts_to_do, len(prompts) * c.generation.candidates - posts_to_do),
        *(StepPlan(name, one.todo, one.there) for name, one in judging.items()),
    ]
    if c.measures:
        steps.append(StepPlan("measure_posts", *expected_measuring(c, there, coming)))
    stages: list[Stage] = [
        *telling_requests(unseen, c.features),
        *alt_text_stage(to_write, items, {item.item_id for item in unseen}, c, store),
        ("generate", c.generation, writing.requests),
        *(("judge" if name == JUDGE else name, judge, judging[name].requests) for name, judge in judges.items()),
    ]
    unknown = unknown_candidates(writing, c, journal)
    notes = [unknown] if unknown else []
    return Expected(steps, stages, notes, len(items), len(unseen), items, prompts, [*there.written, *coming])
