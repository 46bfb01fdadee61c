"""Which items of a run have work left, and for which of its steps: what is worth running at once."""

from typing import Any

import pandas as pd

from components.judgments.panel import judges_of
from components.specs import Campaign, Selection
from flows.buying import TRIED_AGAIN
from flows.judge_posts import waiting_calls
from flows.settings import Settings
from flows.stages import Line


def line_of(campaign: Campaign, selection: Selection, settings: Settings, first: int) -> Line | None:
    """For the steps from the one after `first` of those that can run at once; None where they had better run one after
    the other: there is no more than a chunk to do, or an endpoint is handed batches, which are answered in a day."""
    c, store = campaign, settings.store()
    judges = judges_of(c).values()
    if any(spec.mode == "batch" for spec in (c.generation, *judges)) or waiting_calls(settings):
        return None
    common: dict[str, Any] = {
        "selection": selection, "prompt_spec_id": c.prompt.id, "feature_spec_id": c.features.id,
        "retryable": TRIED_AGAIN,
    }  # fmt: skip
    writing = c.generation.id
    left = [
        pd.DataFrame() if first else store.left("items_without_features", selection, spec_id=c.features.id),
        store.left("items_without_prompts", selection, spec_id=c.prompt.id, feature_spec_id=c.features.id),
        store.left("prompts_without_posts", **common, spec_id=writing, candidates=c.generation.candidates),
        *(
            store.left(
                "posts_without_judgments", **common, generation_spec_id=writing, spec_id=one.id, repeats=one.repeats
            )
            for one in judges
        ),
    ][first:]
    before: list[int | None] = [None, *range(2 - first), *[2 - first] * len(judges)]
    line = Line(left, before)
    return line if line.is_long else None
