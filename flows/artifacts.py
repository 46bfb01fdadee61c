"""What a run leaves in the Prefect UI: the checks as a table, the results as text, some pictures with their posts."""

import base64
import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from components.posts.choosing import told
from components.records import Run
from components.warehouse.store import Store
from flows.tracing import window_of

PICTURES = 6
SIDE = 240
"""Thumbnails in pixels: an artifact lives in Prefect's database, so it stays small."""


def leave_artifacts(store: Store, run: Run, report: str | None, scores: Mapping[str, Any]) -> None:
    """Leave the artifacts of a run that has ended; called inside a flow run."""
    checks = store.query(
        """SELECT table_name AS "table", expectation, severity, count(*) AS chunks, count(*) FILTER (success) AS passed,
        max(observed) FILTER (NOT success) AS observed FROM checks WHERE run_id = $run_id GROUP BY ALL
        ORDER BY passed = chunks, "table", expectation""",
        {"run_id": run.run_id},
    )
    if checks:
        create_table_artifact(
            table=checks,
            key="checks",
            description=f"Data checks of run {run.run_id}: SELECT * FROM checks WHERE run_id = '{run.run_id}'",
        )
    create_markdown_artifact(
        markdown=results(store.path.parent, run, report, scores), key="results", description=f"Run {run.run_id}"
    )
    gallery = pictures(store, run.run_id)
    if gallery:
        create_markdown_artifact(markdown=gallery, key="pictures", description=f"Some posts of run {run.run_id}")


def results(home: Path, run: Run, report: str | None, scores: Mapping[str, Any]) -> str:
    """What the run found and did, and where the rest is: the report, the log, the rows."""
    cost = "unknown" if run.cost_usd is None else f"{run.cost_usd:.4f} USD"
    window = window_of(run.window_from, run.window_to)
    lines = [
        f"# {plain(run.campaign)}: {run.state.replace('_', ' ')}",
        "",
        f"Run `{run.run_id}`, dataset `{run.dataset}`, published {window or 'at any time'}. "
        f"Calls bought: {run.calls}. Cost: {cost}.",
        "",
        "| aspect | n | mean | 95 % interval |",
        "|---|---|---|---|",
    ]
    for aspect, found in [*scores.get("aspects", {}).items(), ("overall", scores.get("overall"))]:
        if found and found["mean"] is not None:
            interval = "" if found["low"] is None else f"{found['low']:.2f} to {found['high']:.2f}"
            lines.append(f"| {aspect} | {found['n']} | {found['mean']:.2f} | {interval} |")
    if choice := scores.get("choice"):
        lines += ["", f"{told(choice)}."]
    lines += ["", "| step | new rows | refused | bought | reused | seconds |", "|---|---|---|---|---|---|"]
    for name, step in json.loads(run.rows).items():
        counts = " | ".join(str(step[field]) for field in ("rows", "quarantined", "bought", "reused"))
        lines.append(f"| {name} | {counts} | {step['seconds']:.1f} |")
    if report:
        lines += ["", f"Report: [{Path(report).name}](<{Path(report).as_uri()}>), at `{report}`"]
    lines += ["", f"Log: `{home / 'logs' / f'{run.run_id}.jsonl'}`"]
    lines += ["", f"The rows, in `{home / 'warehouse.duckdb'}`:", "", "```sql", *statements(run), "```"]
    return "\n".join(lines)


def statements(run: Run) -> list[str]:
    """SQL that finds the rows of a run."""
    ids = json.loads(run.spec_ids)
    which = {
        "dataset": run.dataset,
        "feature_spec_id": ids.get("extract_features"),
        "prompt_spec_id": ids.get("build_prompts"),
        "generation_spec_id": ids.get("generate_posts"),
        "judge_spec_id": ids.get("judge_posts"),
    }
    where = [f"{name} = {quoted(value)}" for name, value in which.items() if value]
    time = run.window_on or "published_at"
    ends = [f"{time} >= {quoted(run.window_from.isoformat())}"] if run.window_from else []
    ends += [f"{time} < {quoted(run.window_to.isoformat())}"] if run.window_to else []
    where += [f"item_id IN (SELECT item_id FROM items WHERE {' AND '.join(ends)})"] if ends else []
    part = f" (this run took the first {run.item_limit} items only)" if run.item_limit else ""
    return [
        f"-- the posts of these items and settings that are judged{part}",
        f"SELECT * FROM judged_posts WHERE {' AND '.join(where)};",
        "-- what this run bought, and the posts that came of it",
        f"SELECT * FROM calls LEFT JOIN posts USING (call_key) WHERE run_id = {quoted(run.run_id)};",
    ]


def quoted(value: str) -> str:
    """A literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def pictures(store: Store, run_id: str) -> str:
    """Markdown with thumbnails as data URLs, so that the page needs nothing from this machine's disk."""
    from components.items.pictures import PictureError, jpeg_for_model

    sql = """SELECT p.image_path, p.sha256, p.text, p.alt_text, p.overall FROM judged_posts p
        JOIN runs r ON r.run_id = $run_id AND r.dataset = p.dataset
          AND p.generation_spec_id = r.spec_ids->>'$.generate_posts' AND p.judge_spec_id = r.spec_ids->>'$.judge_posts'
        WHERE p.image_path IS NOT NULL AND p.text IS NOT NULL AND p.chosen
        ORDER BY p.overall DESC NULLS LAST, p.post_id LIMIT $n"""
    lines = []
    for row in store.query(sql, {"run_id": run_id, "n": PICTURES}):
        try:
            data = base64.b64encode(jpeg_for_model(row["image_path"], sha256=row["sha256"], max_side=SIDE)).decode()
        except PictureError:
            continue
        score = "not judged" if row["overall"] is None else f"{row['overall']:.1f} / 10"
        alt = plain(row["alt_text"] or "picture").replace("\n", " ")
        text = plain(row["text"]).replace("\n", "\n> ")
        lines.append(f"![{alt}](data:image/jpeg;base64,{data})\n\n> {text}\n\n{score}\n")
    return "\n".join(lines)


def plain(text: str) -> str:
    """Text that no markdown or HTML in it can turn into a link, a picture or a heading of the page."""
    return re.sub(r"([\\`*_{}\[\]()#+!|~-])", r"\\\1", escape(text))


def believed(agreement: Mapping[str, Any] | None) -> list[str]:
    """How far the judge agrees with itself, others and people overall, and what is not known: a list."""
    found = agreement or {"rows": (), "said": ()}
    rows = [row for row in found["rows"] if row["aspect"] == "Overall" and row["figure"] == "alpha"]
    lines = []
    for row in rows:
        ends = "" if row["low"] is None else f" ({row['low']:.2f} to {row['high']:.2f})"
        value = "not defined" if row["value"] is None else f"{row['value']:.2f}{ends}"
        lines.append(f"- The judge and {plain(row['whom'])}: alpha {value}, n = {row['n']}")
    return lines + [f"- {plain(line)}" for line in found["said"]]


def leave_experiment(result: Any) -> None:
    """The tables of an experiment as text; called inside a flow run."""
    lines = [f"# {result.name}", "", *([f"**Partial:** {plain(result.partial)}", ""] if result.partial else [])]
    lines += ["| arm | scored | overall | difference | 95 % interval | p (Holm) | |", "|---|---|---|---|---|---|---|"]
    by_arm = {row["arm"]: row for row in result.overall}
    for arm in result.arms:
        mean, row = arm["means"]["overall"]["mean"], by_arm.get(arm["arm"])
        cells = ["", "", "", "baseline"]
        if row is not None:
            interval = "" if row["low"] is None else f"{row['low']:+.2f} to {row['high']:+.2f}"
            gap = "" if row["difference"] is None else f"{row['difference']:+.2f}"
            cells = [gap, interval, "" if row["p_holm"] is None else f"{row['p_holm']:.3f}", row["verdict"]]
        score = "" if mean is None else f"{mean:.2f}"
        lines.append(f"| {plain(arm['arm'])} | {arm['scored']} of {arm['items']} | {score} | {' | '.join(cells)} |")
    lines += ["", *believed(result.agreement)]
    if result.report:
        lines += ["", f"Report: `{result.report}`"]
    create_markdown_artifact(markdown="\n".join(lines), key="experiment", description=f"Experiment {result.name}")
