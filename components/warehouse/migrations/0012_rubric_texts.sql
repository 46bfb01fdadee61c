-- By which text of a rubric a person rated: a rubric that is edited under its name asks something else. Null where the
-- rating is older than this column: then the text is not known.

ALTER TABLE ratings ADD COLUMN rubric_id TEXT;
