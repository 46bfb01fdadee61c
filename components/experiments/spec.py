"""An experiment: a campaign, and arms that each change something in it. One YAML file, one ExperimentSpec.

    name: mpwl-ablation
    campaign: demo.yaml                    # a file beside this one, or a campaign written out here
    arms:
      full: {}
      minus-topic: {without: [topic]}      # prompt words left out
      plain: {prompt: {template: plain}}   # any field of a campaign but name, dataset and budget
    baseline: full
    items: {sample: 60, seed: 1}

Whatever the arms, they share dataset, items and budget, and are judged alike (see arms.py).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from components.errors import UserError
from components.pairwise import PairwiseSpec
from components.records import content_id
from components.specs import WORDS, Campaign, Selection, Spec
from components.specs.campaign_file import apply_override, describe, parse_campaign, read_mapping, relative_to

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
SHARED = ("name", "dataset", "budget")
"""Sections of a campaign that an arm cannot change."""
OVERALL = "overall"


class ItemRule(BaseModel):
    """Which items: all of the dataset, or a window, a random sample, the earliest few."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    published_from: datetime | None = Field(default=None, title="Published from", description="Included.")
    published_to: datetime | None = Field(default=None, title="Published before", description="Excluded.")
    sample: int | None = Field(default=None, ge=1, title="Random sample", description="So many items, by the seed.")
    seed: int = Field(
        default=0, title="Seed of the sample", description="A larger sample by the same seed holds the smaller one."
    )
    limit: int | None = Field(default=None, ge=1, title="At most so many items", description="The earliest first.")


class Claim(BaseModel):
    """An expected direction: `better` scores higher than each of `than`. `reported` are figures of whoever says so, in
    words: they are shown, marked as foreign, and never computed with."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    better: str = Field(title="Arm that should score higher", description="An arm's name.")
    than: tuple[str, ...] = Field(
        min_length=1, title="Than each of these arms", description="Names of arms; each difference is tested by itself."
    )
    aspect: str = Field(default=OVERALL, title="Aspect", description="overall, or one of the rubric's.")
    by: str = Field(
        default="you",
        title="Who says so",
        examples=["the paper, arXiv 2407.07771"],
        description="Whose claim it is: you, or a paper.",
    )
    reported: str = Field(default="", title="Figures they report", description="Of other pictures, writers and judges.")


class ExperimentSpec(Spec):
    """What is compared with what, over which items, and what is expected."""

    step: ClassVar[str] = "run_experiment"
    name: str = Field(
        pattern=NAME,
        title="Name",
        examples=["mpwl-ablation"],
        description="Reports and tables know the experiment by it; the same name goes on where it stopped.",
    )
    campaign: Campaign = Field(title="Campaign", description="What the arms have in common; its budget is for all.")
    arms: dict[str, dict[str, Any]] = Field(
        title="Arms", description="Name -> what is different: sections of a campaign, or {without: [topic]}."
    )
    baseline: str = Field(title="Baseline", description="The arm that all others are compared with.")
    items: ItemRule = Field(default=ItemRule(), title="Items", description="The same ones for every arm.")
    claims: tuple[Claim, ...] = Field(
        default=(),
        title="Expected directions",
        description="Told beside what was found, and whether the direction held.",
    )
    pairwise: PairwiseSpec | None = Field(
        default=None, title="Also in pairs", description="A judge says which of two arms' posts is better; empty: not."
    )

    @field_validator("arms")
    @classmethod
    def _arms_are_campaigns(cls, arms: dict[str, dict[str, Any]], info: ValidationInfo) -> dict[str, dict[str, Any]]:
        if len(arms) < 2:
            raise ValueError(f"{len(arms)} arms; an experiment compares two or more")
        if "campaign" in info.data:  # else it is wrong itself, and told so
            for name, overrides in arms.items():
                campaign_of_arm(info.data["campaign"], name, overrides)
        return arms

    @field_validator("baseline")
    @classmethod
    def _baseline_is_an_arm(cls, baseline: str, info: ValidationInfo) -> str:
        _known(baseline, info.data.get("arms"))
        return baseline

    @field_validator("claims")
    @classmethod
    def _claims_name_arms(cls, claims: tuple[Claim, ...], info: ValidationInfo) -> tuple[Claim, ...]:
        for claim in claims:
            for name in (claim.better, *claim.than):
                _known(name, info.data.get("arms"))
            if claim.better in claim.than:
                raise ValueError(f"{claim.better} cannot be better than itself")
        return claims

    @property
    def selection(self) -> Selection:
        return Selection(dataset=self.campaign.dataset.name, **self.items.model_dump())

    def resolved(self) -> dict[str, Any]:
        """What is asked; where things lie, limits and the budget change no result."""
        return {
            "name": self.name,
            "dataset": self.campaign.dataset.name,
            "arms": {name: flat(overrides) for name, overrides in self.arms.items()},
            "campaign": {
                part: getattr(self.campaign, part).id for part in ("features", "prompt", "generation", "judge")
            },
            "baseline": self.baseline,
            "items": self.items.model_dump(mode="json"),
            "claims": [claim.model_dump(mode="json") for claim in self.claims],
        } | ({"pairwise": self.pairwise.id} if self.pairwise else {})


def _known(name: str, arms: Mapping[str, Any] | None) -> None:
    if arms is not None and name not in arms:
        raise ValueError(f"there is no arm {name!r}; the arms are {', '.join(arms)}")


def campaign_of_arm(base: Campaign, name: str, overrides: Mapping[str, Any]) -> Campaign:
    """The campaign of one arm; ValueError names the arm, the field and the value that is wrong."""
    if not isinstance(overrides, Mapping):
        raise ValueError(f"{name}: an arm is a mapping of sections, such as {{prompt: {{template: plain}}}}")
    changes = _nested(overrides)
    if taken := sorted(set(changes) & set(SHARED)):
        raise ValueError(f"{name}: all arms share the campaign's {taken[0]}; leave it out of the arm")
    left_out = changes.pop("without", [])
    data = base.model_dump(mode="python")
    person = str((changes.get("generation") or {}).get("model", "")).startswith("human/")
    if person:  # nothing of a model's settings is asked of a person
        data["generation"] = {}
    data = _merged(data, changes)
    if left_out:
        data["prompt"]["words"] = _without(data["prompt"]["words"], left_out, name)
    try:
        campaign = Campaign.model_validate(data | {"name": base.name})
    except ValidationError as error:
        raise ValueError(f"{name}: {describe(error)}") from None
    return campaign


def _without(words: Sequence[str], left_out: Any, name: str) -> list[str]:
    asked = [left_out] if isinstance(left_out, str) else left_out
    if not isinstance(asked, list | tuple) or not set(map(str, asked)) <= set(WORDS):
        raise ValueError(f"{name}: without = {left_out!r}: name prompt words: {', '.join(WORDS)}")
    if absent := [word for word in asked if word not in words]:
        raise ValueError(f"{name}: without = {left_out!r}: {absent[0]} is not among the words anyway")
    return [word for word in words if word not in asked]


def _nested(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`{prompt.template: plain}` as `{prompt: {template: plain}}`."""
    made: dict[str, Any] = {}
    for key, value in overrides.items():
        *sections, field = str(key).split(".")
        place = made
        for section in sections:
            place = place.setdefault(section, {})
        if isinstance(value, Mapping):
            place[field] = _merged(place.get(field) or {}, _nested(value))
        else:
            place[field] = value
    return made


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(base)
    for key, value in changes.items():
        under = made.get(key)
        made[key] = _merged(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
    return made


def flat(overrides: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """{"prompt.template": "plain"}: one entry per field that an arm changes; of files the name, as in ids."""
    found: dict[str, Any] = {}
    for key, value in overrides.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{name}.")
        else:
            is_file = isinstance(value, str) and value.endswith((".yaml", ".yml", ".j2", ".md", ".txt"))
            found[name] = Path(value).name if is_file else value
    return found


def load_experiment(path: Path, overrides: Sequence[str] = ()) -> ExperimentSpec:
    """The experiment in a YAML file, with `key=value` overrides: of its own fields (`items.sample=20`), else of its
    campaign (`generation.model=...`). UserError names the file, the field and the value."""
    data = read_mapping(path)
    own = [one for one in overrides if one.partition("=")[0].strip().split(".")[0] in ExperimentSpec.model_fields]
    for override in own:
        apply_override(data, override)
    base, folder = data.get("campaign"), path.parent
    if isinstance(base, str):
        file = (folder / Path(base).expanduser()).resolve()
        base, folder = read_mapping(file), file.parent
    if not isinstance(base, dict):
        raise UserError(f"{path}: campaign is missing; name a campaign's file, or write one out under it")
    base = {"name": data.get("name", "experiment"), **base}
    for override in overrides:
        if override not in own:
            apply_override(base, override)
    relative_to(base, folder)
    for arm in (data.get("arms") or {}).values() if isinstance(data.get("arms"), dict) else ():
        if isinstance(arm, dict):
            nested = _nested(arm)
            relative_to(nested, path.parent)
            arm.clear()
            arm.update(nested)
    campaign = parse_campaign(base, str(path))
    try:
        return ExperimentSpec.model_validate(data | {"campaign": campaign})
    except ValidationError as error:
        raise UserError(f"{path}: {describe(error, ExperimentSpec)}") from None


def experiment_id(
    spec: ExperimentSpec,
    arms: Mapping[str, Mapping[str, Any]],
    items: Sequence[str],
    pairwise: PairwiseSpec | None = None,
) -> str:
    """Of an experiment over the items that it met; `arms`: name -> ids of its specs; `pairwise`: who compares, as it is
    asked: it counts where it is shown the baseline's words, as it was not always."""
    compared_by = [pairwise.id] if pairwise is not None and pairwise.words_from else []
    return content_id("experiment", spec.id, dict(arms), list(items), *compared_by)
