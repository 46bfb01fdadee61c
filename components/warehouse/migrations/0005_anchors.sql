-- Frozen posts that a judge reads again in every period, to see whether it drifts.

CREATE TABLE anchor_readings (
    reading_id   TEXT PRIMARY KEY,
    anchor_id    TEXT NOT NULL,
    name         TEXT NOT NULL,
    spec_id      TEXT NOT NULL,
    period       TEXT NOT NULL,
    repeat       INTEGER NOT NULL,
    aspect       TEXT NOT NULL,
    score        DOUBLE,
    reasoning    TEXT,
    run_id       TEXT NOT NULL,
    call_key     TEXT,
    cost_usd     DOUBLE,
    error        TEXT,
    error_detail TEXT,
    created_at   TIMESTAMPTZ NOT NULL
);
