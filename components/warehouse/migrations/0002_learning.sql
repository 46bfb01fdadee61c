-- Labels that may be too uncertain to use, parts of pictures, and what training and evaluating write.

ALTER TABLE features ADD COLUMN threshold DOUBLE;
ALTER TABLE features ADD COLUMN box FLOAT[];

CREATE TABLE examples (
    example_id   TEXT PRIMARY KEY,
    dataset      TEXT NOT NULL,
    source_uri   TEXT NOT NULL,
    image_path   TEXT,
    sha256       TEXT,
    text         TEXT NOT NULL,
    author       TEXT,
    language     TEXT,
    published_at TIMESTAMPTZ,
    labels       TEXT NOT NULL
);

CREATE TABLE splits (
    spec_id    TEXT NOT NULL,
    example_id TEXT NOT NULL,
    cluster    TEXT NOT NULL,
    split      TEXT NOT NULL,
    reason     TEXT,
    PRIMARY KEY (spec_id, example_id)
);

CREATE TABLE evaluations (
    evaluation_id TEXT PRIMARY KEY,
    spec_id       TEXT NOT NULL,
    subject       TEXT NOT NULL,
    model         TEXT NOT NULL,
    dataset       TEXT NOT NULL,
    split         TEXT NOT NULL,
    task          TEXT NOT NULL,
    metric        TEXT NOT NULL,
    "value"       DOUBLE,
    low           DOUBLE,
    high          DOUBLE,
    n             BIGINT NOT NULL,
    detail        TEXT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL
);
