"""The domain of postwright: pure code that knows nothing of Prefect, Great Expectations or the environment."""
