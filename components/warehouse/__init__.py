"""The warehouse: one DuckDB file, who may have it open, its schema, and the questions that steps ask of it."""
