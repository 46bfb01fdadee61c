"""classes -> descriptions: a language model describes what pictures and texts of each class are like, once.

Read: a labels file. Written: a labels file with the sentences, to be named as `labels` in a model set or an evaluation.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from components.chat import check
from components.errors import UserError
from components.features.class_descriptions import Described, DescriptionSpec, description_requests, read_descriptions
from components.specs import Budget
from flows.buying import Buyer
from flows.progress import say
from flows.settings import Settings, api_key
from flows.stopping import run_async, stoppable


@dataclass
class Descriptions:
    """What was bought, and where it is."""

    file: str
    sentences: int
    problems: list[str]
    bought: int
    reused: int


@task(task_run_name="describe {name}", cache_policy=NO_CACHE)
def ask_for_descriptions(
    text: str, name: str, spec: DescriptionSpec, budget: Budget, run_id: str
) -> tuple[Described, Buyer]:
    """Buy what the journal does not have yet. No retries here: the engine of calls has the only retry layer."""
    buyer = Buyer(Settings.from_environment(), spec, budget, run_id, run_id)
    outcomes = run_async(lambda: buyer(description_requests(text, name, spec)))
    return read_descriptions(text, name, spec, outcomes, date.today()), buyer


@flow(name="describe_classes", flow_run_name="describe {labels.name}")
def describe_classes(labels: Path, out: Path, spec: DescriptionSpec, budget: Budget | None = None) -> Descriptions:
    """Write `out`: the labels file `labels` with the sentences that the model of `spec` wrote about its classes.

    Args:
        labels: The labels file whose classes are to be described.
        out: Where the labels file with the descriptions is written.
        spec: Which model describes, in how many sentences.
        budget: The most that this run may spend; empty: 1 USD.
    """
    settings = Settings.from_environment().prepare()
    budget, run_id = budget or Budget(), str(flow_run.id)
    check(spec, api_key(spec.api_key_env), budget.allow_unpriced, settings.prices)
    try:
        text = labels.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(
            f"labels file {labels}: {reason}; give one such as components/features/model_sets/*.yaml"
        ) from None
    with stoppable():
        described, buyer = ask_for_descriptions(text, labels.name, spec, budget, run_id)
    for problem in described.problems:
        say(f"left out: {problem}")
    try:
        out.write_text(described.text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}; choose another: --out FILE") from None
    return Descriptions(str(out), described.sentences, list(described.problems), buyer.bought, buyer.reused)
