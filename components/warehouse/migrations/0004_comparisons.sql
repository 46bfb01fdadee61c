-- What judges say of two posts beside each other, in each order in which they were shown.

CREATE TABLE comparisons (
    comparison_id TEXT PRIMARY KEY,
    post_a        TEXT NOT NULL,
    post_b        TEXT NOT NULL,
    spec_id       TEXT NOT NULL,
    shown_first   TEXT NOT NULL,
    repeat        INTEGER NOT NULL,
    aspect        TEXT NOT NULL,
    verdict       TEXT,
    reasoning     TEXT,
    call_key      TEXT,
    cost_usd      DOUBLE,
    error         TEXT,
    error_detail  TEXT,
    created_at    TIMESTAMPTZ NOT NULL
);
