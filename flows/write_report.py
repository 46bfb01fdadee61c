"""Everything -> one HTML file, from the warehouse alone."""

from pathlib import Path

from components.errors import UserError
from components.experiments.scores import Findings
from components.report import render
from components.report.backfills import BackfillState, read_backfill
from components.report.experiment_agreement import Believed
from components.report.posts import Posts
from flows.settings import Settings


def write_report(settings: Settings, run_id: str | None = None, posts: Posts | None = None) -> Path:
    """Write the report of a run (the latest one by default) into the home's reports; returns its path. `posts`: the
    run's, where they are known.

    `latest.html` beside it is the same file, for a link that stays.
    """
    store = settings.existing().store()
    store.prepare()  # a killed run may have left calls that the view `calls` has not seen yet
    runs = store.query(
        "SELECT run_id, campaign FROM runs ORDER BY state = 'empty', started_at DESC"  # a window that had no items
    )
    if not runs:
        raise UserError(f"no runs in {settings.home} yet; start with: postwright demo")
    chosen = next((run for run in runs if run_id in (None, run["run_id"])), None)
    if chosen is None:
        raise UserError(f"no run {run_id!r} in {settings.home}; the latest is {runs[0]['run_id']}")
    html = render(store, chosen["run_id"], posts)
    path = settings.reports / f"{chosen['campaign']}-{chosen['run_id']}.html"
    path.write_text(html, encoding="utf-8")
    (settings.reports / "latest.html").write_text(html, encoding="utf-8")
    return path


def write_audit_report(settings: Settings, audit_id: str) -> Path:
    """Write the page of an audit into the home's reports; returns its path."""
    from components.report.audit import render_audit

    path = settings.reports / f"audit-{audit_id}.html"
    path.write_text(render_audit(settings.store(), audit_id), encoding="utf-8")
    return path


def write_learning_report(settings: Settings, spec_id: str, name: str) -> Path:
    """Write the report of a training or an evaluation into the home's reports; returns its path."""
    from components.report.training import render_training

    path = settings.reports / f"{name}-{spec_id}.html"
    path.write_text(render_training(settings.store(), spec_id), encoding="utf-8")
    return path


def write_experiment_report(settings: Settings, found: Findings, judge: Believed | None = None) -> Path:
    """Write the report of an experiment into the home's reports; returns its path."""
    from components.report.experiment import render_experiment

    path = settings.reports / f"{found.name}-{found.experiment_id}.html"
    path.write_text(render_experiment(settings.store(), found, judge), encoding="utf-8")
    return path


def write_backfill_report(settings: Settings, found: BackfillState) -> Path:
    """Write the page of a backfill into the home's reports; returns its path."""
    from components.report.backfill import render_backfill

    path = settings.backfill_report(found.campaign, found.backfill_id)
    path.write_text(render_backfill(found), encoding="utf-8")
    return path


def report_backfill(settings: Settings, backfill_id: str | None = None) -> Path:
    """Write the page of a backfill again, of the latest one by default; UserError where there is none."""
    store = settings.store()
    store.prepare()
    return write_backfill_report(settings, read_backfill(store, backfill_id))
