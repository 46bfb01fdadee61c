-- The five nouns, what was refused, what was checked, and what ran. Ids are content hashes; times are UTC; money is USD.

CREATE TABLE items (
    item_id      TEXT PRIMARY KEY,
    dataset      TEXT NOT NULL,
    spec_id      TEXT NOT NULL,
    source_uri   TEXT NOT NULL,
    source_id    TEXT,
    stamp        TEXT NOT NULL,
    image_path   TEXT,
    sha256       TEXT,
    width        INTEGER,
    height       INTEGER,
    text         TEXT NOT NULL,
    author       TEXT,
    language     TEXT,
    published_at TIMESTAMPTZ,
    likes        BIGINT,
    replies      BIGINT,
    reposts      BIGINT,
    views        BIGINT,
    ingested_at  TIMESTAMPTZ NOT NULL
);

CREATE TABLE features (
    feature_id TEXT PRIMARY KEY,
    item_id    TEXT NOT NULL,
    spec_id    TEXT NOT NULL,
    name       TEXT NOT NULL,
    rank       INTEGER NOT NULL,
    text       TEXT,
    score      DOUBLE,
    vector     FLOAT[],
    model      TEXT NOT NULL
);

CREATE TABLE prompts (
    prompt_id       TEXT PRIMARY KEY,
    item_id         TEXT NOT NULL,
    spec_id         TEXT NOT NULL,
    feature_spec_id TEXT NOT NULL,
    platform        TEXT NOT NULL,
    template        TEXT NOT NULL,
    system          TEXT NOT NULL,
    "user"          TEXT NOT NULL,
    words           TEXT[] NOT NULL
);

CREATE TABLE posts (
    post_id      TEXT PRIMARY KEY,
    prompt_id    TEXT NOT NULL,
    spec_id      TEXT NOT NULL,
    candidate    INTEGER NOT NULL,
    platform     TEXT NOT NULL,
    text         TEXT,
    alt_text     TEXT,
    rules        TEXT[] NOT NULL,
    call_key     TEXT,
    cost_usd     DOUBLE,
    error        TEXT,
    error_detail TEXT,
    created_at   TIMESTAMPTZ NOT NULL
);

CREATE TABLE judgments (
    judgment_id  TEXT PRIMARY KEY,
    post_id      TEXT NOT NULL,
    spec_id      TEXT NOT NULL,
    repeat       INTEGER NOT NULL,
    aspect       TEXT NOT NULL,
    score        DOUBLE,
    reasoning    TEXT,
    call_key     TEXT,
    cost_usd     DOUBLE,
    error        TEXT,
    error_detail TEXT,
    created_at   TIMESTAMPTZ NOT NULL
);

CREATE TABLE quarantine (
    quarantine_id TEXT PRIMARY KEY,
    step          TEXT NOT NULL,
    dataset       TEXT NOT NULL,
    source_uri    TEXT NOT NULL,
    stamp         TEXT NOT NULL,
    image_path    TEXT,
    item_id       TEXT,
    reason        TEXT NOT NULL,
    detail        TEXT NOT NULL,
    "at"          TIMESTAMPTZ NOT NULL
);

CREATE TABLE checks (
    run_id      TEXT NOT NULL,
    table_name  TEXT NOT NULL,
    chunk_id    TEXT NOT NULL,
    expectation TEXT NOT NULL,
    severity    TEXT NOT NULL,
    success     BOOLEAN NOT NULL,
    observed    TEXT NOT NULL,
    "at"        TIMESTAMPTZ NOT NULL
);

CREATE TABLE specs (
    spec_id TEXT PRIMARY KEY,
    step    TEXT NOT NULL,
    params  TEXT NOT NULL
);

CREATE TABLE runs (
    run_id      TEXT PRIMARY KEY,
    campaign    TEXT NOT NULL,
    dataset     TEXT NOT NULL,
    window_from TIMESTAMPTZ,
    window_to   TIMESTAMPTZ,
    item_limit  INTEGER,
    state       TEXT NOT NULL,
    started_at  TIMESTAMPTZ NOT NULL,
    ended_at    TIMESTAMPTZ,
    "rows"      TEXT NOT NULL,
    calls       BIGINT NOT NULL,
    cost_usd    DOUBLE,
    spec_ids    TEXT NOT NULL,
    purse       TEXT NOT NULL,
    message     TEXT
);
