"""Orchestration: the only package that imports prefect, reads the environment, or opens the warehouse."""
