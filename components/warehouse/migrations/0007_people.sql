-- What people say: scores per aspect, and decisions. Append-only; the views in views_people.sql say what counts.

CREATE TABLE ratings (
    rating_id  TEXT PRIMARY KEY,
    post_id    TEXT NOT NULL,
    rater      TEXT NOT NULL,
    rubric     TEXT NOT NULL,
    aspect     TEXT NOT NULL,
    score      DOUBLE,
    slice      TEXT NOT NULL,
    seconds    DOUBLE,
    saw_judge  BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE reviews (
    review_id  TEXT PRIMARY KEY,
    post_id    TEXT NOT NULL,
    rater      TEXT NOT NULL,
    decision   TEXT NOT NULL,
    reason     TEXT,
    text       TEXT,
    alt_text   TEXT,
    diff       TEXT,
    slice      TEXT NOT NULL,
    seconds    DOUBLE,
    saw_judge  BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
