"""Specs say what to do, a Selection says to which items; together they are a campaign.

`spec.id` covers everything that can change the output, the text of templates, rubrics and model cards included, and
nothing that cannot (limits, names of keys): two specs with one id give the same rows. The fields' titles and
descriptions are also the labels of the forms in the Prefect UI.
"""

from components.specs.anchors import AnchorSpec
from components.specs.base import Spec
from components.specs.campaign import Budget, Campaign
from components.specs.chat import ChatSpec, TellingSpec
from components.specs.dataset import DatasetSpec
from components.specs.features import FeatureSpec
from components.specs.generation import GenerationSpec
from components.specs.judge import JudgeSpec
from components.specs.measures import MeasureSpec
from components.specs.prompt import WORDS, PromptSpec, Word
from components.specs.selection import On, Selection, Slice

__all__ = [
    "WORDS",
    "AnchorSpec",
    "Budget",
    "Campaign",
    "ChatSpec",
    "DatasetSpec",
    "FeatureSpec",
    "GenerationSpec",
    "JudgeSpec",
    "MeasureSpec",
    "On",
    "PromptSpec",
    "Selection",
    "Slice",
    "Spec",
    "TellingSpec",
    "Word",
]
