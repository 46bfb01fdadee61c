"""A training or an evaluation becomes one HTML file: no network, no script, no clock; one warehouse, one page.

Written as components/report/render.py writes a run's page: everything is escaped, and a content security policy stands
behind that. Labels, datasets and file names are as untrusted as posts are.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from markupsafe import Markup

from components.records import LEARNING
from components.report import training_charts as charts
from components.report.render import TEMPLATES, environment
from components.report.training_figures import Figures, figures_of
from components.report.training_queries import PARTS, Learned, Row, find_learned
from components.warehouse.store import Store

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"
FEW = 100
"""Test examples below which a figure is said to be rough."""
PANELS = 12
"""Plots of a kind that are open; the rest is folded."""


def render_training(store: Store, spec_id: str) -> str:
    """The report of a training or an evaluation as a whole HTML file; UserError for one that is not there."""
    learned = find_learned(store, spec_id)
    figures = figures_of(learned)
    style = "".join((TEMPLATES / name).read_text("utf-8") for name in ("style.css", "heat.css", "training.css"))
    return str(
        environment()
        .get_template("training.html.j2")
        .render(
            found=learned,
            f=figures,
            name=str(learned.params.get("name", spec_id)),
            made=max((row["created_at"] for row in learned.evaluations), default=None),
            total=totals_of(learned),
            reliability=plots_of(figures, "reliability", "ece"),
            abstention=plots_of(figures, "abstention", "coverage@threshold"),
            heats=heats_of(figures),
            histories=histories_of(figures),
            checked=checked_of(learned.checks),
            limits=limits_of(learned, figures),
            panels=PANELS,
            parts=[part for part in PARTS if part != "unused" or learned.unused],
            style=Markup(style),
            policy=POLICY,
            version=version("postwright"),
        )
    )


def totals_of(learned: Learned) -> dict[str, int]:
    """Examples in each split and in all."""
    found = {part: sum(sizes[part] for sizes in learned.sizes.values()) for part in PARTS}
    return found | {"all": sum(found.values())}


def _shown(figures: Figures) -> Sequence[str]:
    """Whose curves are drawn: the network that was trained, or every method."""
    return [figures.main] if figures.main else figures.subjects


def plots_of(figures: Figures, metric: str, beside: str) -> list[charts.Plot]:
    """One plot per subject and task that has the curve."""
    draw = charts.reliability if metric == "reliability" else charts.abstention
    found = []
    for task in figures.tasks:
        for subject in _shown(figures):
            row = figures.row(subject, task, metric)
            if row is not None and (row["detail"].get("bins") or row["detail"].get("curve")):
                title = task if figures.main else f"{task}: {subject}"
                found.append(draw(title, row, figures.row(subject, task, beside)))
    return found


def heats_of(figures: Figures) -> list[tuple[str, charts.Heat]]:
    found = []
    for task in figures.tasks:
        for subject in _shown(figures):
            row = figures.row(subject, task, "confusion")
            if row is not None and row["n"]:
                found.append((task if figures.main else f"{task}: {subject}", charts.heat(row["detail"])))
    return found


def histories_of(figures: Figures) -> list[charts.Plot]:
    """How the trained network got there, epoch by epoch."""
    row = figures.row(figures.main, "all", "parameters") if figures.main else None
    rows = row["detail"].get("history", []) if row else []
    if row is None or not rows:
        return []
    best = row["detail"].get("best_epoch")
    curves = (
        charts.history("Score on validation", rows, {"score": "mean over the tasks"}, best),
        charts.history("Loss", rows, {"loss": "training", "validation_loss": "validation"}, best),
    )
    return [curve for curve in curves if curve is not None]


def checked_of(checks: Sequence[Row]) -> list[dict[str, Any]]:
    """The checks table by table, in the order in which rows are made; failures first, as they came."""
    order = [*LEARNING, "promotions"]
    groups = []
    for table in order:
        rows = [row for row in checks if row["table_name"] == table]
        failed = [row for row in rows if row["passed"] < row["chunks"]]
        stopped = [row for row in failed if row["severity"] == "stop"]
        if rows:
            groups.append({"table": table, "rows": rows, "failed": failed, "stopped": stopped})
    return groups


def limits_of(learned: Learned, figures: Figures) -> list[str]:
    """What these figures do not say, as far as the data tell."""
    rule: Mapping[str, Any] = learned.params.get("split") or {}
    sources = learned.params.get("datasets") or []
    found = []
    if any(source.get("source") == "drawings" for source in sources):
        found.append(
            "Drawn pictures are easier than photographs: figures on them show that the machinery works, not how well "
            "photographs would be read."
        )
    tested = [summary.n for summary in figures.summaries] or [row["n"] for row in learned.evaluations if row["n"]]
    if tested and min(tested) < FEW:
        found.append(f"A task is measured on {min(tested):,} examples only: look at the intervals, not at the numbers.")
    if rule and not rule.get("by_author", True):
        found.append("Authors may be on both sides: of new authors the figures may be worse.")
    elif learned.authors:
        found.append(f"Intervals hold for authors like these {learned.authors:,}.")
    if rule and not rule.get("by_time"):
        found.append("Test examples are not later than the others: what changes over time is not measured.")
    if any("source: ours" in str(text) for text in (learned.params.get("label_maps") or {}).values()):
        found.append("Foreign labels were translated by this project's own maps, not by the papers'.")
    return found
