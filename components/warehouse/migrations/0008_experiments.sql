-- Experiments: the arms that were compared, over which items; and runs over a random sample of items.

CREATE TABLE arms (
    arm_id             TEXT PRIMARY KEY,
    spec_id            TEXT NOT NULL,
    experiment         TEXT NOT NULL,
    arm                TEXT NOT NULL,
    place              INTEGER NOT NULL,
    baseline           TEXT NOT NULL,
    dataset            TEXT NOT NULL,
    overrides          TEXT NOT NULL,
    feature_spec_id    TEXT NOT NULL,
    prompt_spec_id     TEXT NOT NULL,
    generation_spec_id TEXT NOT NULL,
    judge_spec_ids     TEXT[] NOT NULL,
    items              TEXT[] NOT NULL,
    purse              TEXT NOT NULL,
    created_at         TIMESTAMPTZ NOT NULL
);

ALTER TABLE runs ADD COLUMN item_sample INTEGER;
ALTER TABLE runs ADD COLUMN item_seed BIGINT DEFAULT 0;
