-- What only the journal tells of an experiment, as it was when its tables were last made from all of it: so they can be
-- made again when the journal is pruned or gone. Null in rows that are older than these columns.

ALTER TABLE arms ADD COLUMN latency_ms DOUBLE;
ALTER TABLE arms ADD COLUMN judge_latency_ms DOUBLE;
ALTER TABLE arms ADD COLUMN calls BIGINT;
ALTER TABLE arms ADD COLUMN spent_usd DOUBLE;
