"""All measures of some posts of a batch, as rows. What a batch shares is made once: vectors, references, the alarm.

Needed: the models of the features' set where fit, control or variety is asked for; none for the rest.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from components.measures.about import about, names_of
from components.measures.batch import Batch, Found
from components.measures.control import Control
from components.measures.fit import Fit
from components.measures.pii import personal_data
from components.measures.sources import OWN
from components.measures.toxicity import load_classifier, toxicity
from components.measures.variety import Variety
from components.measures.vectors import TextVectors
from components.measures.wording import wording
from components.records import Measure, Post
from components.specs import FeatureSpec
from components.specs.measures import MeasureSpec

if TYPE_CHECKING:
    from components.features.models import Models

WITH_MODELS = frozenset({"fit", "control", "variety"})


class Measuring:
    """Measures posts of one batch. UserError when a model that is needed is not on this machine."""

    def __init__(
        self, batch: Batch, spec: MeasureSpec, features: FeatureSpec, models_folder: Path | None = None
    ) -> None:
        from components.features import load_models

        self.batch, self.spec, self._spec_id = batch, spec, spec.id
        self._order = {name: at for at, name in enumerate(about())}
        self._classifier = load_classifier(spec.toxicity, models_folder) if "safety" in spec.families else None
        self._of_models = (
            self._with_models(load_models(features, models_folder)) if WITH_MODELS & {*spec.families} else []
        )

    def _with_models(self, models: "Models") -> list[Fit | Control | Variety]:
        vectors = TextVectors(models)
        kinds: dict[str, type[Fit] | type[Control] | type[Variety]] = {
            "fit": Fit,
            "control": Control,
            "variety": Variety,
        }
        return [kind(self.batch, vectors, self.spec) for name, kind in kinds.items() if name in self.spec.families]

    def __call__(self, posts: Sequence[Post], now: datetime) -> list[Measure]:
        """The rows of `posts`, which are in the batch: post by post, each with every measure of the spec's families."""
        of_post: dict[str, dict[str, Measure]] = {post.post_id: {} for post in posts}
        for found in self._found(posts):
            of_post[found.post_id][found.name] = self._row(found, now)
        names = names_of(self.spec.families)
        for post_id, rows in of_post.items():
            if rows.keys() != {*names}:
                raise ValueError(f"post {post_id}: measured {sorted(rows)}, expected {sorted(names)}")
        return [rows[name] for rows in of_post.values() for name in names]

    def _found(self, posts: Sequence[Post]) -> Iterator[Found]:
        for kind in self._of_models:
            yield from kind(posts)
        families, spec = self.spec.families, self.spec
        if "wording" in families:
            yield from wording(posts, self.batch)
        if self._classifier is not None:
            yield from toxicity(posts, self.batch, self._classifier)
            yield from personal_data(posts, self.batch, spec.phone_region)
        if "rules" in families:
            for post in posts:
                detail = {"rules": list(post.rules)} if len(post.rules) else {}
                yield Found(post.post_id, "rules_broken", OWN, float(len(post.rules)), detail=detail)

    def _row(self, found: Found, now: datetime) -> Measure:
        return Measure(
            measure_id=Measure.make_id(found.post_id, self._spec_id, found.name),
            post_id=found.post_id,
            spec_id=self._spec_id,
            name=found.name,
            value=found.value,
            label=found.label,
            detail=json.dumps(found.detail, ensure_ascii=False, sort_keys=True),
            model=found.model,
            error=found.error,
            created_at=now,
        )
