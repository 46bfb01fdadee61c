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
from components.pairwise import PairwiseSpec
from components.spec import Campaign
from components.store import Store
from flows.contests import refuse_own_model
from flows.settings import api_key


def preflight(campaign: Campaign, store: Store, list_inputs: bool = True) -> None:
    """Find what is wrong with a campaign before anything is computed or bought: files, models, keys, prices, names.

    `list_inputs` is for who does not list them next anyway: a large folder takes seconds.
    """
    told = [campaign.features.told] if campaign.features.told else []
    for chat in (*told, campaign.generation, campaign.judge):
        check(chat, api_key(chat.api_key_env), campaign.budget.allow_unpriced, prices_of(store))
    for spec in (campaign.dataset, campaign.features, campaign.prompt, campaign.generation, campaign.judge):
        _ = spec.id  # reads every file the campaign names
    if campaign.anchors:
        load_material(campaign.anchors.posts)
    path = campaign.dataset.path.resolve()
    if list_inputs:
        list_entries(campaign.dataset)
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


def preflight_arms(arms: Sequence[Arm], pairwise: PairwiseSpec | None, store: Store) -> None:
    """The same for every arm of an experiment, and for who compares them; the message names the arm."""
    for arm in arms:
        try:
            preflight(arm.campaign, store, list_inputs=arm.place == 0)
        except UserError as error:
            raise UserError(f"arm {arm.name}: {error}") from None
    if pairwise is not None:
        try:
            check(pairwise, api_key(pairwise.api_key_env), arms[0].campaign.budget.allow_unpriced, prices_of(store))
            refuse_own_model(pairwise, sorted({arm.campaign.generation.model for arm in arms}))
            _ = pairwise.id
        except UserError as error:
            raise UserError(f"pairwise: {error}") from None


def prices_of(store: Store) -> Path:
    return store.path.with_name("prices.yaml")
