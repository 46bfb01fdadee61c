"""What can be wrong with a campaign, found before anything is started, computed or bought.

Imports no Prefect, so that the command line answers a wrong file in a moment.
"""

from collections.abc import Sequence
from pathlib import Path

from components.audit import load_material
from components.chat import check
from components.errors import UserError
from components.experiments import Arm
from components.items import list_entries
from components.judgments import check_judge, load_rubric
from components.judgments.worth import check_rubric_of_pairs
from components.pairwise import PairwiseSpec, same_posts
from components.specs import Campaign, JudgeSpec
from components.warehouse.store import Store
from flows.contests import refuse_own_model
from flows.settings import api_key


def preflight(campaign: Campaign, store: Store, list_inputs: bool = True) -> None:
    """Find what is wrong with a campaign before anything is computed or bought: files, models, keys, prices, names.

    `list_inputs` is for who does not list them next anyway: a large folder takes seconds.
    """
    told = [campaign.features.told] if campaign.features.told else []
    prices = prices_of(store)
    for chat in (*told, campaign.generation):
        check(chat, api_key(chat.api_key_env), campaign.budget.allow_unpriced, prices)
    for n, judge in enumerate((campaign.judge, *campaign.panel), start=-1):
        preflight_judge(judge, campaign, [campaign.generation.model], prices, "judge" if n < 0 else f"panel.{n}")
    for spec in (campaign.dataset, campaign.features, campaign.prompt, campaign.generation):
        _ = spec.id  # reads every file the campaign names
    no_judge_twice(campaign)
    if campaign.anchors:
        load_material(campaign.anchors.posts)
    path = campaign.dataset.path.resolve()
    if list_inputs:
        for _ in list_entries(campaign.dataset):
            pass  # to its end, as a file may be damaged anywhere
    elif not path.exists():
        raise UserError(f"dataset.path: {path} does not exist")
    sql = "SELECT params->>'$.path' AS path FROM specs WHERE step = 'ingest_items' AND params->>'$.name' = $name"
    places = {str(Path(row["path"]).resolve()) for row in store.query(sql, {"name": campaign.dataset.name})}
    named_by_path = campaign.dataset.name == path.stem
    if places and str(path) not in places and named_by_path and not any(not Path(place).exists() for place in places):
        raise UserError(
            f"this home already has a dataset named {campaign.dataset.name!r} from {sorted(places)[0]}; "
            f"give dataset.name a name of its own for {path}"
        )


def preflight_judge(
    judge: JudgeSpec, campaign: Campaign, writers: Sequence[str], prices: Path, field: str = "judge"
) -> None:
    """Of one judge: the rubric, the brief, the model, its key and price, and whether it wrote itself (`writers`)."""
    try:
        check(judge, api_key(judge.api_key_env), campaign.budget.allow_unpriced, prices)
    except UserError as error:
        raise error if field == "judge" else UserError(f"{field}: {error}") from None
    check_judge(judge, writers, field)


def no_judge_twice(campaign: Campaign) -> None:
    """Raises UserError for a judge that sits twice: the second would be read from the journal."""
    seen: dict[str, str] = {}
    for n, judge in enumerate((campaign.judge, *campaign.panel), start=-1):
        field = "judge" if n < 0 else f"panel.{n}"
        if (other := seen.setdefault(judge.id, field)) != field:
            raise UserError(f"{field} is the same judge as {other}; for more readings by one judge set {other}.repeats")


def preflight_arms(arms: Sequence[Arm], pairwise: PairwiseSpec | None, store: Store) -> None:
    """The same for every arm of an experiment, and for who compares them; the message names the arm."""
    for arm in arms:
        try:
            preflight(arm.campaign, store, list_inputs=arm.place == 0)
        except UserError as error:
            raise UserError(f"arm {arm.name}: {error}") from None
    one_scale(arms)
    if pairwise is not None:
        try:
            check(pairwise, api_key(pairwise.api_key_env), arms[0].campaign.budget.allow_unpriced, prices_of(store))
            refuse_own_model(pairwise, sorted({arm.campaign.generation.model for arm in arms}))
            check_rubric_of_pairs(pairwise.rubric, "pairwise")
            _ = pairwise.id
            something_to_compare(arms)
        except UserError as error:
            raise error if str(error).startswith("pairwise.") else UserError(f"pairwise: {error}") from None


def one_scale(arms: Sequence[Arm]) -> None:
    """Raises UserError where two arms are scored on different scales: 1 to 10 minus 1 to 5 is no difference."""
    for place in range(max(len(arm.judges) for arm in arms)):
        field = "judge.rubric" if place == 0 else f"panel.{place - 1}.rubric"
        rubrics = {arm.name: load_rubric(arm.judges[place].rubric) for arm in arms if place < len(arm.judges)}
        scales: dict[str, list[str]] = {}
        for name, rubric in rubrics.items():
            scales.setdefault(f"{rubric.scale.min:g} to {rubric.scale.max:g}", []).append(name)
        if len(scales) > 1:
            said = "; ".join(f"{', '.join(names)} by {scale}" for scale, names in scales.items())
            raise UserError(
                f"{field}: the arms are scored on different scales ({said}), so their scores cannot be subtracted; "
                "give all arms rubrics of one scale"
            )


def something_to_compare(arms: Sequence[Arm]) -> None:
    """Raises UserError where all arms have the same posts."""
    written = ((arm.name, (c.features.id, c.prompt.id, c.generation.id)) for arm in arms if (c := arm.campaign))
    if len(same_posts(written)) == len(arms) - 1:
        raise UserError(
            f"the arms {', '.join(arm.name for arm in arms)} have the same posts (they differ by their judges "
            "alone), so there is nothing to compare; leave pairwise out"
        )


def prices_of(store: Store) -> Path:
    return store.path.with_name("prices.yaml")
