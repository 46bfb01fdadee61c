-- Several candidates per prompt: what each was asked with, which of them say the same, and how near each is to its picture.

ALTER TABLE posts ADD COLUMN temperature DOUBLE;
ALTER TABLE posts ADD COLUMN seed BIGINT;
ALTER TABLE posts ADD COLUMN duplicate_of TEXT;
ALTER TABLE posts ADD COLUMN clip_score DOUBLE;
