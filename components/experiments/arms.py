"""The arms as they are run: each a campaign, all judged alike, so that what differs between scores is the posts.

What the judge is shown beside a post must neither tell the arm nor differ by it:

- No neighbours (`batch_context: 0`). A run shows the judge how other posts of the batch begin. In an experiment they
  would be other posts in each arm: scores of one item would then differ by its neighbours as well, an arm's posts would
  depend on each other, and the openings would give the arm away. So each post is read alone, and two arms that wrote
  the same words have one reading. How alike an arm's posts are is measured apart, not judged.
- The same words. The yardstick (caption, topic, ...) is what the baseline's features found, also for arms that use
  other captioners, crops or models: a caption is not the better for being judged against itself.
- The text that came with a picture is not shown where one arm is that text: a copy beside its original.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.errors import UserError
from components.experiments.spec import ExperimentSpec, campaign_of_arm, flat
from components.pairwise import PairwiseSpec
from components.records import content_id
from components.specs import Campaign, JudgeSpec


@dataclass(frozen=True, slots=True)
class Arm:
    """`same_as`: an earlier arm that asks for the very same."""

    name: str
    place: int
    campaign: Campaign
    overrides: Mapping[str, Any]
    same_as: str | None = None

    @property
    def judges(self) -> tuple[JudgeSpec, ...]:
        """The judge, then those of the panel."""
        return (self.campaign.judge, *self.campaign.panel)

    @property
    def spec_ids(self) -> dict[str, Any]:
        c = self.campaign
        return {
            "features": c.features.id,
            "prompt": c.prompt.id,
            "generation": c.generation.id,
            "judges": [judge.id for judge in self.judges],
        }


def arms_of(spec: ExperimentSpec) -> list[Arm]:
    """The arms, the baseline first: its features are the yardstick. UserError where an arm has the judge see others."""
    order = [spec.baseline, *(name for name in spec.arms if name != spec.baseline)]
    plain = {name: campaign_of_arm(spec.campaign, name, spec.arms[name]) for name in order}
    for name in order:
        if "judge.batch_context" in flat(spec.arms[name]):
            raise UserError(
                f"arms.{name}: judge.batch_context cannot be set: in an experiment each post is read alone, since its "
                "neighbours would be other posts in each arm"
            )
    yardstick = plain[spec.baseline].features.id
    has_people = any(campaign.generation.is_human for campaign in plain.values())
    found: list[Arm] = []
    seen: dict[str, str] = {}
    for place, name in enumerate(order):
        arm = Arm(name, place, comparable(plain[name], yardstick, has_people), flat(spec.arms[name]))
        same_as = seen.setdefault(str(arm.spec_ids), name)
        found.append(arm if same_as == name else Arm(name, place, arm.campaign, arm.overrides, same_as))
    return found


def comparable(campaign: Campaign, yardstick: str, has_people: bool) -> Campaign:
    """The campaign with judges that see of each post what they see of every arm's."""
    changes: dict[str, Any] = {"batch_context": 0}
    if campaign.features.id != yardstick:
        changes["words_from"] = yardstick
    if has_people:
        changes["source_text"] = False
    judge, *panel = (one.model_copy(update=changes) for one in (campaign.judge, *campaign.panel))
    # Anchors are about the judge, not about an arm: a run of the campaign reads them.
    return campaign.model_copy(update={"judge": judge, "panel": tuple(panel), "anchors": None})


def pairwise_of(spec: ExperimentSpec, arms: list[Arm]) -> PairwiseSpec | None:
    """The judge of pairs, who sees of each post what the other judges see."""
    if spec.pairwise is None:
        return None
    changes: dict[str, Any] = {}
    if any(arm.campaign.generation.is_human for arm in arms):
        changes["source_text"] = False
    yardstick = arms[0].spec_ids["features"]
    if any(arm.spec_ids["features"] != yardstick for arm in arms):
        changes["words_from"] = yardstick
    return spec.pairwise.model_copy(update=changes)


def notes_of(spec: ExperimentSpec, arms: list[Arm]) -> list[str]:
    """What a reader of the tables has to know about how the arms were compared."""
    first = arms[0].campaign
    notes = [
        "Each post was judged alone, without others beside it, against the words that the baseline's models found."
    ]
    if any(arm.campaign.generation.is_human for arm in arms):
        notes.append("The judge was not shown the text that came with a picture: it is the human arm's post.")
    notes += [f"{arm.name} is the same as {arm.same_as}: its differences are nil." for arm in arms if arm.same_as]
    for arm in arms[1:]:
        changed = {name.split(".")[0] for name in arm.overrides}
        if "judge" in changed:
            notes.append(f"{arm.name} was judged by another judge: its differences are the judge's as well.")
    for arm in arms[1:]:
        if len(arm.judges) > len(arms[0].judges):
            more = ", ".join(judge.model for judge in arm.judges[len(arms[0].judges) :])
            notes.append(f"{arm.name} was also read by {more}, {arms[0].name} was not: not compared.")
    if any(arm.campaign.prompt.platform != first.prompt.platform for arm in arms):
        notes.append("Arms are for different platforms: each was written, and judged, as a post on its own.")
    return notes


def purse_of(spec: ExperimentSpec, arms: list[Arm]) -> str:
    """Whose budget pays: the same experiment, started again, goes on with the same purse, also with a raised budget,
    other claims or more items."""
    asked = {arm.name: arm.spec_ids for arm in arms}
    return "experiment-" + content_id(spec.name, spec.campaign.dataset.name, asked, spec.items.model_dump(mode="json"))
