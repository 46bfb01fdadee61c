"""Experiments: arms of one campaign over the same items, and tables that can be believed.

Read spec.py (the file), arms.py (how arms are made comparable), tables.py (what is computed), read.py (from the
warehouse alone).
"""

from components.experiments.arms import Arm, arms_of, notes_of, pairwise_of, purse_of
from components.experiments.spec import Claim, ExperimentSpec, ItemRule, experiment_id, load_experiment

__all__ = [
    "Arm", "Claim", "ExperimentSpec", "ItemRule", "arms_of", "experiment_id", "load_experiment", "notes_of",
    "pairwise_of", "purse_of",
]  # fmt: skip
