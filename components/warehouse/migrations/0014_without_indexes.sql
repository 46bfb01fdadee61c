-- The large tables without indexes. DuckDB keeps the index of a primary key as large as three times the rows, reads and
-- writes all of it for a few new ones, and holds it in memory meanwhile. That ids are unique is seen to by the store,
-- which puts in only what is not there, and looked at by the checks of each table.

CREATE TABLE items_without (
    item_id        TEXT NOT NULL,
    dataset        TEXT NOT NULL,
    spec_id        TEXT NOT NULL,
    source_uri     TEXT NOT NULL,
    source_id      TEXT,
    stamp          TEXT NOT NULL,
    image_path     TEXT,
    sha256         TEXT,
    width          INTEGER,
    height         INTEGER,
    text           TEXT NOT NULL,
    author         TEXT,
    language       TEXT,
    published_at   TIMESTAMPTZ,
    likes          BIGINT,
    replies        BIGINT,
    reposts        BIGINT,
    views          BIGINT,
    ingested_at    TIMESTAMPTZ NOT NULL
);
INSERT INTO items_without SELECT * FROM items;
DROP TABLE items;
ALTER TABLE items_without RENAME TO items;

CREATE TABLE features_without (
    feature_id   TEXT NOT NULL,
    item_id      TEXT NOT NULL,
    spec_id      TEXT NOT NULL,
    name         TEXT NOT NULL,
    rank         INTEGER NOT NULL,
    text         TEXT,
    score        DOUBLE,
    vector       FLOAT[],
    model        TEXT NOT NULL,
    threshold    DOUBLE,
    box          FLOAT[]
);
INSERT INTO features_without SELECT * FROM features;
DROP TABLE features;
ALTER TABLE features_without RENAME TO features;

CREATE TABLE prompts_without (
    prompt_id         TEXT NOT NULL,
    item_id           TEXT NOT NULL,
    spec_id           TEXT NOT NULL,
    feature_spec_id   TEXT NOT NULL,
    platform          TEXT NOT NULL,
    template          TEXT NOT NULL,
    system            TEXT NOT NULL,
    "user"            TEXT NOT NULL,
    words             TEXT[] NOT NULL
);
INSERT INTO prompts_without SELECT * FROM prompts;
DROP TABLE prompts;
ALTER TABLE prompts_without RENAME TO prompts;

CREATE TABLE posts_without (
    post_id        TEXT NOT NULL,
    prompt_id      TEXT NOT NULL,
    spec_id        TEXT NOT NULL,
    candidate      INTEGER NOT NULL,
    platform       TEXT NOT NULL,
    text           TEXT,
    alt_text       TEXT,
    rules          TEXT[] NOT NULL,
    call_key       TEXT,
    cost_usd       DOUBLE,
    error          TEXT,
    error_detail   TEXT,
    created_at     TIMESTAMPTZ NOT NULL,
    temperature    DOUBLE,
    seed           BIGINT,
    duplicate_of   TEXT,
    clip_score     DOUBLE
);
INSERT INTO posts_without SELECT * FROM posts;
DROP TABLE posts;
ALTER TABLE posts_without RENAME TO posts;

CREATE TABLE judgments_without (
    judgment_id    TEXT NOT NULL,
    post_id        TEXT NOT NULL,
    spec_id        TEXT NOT NULL,
    repeat         INTEGER NOT NULL,
    aspect         TEXT NOT NULL,
    score          DOUBLE,
    reasoning      TEXT,
    call_key       TEXT,
    cost_usd       DOUBLE,
    error          TEXT,
    error_detail   TEXT,
    created_at     TIMESTAMPTZ NOT NULL
);
INSERT INTO judgments_without SELECT * FROM judgments;
DROP TABLE judgments;
ALTER TABLE judgments_without RENAME TO judgments;

CREATE TABLE measures_without (
    measure_id   TEXT NOT NULL,
    post_id      TEXT NOT NULL,
    spec_id      TEXT NOT NULL,
    name         TEXT NOT NULL,
    value        DOUBLE,
    label        TEXT,
    detail       TEXT NOT NULL,
    model        TEXT NOT NULL,
    error        TEXT,
    created_at   TIMESTAMPTZ NOT NULL
);
INSERT INTO measures_without SELECT * FROM measures;
DROP TABLE measures;
ALTER TABLE measures_without RENAME TO measures;

CREATE TABLE quarantine_without (
    quarantine_id   TEXT NOT NULL,
    step            TEXT NOT NULL,
    dataset         TEXT NOT NULL,
    source_uri      TEXT NOT NULL,
    stamp           TEXT NOT NULL,
    image_path      TEXT,
    item_id         TEXT,
    reason          TEXT NOT NULL,
    detail          TEXT NOT NULL,
    "at"            TIMESTAMPTZ NOT NULL
);
INSERT INTO quarantine_without SELECT * FROM quarantine;
DROP TABLE quarantine;
ALTER TABLE quarantine_without RENAME TO quarantine;
