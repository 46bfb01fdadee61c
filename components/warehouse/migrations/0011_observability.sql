-- What a run looked like when it ended, for trends over runs; and the flow run of Prefect's that did it.

ALTER TABLE runs ADD COLUMN flow_run_id TEXT;
ALTER TABLE runs ADD COLUMN flow_run_url TEXT;
ALTER TABLE runs ADD COLUMN scores TEXT DEFAULT '{}';
