"""The steps in order: the table of contents of the project.

    item -> feature -> prompt -> post -> judgment, and measures beside it where they are asked for

Where there is more than a chunk to do, features are found while posts are written and judged (flows/stages.py).
Reads a campaign, writes the warehouse, a row in `runs`, the report and the run's artifacts.
"""

import json
import logging
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from components.chat.collector import rare_collections
from components.errors import BatchPending, HomeUnusable, PostwrightError
from components.judgments.panel import judges_of
from components.records import Run
from components.report.posts import posts_of, scores_of
from components.specs import Campaign, Selection, Spec
from components.warehouse.store import Store
from flows.artifacts import leave_artifacts
from flows.batching import suspended_while_pending
from flows.build_prompts import build_prompts
from flows.buying import purse_of
from flows.caching import unchanged
from flows.check_warehouse import check_warehouse
from flows.extract_features import extract_features
from flows.forms import form_field
from flows.generate_posts import generate_posts
from flows.ingest_items import ingest_items, undated
from flows.judges import Step, judging_steps, notes_on
from flows.lineage import leave_lineage
from flows.measure_posts import measure_posts
from flows.observing import observed, only_shown
from flows.preflight import preflight
from flows.progress import say
from flows.publish import StepResult
from flows.read_anchors import AnchorStep, read_anchors
from flows.settings import Settings
from flows.stages import run_at_once
from flows.stopping import STOPS, raise_if_stopped, stoppable
from flows.tracing import flow_run_now, name_of_run
from flows.watching import tell
from flows.work_left import line_of
from flows.write_report import write_report

log = logging.getLogger("postwright")
STOPPED = {2: "refused", 3: "check_failed", 4: "budget_exceeded", 5: "provider_stopped"}
"""How a run ends by exit code; `waiting` where a batch is not answered yet. A defect or a kill leaves `failed` or
`running`."""

WRITES = {
    "ingest_items": "items",
    "extract_features": "features",
    "build_prompts": "prompts",
    "generate_posts": "posts",
}
From = Annotated[datetime | None, form_field("Published from", "Included. Empty: from the beginning.")]
To = Annotated[datetime | None, form_field("Published before", "Excluded. Empty: to the end.")]
IngestedFrom = Annotated[datetime | None, form_field("Read in from", "Instead of times of publication; included.")]
IngestedTo = Annotated[datetime | None, form_field("Read in before", "Excluded.")]
Limit = Annotated[Annotated[int, Field(ge=1)] | None, form_field("At most so many items", "The earliest first.")]
Purse = Annotated[
    str, form_field("Purse (leave empty)", "Set by backfills: runs with the same purse share one budget.")
]


@dataclass
class Summary:
    """What a run did: the closing words of the command line, and its JSON."""

    run_id: str
    campaign: str
    state: str = "running"
    message: str | None = None
    notes: list[str] = field(default_factory=list)
    steps: list[StepResult] = field(default_factory=list)
    scores: dict[str, Any] = field(default_factory=dict)
    cost_usd: float | None = 0.0
    report: str | None = None
    anchors: list[str] = field(default_factory=list)


@flow(name="pipeline", flow_run_name=name_of_run)
def pipeline(
    campaign: Campaign,
    published_from: From = None,
    published_to: To = None,
    limit: Limit = None,
    purse: Purse = "",
    ingested_from: IngestedFrom = None,
    ingested_to: IngestedTo = None,
) -> Summary:
    """Turn a dataset into judged posts; only what is not there yet is done, and no call is bought twice.

    The window is of the time of publication, or of when items were read in; its beginning is included, its end is not.
    `limit` takes the earliest items.
    """
    settings = Settings.from_environment().prepare()
    store = settings.store()
    preflight(campaign, store, list_inputs=False)  # the first step does
    for told in notes_on(campaign):
        say(told)
    selection = Selection(
        dataset=campaign.dataset.name,
        published_from=published_from,
        published_to=published_to,
        ingested_from=ingested_from,
        ingested_to=ingested_to,
        limit=limit,
    )
    run = begin(campaign, selection, store, purse)
    with rare_collections(), suspended_while_pending(), observed(run, campaign, settings):
        return go_through(campaign, selection, run, settings)


def go_through(
    campaign: Campaign,
    selection: Selection,
    run: Run,
    settings: Settings,
    made: Sequence[StepResult] = (),
    is_shown: bool = True,
    is_checked: bool = True,
) -> Summary:
    """The steps, and the books of how they ended. `made`: the first steps, where somebody has made them for this run;
    `is_shown`: whether it gets a report of its own. Without one, only tables that it has written to are checked;
    `is_checked`: whether they are, or somebody does it for several runs together."""
    store, summary = settings.store(), Summary(run.run_id, campaign.name, steps=list(made))
    summary.notes = notes_on(campaign)
    try:
        with stoppable():
            store.record_run(run)
            go_on(campaign, selection, run, settings, summary.steps)
            summary.anchors = [said for step in summary.steps if isinstance(step, AnchorStep) for said in step.said]
            writes = WRITES | dict.fromkeys(judges_of(campaign), "judgments")
            written = [writes[step.step] for step in summary.steps if step.rows and step.step in writes]
            if is_checked and (is_shown or written):
                check_warehouse(campaign, selection, run.run_id, () if is_shown else written)
    except BaseException as error:  # whatever ends it, its row says how
        summary.state, summary.message = how_it_ended(error)
        finish_stopped(summary, run, settings, is_shown)
        raise
    summary.state, summary.message = "done", undated(selection, *store.undated(selection.dataset))
    if summary.message:
        say(summary.message)
    finish(summary, run, settings, is_shown)
    return summary


def go_on(campaign: Campaign, selection: Selection, run: Run, settings: Settings, done: list[StepResult]) -> None:
    """The pipeline itself, from the step after those in `done`; what each further one has done goes there, too. Before
    a step begins the specs must still be those that the run began with."""
    c = campaign
    made: dict[str, Any] = {"selection": selection, "run_id": run.run_id}
    money: dict[str, Any] = {"budget": c.budget, "purse": run.purse}
    if not done:
        check_unchanged(c, run)
        done.append(ingest_items(c.dataset, run_id=run.run_id))
    flowing: tuple[Step, ...] = (
        lambda: extract_features(c.features, **made, **money),
        lambda: build_prompts(c.prompt, c.features, **made),
        lambda: generate_posts(c.generation, c.prompt, c.features, **made, **money),
    )
    check_unchanged(c, run)
    first = len(done) - 1
    if line := line_of(c, selection, settings, first):
        run_at_once([*flowing[first:], *judging_steps(c, made, money)], line, done)
    else:
        for step in chain(flowing[first:], judging_steps(c, made, money)):
            check_unchanged(c, run)
            done.append(step())
    if c.measures:
        check_unchanged(c, run)
        done.append(measure_posts(c.measures, c.generation, c.prompt, c.features, **made))
    if c.anchors:
        check_unchanged(c, run)
        judges = (c.judge, *c.panel)
        done.append(read_anchors(c.anchors, judges, run_id=run.run_id, dataset=c.dataset.name, **money))
    raise_if_stopped()


def check_unchanged(campaign: Campaign, run: Run) -> None:
    raise_if_stopped()
    begun_with = json.loads(run.spec_ids)
    for name, spec in specs_of(campaign).items():
        unchanged(spec, begun_with[name])


def specs_of(campaign: Campaign) -> dict[str, Spec]:
    """Name -> spec: the step's name, and for each judge of the panel its own."""
    c = campaign
    steps: tuple[Spec, ...] = (c.dataset, c.features, c.prompt, c.generation)
    beside = (spec for spec in (c.measures, c.anchors) if spec is not None)
    named = {spec.step: spec for spec in steps}
    return {**named, **judges_of(c), **{spec.step: spec for spec in beside}}


def begin(campaign: Campaign, selection: Selection, store: Store, purse: str) -> Run:
    now, (flow_run_id, flow_run_url) = datetime.now(UTC), flow_run_now()
    run = Run(
        run_id=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        campaign=campaign.name,
        dataset=campaign.dataset.name,
        window_from=selection.window[0],
        window_to=selection.window[1],
        window_on=selection.on,
        item_limit=selection.limit,
        item_sample=selection.sample,
        item_seed=selection.seed,
        state="running",
        started_at=now,
        spec_ids=json.dumps({name: spec.id for name, spec in specs_of(campaign).items()}),
        flow_run_id=flow_run_id,
        flow_run_url=flow_run_url,
    )
    return replace(run, purse=purse or purse_of(store, run))


def how_it_ended(error: BaseException) -> tuple[str, str]:
    """The state and the message of a run that `error` stopped."""
    if isinstance(error, BatchPending):
        return "waiting", str(error)
    if isinstance(error, PostwrightError):
        return STOPPED.get(error.exit_code, "failed"), str(error)
    if isinstance(error, STOPS):
        return "interrupted", "stopped from outside; the same command goes on from here"
    return "failed", f"{type(error).__name__}: {error}"


def finish_stopped(summary: Summary, run: Run, settings: Settings, is_shown: bool = True) -> None:
    """Like `finish`, but what fails here is only told: it must not hide what stopped the run."""
    try:
        finish(summary, run, settings, is_shown)
    except Exception as error:  # what stopped the run is about to be raised, whatever is wrong here
        log.info("the end of run %s", run.run_id, exc_info=True)
        say(f"the end of the run could not be shown in full: {error}")


def finish(summary: Summary, run: Run, settings: Settings, is_shown: bool = True) -> None:
    """Keep how the run ended, and show it: the row in `runs`, the report, the artifacts."""
    store = settings.store()
    store.prepare()  # the view `calls` was made before the first call, when there was nothing to look at
    summary.cost_usd = cost_of_run(store, run.run_id)
    with store.connect() as db:
        posts = posts_of(db, run.row())
    summary.scores = scores_of(store, run.row(), posts)
    ended = replace(
        run,
        state=summary.state,
        message=summary.message,
        ended_at=datetime.now(UTC),
        rows=json.dumps({step.step: asdict(step) for step in summary.steps}),
        calls=sum(step.bought for step in summary.steps),
        cost_usd=summary.cost_usd,
        scores=json.dumps(summary.scores),
    )
    store.record_run(ended)
    tell(f"the run is {summary.state}", **how(summary))
    if not is_shown or summary.state in ("failed", "refused", "interrupted"):
        return
    say("writing the report ...")
    try:
        summary.report = str(write_report(settings, run.run_id, posts))
    except OSError as error:
        raise HomeUnusable(
            f"the run is {summary.state}, but its report cannot be written to {settings.reports} ({error.strerror}); "
            "free some space or unlock it, then: postwright report"
        ) from error
    only_shown("the run's artifacts", lambda: leave_artifacts(store, ended, summary.report, summary.scores))
    only_shown("the run's lineage", lambda: leave_lineage(ended))


def how(summary: Summary) -> dict[str, Any]:
    """How a run ended, for its log."""
    said = {"state": summary.state, "reason": summary.message, "cost_usd": summary.cost_usd}
    return said | {"steps": [asdict(step) for step in summary.steps]}


def cost_of_run(store: Store, run_id: str) -> float | None:
    """What the run's calls cost, in USD; None where the price of one is unknown."""
    sql = "SELECT count(*) AS calls, count(cost_usd) AS priced, sum(cost_usd) AS usd FROM calls WHERE run_id = $run_id"
    found = store.query(sql, {"run_id": run_id})[0]
    return float(found["usd"] or 0) if found["calls"] == found["priced"] else None
