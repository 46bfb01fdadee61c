-- What is measured of posts without a judge: one row per post, measure spec and measure.

CREATE TABLE measures (
    measure_id TEXT PRIMARY KEY,
    post_id    TEXT NOT NULL,
    spec_id    TEXT NOT NULL,
    name       TEXT NOT NULL,
    value      DOUBLE,
    label      TEXT,
    detail     TEXT NOT NULL,
    model      TEXT NOT NULL,
    error      TEXT,
    created_at TIMESTAMPTZ NOT NULL
);
