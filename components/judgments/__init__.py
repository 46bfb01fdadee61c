"""Posts are judged by rubrics: files beside this module, read by `load_rubric`, asked by `judge`."""

from components.judgments.beside import Beside, Shown, Waiting, beside_in
from components.judgments.families import family_of, kinship
from components.judgments.judge import judge
from components.judgments.parse import parse_reply
from components.judgments.rubric import Rubric, brief_text, load_rubric, rubric_id, rubric_text
from components.judgments.worth import check_judge

__all__ = [
    "Beside",
    "Rubric",
    "Shown",
    "Waiting",
    "beside_in",
    "brief_text",
    "check_judge",
    "family_of",
    "judge",
    "kinship",
    "load_rubric",
    "parse_reply",
    "rubric_id",
    "rubric_text",
]
