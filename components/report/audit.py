"""An audit of a judge becomes one HTML file: from its rows in `evaluations` alone, without script or clock."""

import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from markupsafe import Markup

from components.audit.effects import Effect
from components.audit.rows import effects_of
from components.audit.verdicts import REMEDIES, TITLES, state, verdict
from components.errors import UserError
from components.records import Evaluation
from components.report.render import TEMPLATES, environment
from components.report.training import POLICY
from components.warehouse.store import Store

REACH = 4.0
"""The chart ends at so many times the smallest effect that matters, on either side."""
BADGES = {"ALARM": "bad", "fine": "ok"}


@dataclass(frozen=True, slots=True)
class Probe:
    """One line. Positions in per cent of a scale in which the smallest effect that matters is the same everywhere."""

    title: str
    state: str
    badge: str
    verdict: str
    remedy: str | None
    effect: Effect
    x: float | None
    low_x: float | None
    high_x: float | None
    kinds: dict[str, float]


def render_audit(store: Store, audit_id: str) -> str:
    """The page of an audit; UserError for one that is not there."""
    found = store.query("SELECT * FROM evaluations WHERE spec_id = $id AND split = 'audit'", {"id": audit_id})
    if not found:
        raise UserError(f"no audit {audit_id!r} in {store.path}")
    rows = [Evaluation(**row) for row in found]
    spec = store.query("SELECT params FROM specs WHERE spec_id = $id", {"id": audit_id})
    effects = effects_of(rows)
    return str(
        environment()
        .get_template("audit.html.j2")
        .render(
            judge=rows[0].model,
            made=max(row.created_at for row in rows),
            audit_id=audit_id,
            dataset=rows[0].dataset,
            probes=[probe_of(effect) for effect in effects],
            alarms=sum(effect.alarm for effect in effects),
            measured=sum(effect.value is not None for effect in effects),
            failed=sum(effect.failed for effect in effects),
            params=json.loads(spec[0]["params"]) if spec else {},
            edge=50 / REACH,
            style=Markup((TEMPLATES / "style.css").read_text("utf-8")),
            policy=POLICY,
            version=version("postwright"),
        )
    )


def probe_of(effect: Effect) -> Probe:
    def place(value: float | None) -> float | None:
        if value is None:
            return None
        times = (value - effect.rule.fair) / effect.rule.smallest
        return 50 + 50 * max(-1.0, min(1.0, times / REACH))

    named: Any = effect.detail.get("by_kind") or effect.detail.get("by_aspect") or effect.detail.get("of_aspects") or {}
    kinds = {name.replace("_", " "): value for name, value in named.items() if value is not None}
    said = state(effect)
    return Probe(
        title=TITLES[effect.probe],
        state=said,
        badge=BADGES.get(said, ""),
        verdict=verdict(effect),
        remedy=REMEDIES[effect.probe] if effect.alarm else None,
        effect=effect,
        x=place(effect.value),
        low_x=place(effect.low),
        high_x=place(effect.high),
        kinds=kinds,
    )
