"""The views `spend_by_stage`, `spend_by_model`, `spend_by_spec`, `spend_by_run`, `spend_by_day`, `spend_by_month`: what
was bought, over the view `calls`. Made anew with it at each opening of the warehouse.

`cost_usd` is what is known to be billed; it is NULL where no call of a row has a known price, and never 0 in place of
unknown: `unpriced_calls` says how many have none. `held_usd` may have been billed (lost answers, kills, replies without
a usage). cost_usd + held_usd, over all rows of any of these views, is what the ledger counts against its caps. Records
that stand for calls in flight at a kill (stage `lost`) are no calls, but their attempts and money count.
"""

GROUPS = {
    "stage": ("stage", ""),
    "model": ("model, mode", ""),
    "spec": ("spec_id, step, model", "LEFT JOIN (SELECT spec_id, step FROM specs) s USING (spec_id)"),
    "run": ("run_id, campaign", "LEFT JOIN (SELECT run_id, campaign FROM runs) r USING (run_id)"),
    "day": ("day", ""),
    "month": ("month", ""),
}
"""By which columns, and what they need. Days and months are UTC."""

_MADE = {
    "mode": "coalesce(mode, 'live')",
    "day": "(created_at AT TIME ZONE 'UTC')::DATE",
    "month": "strftime(created_at AT TIME ZONE 'UTC', '%Y-%m')",
}


def spend_views_sql() -> str:
    return ";\n".join(_view(name, columns, join) for name, (columns, join) in GROUPS.items())


def _view(name: str, columns: str, join: str) -> str:
    chosen = ", ".join(f"{_MADE[column]} AS {column}" if column in _MADE else column for column in columns.split(", "))
    return f"""CREATE OR REPLACE VIEW spend_by_{name} AS
        SELECT {chosen},
               count(*) FILTER (stage IS DISTINCT FROM 'lost') AS calls,
               count(*) FILTER (status = 'ok') AS ok,
               coalesce(sum(attempts), 0)::BIGINT AS attempts,
               coalesce(sum(input_tokens), 0)::BIGINT AS input_tokens,
               coalesce(sum(cached_tokens), 0)::BIGINT AS cached_tokens,
               coalesce(sum(output_tokens), 0)::BIGINT AS output_tokens,
               coalesce(sum(reasoning_tokens), 0)::BIGINT AS reasoning_tokens,
               sum(cost_usd) FILTER (stage IS DISTINCT FROM 'lost' OR cost_usd > 0) AS cost_usd,
               count(*) FILTER (cost_usd IS NULL AND stage IS DISTINCT FROM 'lost') AS unpriced_calls,
               coalesce(sum(held_usd), 0.0) AS held_usd,
               min(created_at) AS first_at, max(created_at) AS last_at
        FROM calls {join} GROUP BY ALL"""
