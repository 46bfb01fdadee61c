"""How the windows of a backfill stand, from the warehouse alone: by its row, its runs, and what is there."""

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from components.errors import UserError
from components.judgments.panel import JUDGE
from components.specs import On, Selection
from components.specs.windows import name_of
from components.warehouse.selected import parameters, selected
from components.warehouse.store import Store

KINDS = ("done", "empty", "running", "waiting", "failed", "not started")
"""How a window may stand; `failed` is whatever stopped it, which `state` and `message` say."""

_RUNS = """SELECT window_from, window_to, arg_max({'run_id': run_id, 'state': state, 'message': message,
        'started_at': started_at, 'ended_at': ended_at}, (started_at, run_id)) AS latest
    FROM runs WHERE purse = $id AND window_on = $on GROUP BY window_from, window_to"""
_MONEY = """SELECT window_from, window_to, count(*) AS calls,
        CASE WHEN count(*) = count(c.cost_usd) THEN sum(c.cost_usd) END AS cost_usd
    FROM calls c JOIN runs r USING (run_id) WHERE r.purse = $id GROUP BY window_from, window_to"""
_POSTS = """SELECT s.item_id, s.moment, count(po.post_id) FILTER (po.error IS NULL) AS posts,
        count(j.post_id) AS judged
    FROM (SELECT *, {on} AS moment FROM selected) s
    LEFT JOIN prompts p ON p.item_id = s.item_id AND p.spec_id = $prompts AND p.feature_spec_id = $features
    LEFT JOIN candidates po ON po.prompt_id = p.prompt_id AND po.spec_id = $writer
    LEFT JOIN (SELECT DISTINCT post_id FROM judgments WHERE spec_id = $judge AND error IS NULL) j USING (post_id)
    GROUP BY ALL"""


@dataclass
class WindowState:
    """One window. `items`, `posts` (with a text) and `judged` (by the campaign's judge) are what is there now; `calls`
    and `cost_usd` (None: unknown) what its runs have bought; `state` as in `runs`, `kind` one of KINDS."""

    name: str
    start: datetime
    end: datetime
    kind: str = "not started"
    state: str = "not started"
    items: int = 0
    posts: int = 0
    judged: int = 0
    calls: int = 0
    cost_usd: float | None = 0.0
    seconds: float | None = None
    run_id: str | None = None
    message: str | None = None


@dataclass
class BackfillState:
    """A backfill and its windows, in the order of time; `kinds`: how many of each."""

    backfill_id: str
    campaign: str
    dataset: str
    window_on: str
    window_by: str
    timezone: str
    state: str
    message: str | None
    started_at: datetime
    ended_at: datetime | None
    windows: list[WindowState] = field(default_factory=list)

    @property
    def kinds(self) -> dict[str, int]:
        found = Counter(window.kind for window in self.windows)
        return {kind: found[kind] for kind in KINDS if found[kind]}

    @property
    def cost_usd(self) -> float | None:
        costs = [window.cost_usd for window in self.windows if window.cost_usd is not None]
        return sum(costs) if len(costs) == len(self.windows) else None

    def total(self, name: str) -> int:
        """Of `items`, `posts`, `judged` or `calls`."""
        return sum(getattr(window, name) for window in self.windows)


def kind_of(state: str) -> str:
    return state if state in KINDS else "failed"


def read_backfill(store: Store, backfill_id: str | None = None) -> BackfillState:
    """The backfill of that id, the latest one by default; UserError where there is none."""
    rows = store.query("SELECT * FROM backfills ORDER BY started_at DESC, backfill_id")
    row = next((row for row in rows if backfill_id in (None, row["backfill_id"])), None)
    if row is None:
        others = f"; the latest is {rows[0]['backfill_id']}" if rows else "; start one with: postwright backfill"
        asked = "no backfill" if backfill_id is None else f"no backfill {backfill_id!r}"
        raise UserError(f"{asked} in {store.path}{others}")
    names = ("backfill_id", "campaign", "dataset", "window_on", "window_by", "timezone", "state", "message")
    found = BackfillState(**{name: row[name] for name in names}, started_at=row["started_at"], ended_at=row["ended_at"])
    edges = row["edges"]
    found.windows = [WindowState(name_of(start, found.timezone), start, end) for start, end in pairwise(edges)]
    at = {window.start: window for window in found.windows}
    known = {"id": found.backfill_id}
    for run in store.query(_RUNS, known | {"on": found.window_on}):
        if (window := at.get(run["window_from"])) is not None:
            _tell(window, run["latest"])
    for money in store.query(_MONEY, known):
        if (window := at.get(money["window_from"])) is not None:
            window.calls, window.cost_usd = money["calls"], money["cost_usd"]
    _count(found, store, row, edges)
    return found


def _tell(window: WindowState, run: Mapping[str, Any]) -> None:
    window.state, window.kind = run["state"], kind_of(run["state"])
    window.run_id, window.message = run["run_id"], run["message"]
    if run["ended_at"]:
        window.seconds = (run["ended_at"] - run["started_at"]).total_seconds()


def _count(found: BackfillState, store: Store, row: Mapping[str, Any], edges: list[datetime]) -> None:
    """What is there of each window, under the specs that the backfill began with."""
    on: On = "ingested_at" if found.window_on == "ingested_at" else "published_at"
    whole, ids = Selection.within(found.dataset, on, edges[0], edges[-1]), json.loads(row["spec_ids"])
    specs = {"features": "extract_features", "prompts": "build_prompts", "writer": "generate_posts", "judge": JUDGE}
    params = parameters(whole) | {name: ids[step] for name, step in specs.items()}
    for item in store.query(f"{selected(whole)} {_POSTS.format(on=on)}", params):
        window = found.windows[bisect_right(edges, item["moment"]) - 1]
        window.items += 1
        window.posts += item["posts"]
        window.judged += item["judged"]
