"""A run becomes one HTML file: no network, no other file, no clock; the same warehouse gives the same bytes.

Everything a page shows was written by strangers or models, so the templates escape all of it, nothing becomes an
address or a script, and a content security policy with the hash of the page's one script stands behind that.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from components.judgments import kinship
from components.judgments.panel import by_judge, names_of
from components.posts.choosing import choice_of, told
from components.records import TABLES
from components.report import charts, formats, queries
from components.report.agreement import Floors, block_of
from components.report.anchors import anchors_of
from components.report.candidates import others_of
from components.report.cards import STATES, Card, card, data_of
from components.report.disagreements import explain, extremes, most_different
from components.report.forest import forest_of
from components.report.measured import independence, measures_of
from components.report.pictures import embed
from components.report.posts import LABELS, Posts, known
from components.report.queries import REFUSED, Findings, Row, complete, details, find
from components.report.texts import platform_of
from components.report.trend import trend_of
from components.statistics.means import mean_with_interval
from components.warehouse.store import Store

TEMPLATES = Path(__file__).parent / "templates"
STYLES = ("style.css", "heat.css", "measures.css", "trend.css")
CARDS, ROWS = 200, 2000
"""Posts shown in full, and posts listed below them; both are said on the page."""
SHARES = {"error": 40, "best": 80, "worst": 60}
"""Of the cards, where not all posts get one: failures and broken rules, best and worst scores; the newest fill up."""
PARTS = {
    "ingest_items": "Reading",
    "extract_features": "Looking",
    "build_prompts": "Prompting",
    "generate_posts": "Writing",
    "judge_posts": "Judging",
    "measure_posts": "Measuring",
    "read_anchors": "Reading anchors",
}
STAGES = {
    "caption": "Captioning",
    "fuse_captions": "Fusing captions",
    "alt_text": "Alternative texts",
    "describe": "Describing classes",
    "generate": "Writing",
    "judge": "Judging",
    "judge_repair": "Repairing judgments",
    "anchors": "Reading anchors",
    "audit": "Auditing the judge",
}


def render(store: Store, run_id: str, posts: Posts | None = None) -> str:
    """The report of a run as a whole HTML file; UserError for a run that is not there. `posts`: its posts, where they
    are known (posts.py)."""
    findings = find(store, run_id, posts)
    titles, scale = rubric_of(findings)
    agreement = block_of(findings.readings, titles)
    differing = most_different(findings.readings)
    chosen = choose(findings.posts)
    shown = findings.posts.rows(chosen)
    full = {post["post_id"]: number for number, post in enumerate(shown, start=1)}
    places = np.setdiff1d(np.arange(len(findings.posts)), chosen)
    rest = findings.posts.rows(places[:ROWS])
    behind = others_of(findings.candidates, shown)
    others = [other for rows in behind.values() for other in rows]
    is_differing = findings.candidates["post_id"].isin([post_id for post_id, *_ in differing])
    apart = findings.candidates.rows(np.flatnonzero(is_differing))
    complete(store, findings, [*shown, *others, *rest, *apart])
    behind_them = details(store, findings, shown, [post_id for post_id, *_ in differing])
    pictures = embed({post["item_id"]: behind_them.items[post["item_id"]] for post in shown})
    cards = [
        card(
            post,
            number,
            findings,
            behind_them,
            pictures.get(post["item_id"]),
            titles,
            scale,
            behind.get(post["post_id"], ()),
            agreement.floors,
        )
        for number, post in enumerate(shown, start=1)
    ]
    script = (TEMPLATES / "filter.js").read_text("utf-8")
    return str(
        environment()
        .get_template("page.html.j2")
        .render(
            f=findings,
            run=findings.run,
            cards=cards,
            example=example_of(cards),
            rest=[(post, data_of(post)) for post in rest],
            rest_total=len(places),
            numbers=numbers_of(findings),
            figures=figures_of(findings, titles, scale, agreement.floors),
            agreement=agreement,
            differences=explain(differing, behind_them.reasons, findings.readings, by_id(apart), titles, full),
            extremes=extremes(shown, full, agreement.floors.posts()),  # the best and the worst are among them
            offline=offline_of(findings),
            kin=kin_of(findings),
            judges=by_judge(store, findings.run["spec_ids"], findings.posts.written["post_id"]),
            parts=PARTS | {name: f"Judging, {name}" for name in names_of(findings.run["spec_ids"])[1:]},
            checked=checked_of(findings),
            choices=choices_of(findings),
            measures=measures_of(findings.measured, int(findings.posts["overall"].notna().sum())),
            anchors=anchors_of(findings.run["rows"]),
            trend=trend_of(findings.past, scale),
            scale=scale,
            constants={"refused": REFUSED, "rows": ROWS, "shares": SHARES},
            style=Markup("".join((TEMPLATES / name).read_text("utf-8") for name in STYLES)),
            script=Markup(script),
            policy=policy_of(script),
            version=version("postwright"),
        )
    )


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= formats.FILTERS
    made.globals |= {"STAGES": STAGES, "STATES": STATES, "independence": independence}
    return made


def policy_of(script: str) -> str:
    """Only pictures inside the page and this one script, by its hash, whatever a post's text might smuggle in."""
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    )


def rubric_of(findings: Findings) -> tuple[dict[str, str], tuple[float, float]]:
    """The aspects' titles in the rubric's order, and its scale."""
    rubric = queries.rubric_of(findings.specs.get("judge_posts"))
    titles = {aspect["name"]: aspect.get("title", aspect["name"]) for aspect in rubric.get("aspects", [])}
    scale = rubric.get("scale", {})
    return titles, (float(scale.get("min", 1)), float(scale.get("max", 10)))


def by_id(rows: Sequence[Row]) -> dict[str, Row]:
    return {row["post_id"]: row for row in rows}


def choose(posts: Posts) -> list[int]:
    """The places of the posts that are shown in full, best first; those without a score last. See SHARES for more than
    CARDS."""
    order = posts.best_first()
    if len(posts) <= CARDS:
        return [int(place) for place in order]
    troubled = np.flatnonzero(posts["state"].isin(["error", "rules"]))[::-1]
    scored = order[: np.count_nonzero(~np.isnan(posts.overall))]
    newest = range(len(posts) - 1, -1, -1)
    chosen = {*troubled[: SHARES["error"]], *scored[: SHARES["best"]], *scored[-SHARES["worst"] :]}
    for place in newest:
        if len(chosen) >= CARDS:
            break
        chosen.add(place)
    return [int(place) for place in order[np.isin(order, list(chosen))]]


def example_of(cards: Sequence[Card]) -> Card | None:
    """The post that shows how it works: the best one with a picture, captions and scores."""
    whole = (c for c in cards if c.picture and c.picture.uri and c.captions and c.aspects and c.post["text"])
    return next(whole, None)


def offline_of(findings: Findings) -> list[str]:
    """Which of writer and judge are the built-in ones."""
    models = {
        "written": findings.specs.get("generate_posts"),
        "judged": findings.specs.get("judge_posts"),
    }
    return [verb for verb, spec in models.items() if spec and str(spec["params"].get("model")).startswith("offline/")]


def kin_of(findings: Findings) -> list[str]:
    """What is to be said of judges that are the writer's own model, or of its family."""
    writer, names = findings.specs.get("generate_posts"), names_of(findings.run["spec_ids"])
    if writer is None:
        return []
    models = (findings.specs[name]["params"]["model"] for name in names if name in findings.specs)
    found = (kinship(model, writer["params"]["model"]) for model in models)
    return list(dict.fromkeys(told for told in found if told))


def numbers_of(findings: Findings) -> dict[str, Any]:
    """What the tiles say."""
    posts, run = findings.posts, findings.run
    overall = known(posts.overall)
    failures: Counter[str] = Counter(findings.candidates["error"].dropna())
    choice = choice_of(findings.candidates.table)
    for rows in findings.failed_readings.values():
        failures.update(f"judging: {row['error']}" for row in rows)
    steps = run["rows"]
    return {
        "written": int(posts["error"].isna().sum()),
        "choice": choice,
        "told": told(choice) if choice else None,
        "pictures": int(posts["has_picture"].sum()),
        "judged": len(overall),
        "judged_candidates": int(findings.candidates["overall"].notna().sum()),
        "overall": mean_with_interval(overall),
        "failures": sorted(failures.items(), key=lambda pair: (-pair[1], pair[0])),
        "rules": int(posts["breaks_rules"].sum()),
        "reused": sum(step.get("reused", 0) for step in steps.values()),
        "new_rows": sum(step.get("rows", 0) for step in steps.values()),
        "seconds": (run["ended_at"] - run["started_at"]).total_seconds() if run["ended_at"] else None,
        "failed_checks": sum(check["passed"] < check["chunks"] for check in findings.checks),
        "refused": sum(row["n"] for row in findings.reasons),
        "slowest": max((step.get("seconds", 0) for step in steps.values()), default=0),
        "slowest_run": max(((_seconds(row) or 0) for row in findings.history), default=0),
    }


def _seconds(run: Row) -> float | None:
    return (run["ended_at"] - run["started_at"]).total_seconds() if run["ended_at"] else None


def figures_of(
    findings: Findings, titles: Mapping[str, str], scale: tuple[float, float], floors: Floors
) -> dict[str, Any]:
    """The charts' shapes."""
    posts = findings.posts
    found = posts.aspects
    order = [*(name for name in titles if name in found), *(name for name in found if name not in titles)]
    scored = [("Overall", posts.overall), *((titles.get(name, name), found[name]) for name in order)]
    histograms = [charts.scores(title, known(values), *scale) for title, values in scored if len(known(values))]
    lengths = []
    for key in sorted(posts["platform"].unique()):
        platform = platform_of(key)
        counted = posts["length"][(posts["platform"] == key) & (posts["length"] > 0)].to_numpy(dtype=np.int64)
        if platform and len(counted):
            lengths.append(charts.lengths(f"Length on {platform.name}", counted, platform.limit))
    costs = {row["stage"]: row["cost_usd"] for row in findings.calls}
    return {
        "forest": forest_of(findings, titles),
        "scores": histograms,
        "lengths": lengths,
        "counts": [(name, charts.counts(posts[name])) for name in LABELS if len(posts)],
        "groups": [
            (name, charts.by_group(posts[name], posts["overall"], *scale, floors.groups)) for name in ("topic", "scene")
        ],
        "most_cost": max((cost for cost in costs.values() if cost), default=0),
    }


def checked_of(findings: Findings) -> list[dict[str, Any]]:
    """The checks table by table, in the order in which rows travel; failures first, as they came."""
    tables = sorted({row["table_name"] for row in findings.checks}, key=lambda t: ([*TABLES, t].index(t), t))
    groups = [(table, [row for row in findings.checks if row["table_name"] == table]) for table in tables]
    return [
        {"table": table, "rows": rows, "failed": sum(row["passed"] < row["chunks"] for row in rows)}
        for table, rows in groups
    ]


def choices_of(findings: Findings) -> dict[str, list[str]]:
    """The values that the filters offer."""
    posts = findings.posts
    states = set(posts["state"])
    return {name: sorted(word for word in posts[name].dropna().unique() if word) for name in LABELS} | {
        "state": [state for state in STATES if state in states]
    }
