"""Files whose tests take minutes begin first: with few workers, one of them would else end with such a file alone."""

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Tests run side by side, a process for each core and more: threads of theirs would wait for each other."""

LONG = (
    "test_batch.py",
    "test_backfill.py",
    "test_pipeline.py",
    "test_starter.py",
    "test_deployment.py",
    "test_experiment.py",
    "test_learning.py",
    "test_cli.py",
    "test_candidates.py",
    "test_money_and_change.py",
    "test_workers.py",
    "test_experiment_modes.py",
    "test_fault_matrix.py",
    "test_secrets.py",
    "test_stopping.py",
    "test_litellm_proxy.py",
    "test_stages.py",
    "test_plan_backfill.py",
    "test_panel.py",
    "test_measures.py",
    "test_audit.py",
    "test_few_shot.py",
    "test_observability.py",
    "test_extraction_stream.py",
    "test_telling.py",
    "test_journal_lookups.py",
    "test_bench_engine.py",
    "test_transformers_serve.py",
    "test_purses.py",
    "test_batch_crash.py",
    "test_two_hosts.py",
    "test_batch_deployment.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.name, len(LONG)))
