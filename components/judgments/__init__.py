"""Posts are judged by rubrics: files beside this module, read by `load_rubric`, asked by `judge`."""

from components.judgments.beside import Waiting
from components.judgments.judge import judge
from components.judgments.parse import parse_reply
from components.judgments.rubric import Rubric, load_rubric, rubric_text

__all__ = ["Rubric", "Waiting", "judge", "load_rubric", "parse_reply", "rubric_text"]
