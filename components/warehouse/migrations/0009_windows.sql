-- Which time of its items a run's window is of; and backfills, whose windows are runs with the backfill's id as purse.

ALTER TABLE runs ADD COLUMN window_on TEXT;
UPDATE runs SET window_on = 'published_at' WHERE window_from IS NOT NULL OR window_to IS NOT NULL;

CREATE TABLE backfills (
    backfill_id TEXT PRIMARY KEY,
    campaign    TEXT NOT NULL,
    dataset     TEXT NOT NULL,
    window_on   TEXT NOT NULL,
    window_by   TEXT NOT NULL,
    timezone    TEXT NOT NULL,
    edges       TIMESTAMPTZ[] NOT NULL,
    spec_ids    TEXT NOT NULL,
    state       TEXT NOT NULL,
    started_at  TIMESTAMPTZ NOT NULL,
    ended_at    TIMESTAMPTZ,
    message     TEXT
);
