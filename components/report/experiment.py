"""An experiment becomes one HTML file: no network, no script, no clock; one warehouse, one page.

Written as components/report/render.py writes a run's page: everything is escaped, and a content security policy stands
behind that. What somebody else has reported (the claims' figures) stands in a column of its own, marked, and is never
computed with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from markupsafe import Markup

from components.experiments.scores import ArmScores, Findings, ItemScore
from components.experiments.spec import OVERALL
from components.experiments.tables import Tables, tables_of
from components.records import Item
from components.report import charts, experiment_charts
from components.report.experiment_agreement import Believed, believed
from components.report.pictures import Shown, one
from components.report.render import TEMPLATES, environment
from components.warehouse.store import Store

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"
EACH = 5
"""Best and worst posts that are shown per arm."""
SIDE = 240
FEW = 20
"""Items below which intervals are rough and little can be told apart."""


@dataclass(frozen=True, slots=True)
class Beside:
    """One arm's post of an item, and another arm's of the same."""

    item: Item | None
    picture: Shown | None
    own: ItemScore
    other: ItemScore | None
    other_arm: str


@dataclass(frozen=True, slots=True)
class Extremes:
    arm: str
    best: Sequence[Beside]
    worst: Sequence[Beside]


def render_experiment(store: Store, found: Findings, judge: Believed | None = None) -> str:
    """The report of an experiment as a whole HTML file. `judge`: how far it can be believed, where that was found out
    before."""
    tables, judge = tables_of(found), judge or believed(store, found)
    style = (TEMPLATES / "style.css").read_text("utf-8") + (TEMPLATES / "training.css").read_text("utf-8")
    schema = store.query("SELECT coalesce(max(version), 0) AS version FROM migrations")[0]["version"]
    return str(
        environment()
        .get_template("experiment.html.j2")
        .render(
            found=found,
            t=tables,
            titles={OVERALL: "Overall", **found.aspects},
            forests=forests_of(found, tables),
            histograms=[
                charts.scores(arm.name, arm.known(OVERALL), *found.scale) for arm in found.arms if arm.known(OVERALL)
            ],
            extremes=extremes_of(store, found),
            reported=list(dict.fromkeys((line.by, line.reported) for line in tables.claims if line.reported)),
            failures=sorted({kind for line in tables.arms for kind in line.failures}),
            failed=sum(n for line in tables.arms for n in line.failures.values()),
            alone=alone_of(found.arms),
            limits=limits_of(found, tables),
            judge=judge,
            told_apart=sum(row.verdict != "not told apart" for row in tables.overall),
            style=Markup(style + (TEMPLATES / "experiment.css").read_text("utf-8")),
            policy=POLICY,
            schema=schema,
            version=version("postwright"),
        )
    )


def forests_of(found: Findings, tables: Tables) -> list[experiment_charts.Forest]:
    """The overall differences, then those of each aspect."""
    plots = [experiment_charts.forest("Overall", tables.overall)]
    for aspect, title in found.aspects.items():
        rows = [row for row in tables.aspects if row.aspect == aspect]
        plots.append(experiment_charts.forest(title, rows))
    return [plot for plot in plots if plot.rows]


def alone_of(arms: Sequence[ArmScores]) -> float | None:
    """What all arms would have cost without sharing; None where a price is unknown."""
    costs = [arm.cost_usd for arm in arms]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def extremes_of(store: Store, found: Findings) -> list[Extremes]:
    """Per arm its EACH best and worst posts beside the baseline's of the same item; beside the baseline's stands the
    arm that scored highest there."""
    chosen = [(arm, ranked(arm)) for arm in found.arms]
    shown = {one.item_id for _, posts in chosen for one in (*posts[:EACH], *posts[-EACH:])}
    items: Mapping[str, Item] = store.by_ids(Item, "items", "item_id", sorted(shown))
    pictures = {
        item_id: one(item.image_path, item.sha256, SIDE)
        for item_id, item in items.items()
        if item.image_path is not None
    }

    def beside(arm: ArmScores, own: ItemScore) -> Beside:
        others = {other.name: item_of(other, own.item_id) for other in found.arms if other is not arm}
        name = found.baseline
        if arm.name == found.baseline:
            name = max(others, key=lambda key: (score_of(others[key]), key))
        return Beside(items.get(own.item_id), pictures.get(own.item_id), own, others[name], name)

    found_extremes = []
    for arm, posts in chosen:
        best = posts[:EACH]
        worst = posts[len(best) :][-EACH:][::-1]
        if best:
            found_extremes.append(Extremes(arm.name, [beside(arm, p) for p in best], [beside(arm, p) for p in worst]))
    return found_extremes


def ranked(arm: ArmScores) -> list[ItemScore]:
    """The scored posts, best first."""
    scored = [post for post in arm.items if post.overall is not None]
    return sorted(scored, key=lambda post: (-(post.overall or 0), post.item_id))


def item_of(arm: ArmScores, item_id: str) -> ItemScore | None:
    return next((post for post in arm.items if post.item_id == item_id), None)


def score_of(post: ItemScore | None) -> float:
    return -1.0 if post is None or post.overall is None else post.overall


def limits_of(found: Findings, tables: Tables) -> list[str]:
    """What these figures do not say, as far as the data tell."""
    limits: list[str] = list(found.params.get("notes", []))
    if found.offline:
        limits.append(
            f"Posts were {' and '.join(found.offline)} by the built-in stand-ins, which count words: differences show "
            "that the machinery works, not which prompt is better."
        )
    if found.items < FEW:
        limits.append(f"{found.items} items only: intervals are rough, and only large differences can be told apart.")
    if all(floor is None for floor in tables.noise.values()):
        limits.append(
            "Each post was read once, so the judge's own noise is not known; judge.repeats: 2 or more measures it."
        )
    if any(line.failures for line in tables.arms):
        limits.append(
            "Posts without a score are left out of means; the bounds say what they could have changed at the most."
        )
    limits.append("Scores are one judge's opinion; a difference between arms is a difference to this judge.")
    return limits
