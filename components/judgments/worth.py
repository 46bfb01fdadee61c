"""What would make a judgment worthless, found before anything is bought: the wrong rubric, no brief, a judge of itself.

Reads the rubric and the brief; opens no connection. `field` names the place in the campaign, for the message.
"""

from collections.abc import Iterable

from components.errors import UserError
from components.judgments.families import is_own
from components.judgments.rubric import Rubric, brief_text, load_rubric
from components.specs import JudgeSpec

COUNTING = "offline/judge"


def check_judge(spec: JudgeSpec, writers: Iterable[str] = (), field: str = "judge") -> None:
    """Raises UserError, with the field, for a rubric or a brief that cannot be used, for aspects that the offline judge
    cannot count, and for a judge that is one of the `writers` (provider/name), unless that is allowed."""
    try:
        rubric = load_rubric(spec.rubric)
        if spec.brief is not None:
            brief_text(spec.brief)
    except UserError as error:
        raise UserError(f"{field}: {error}") from None
    _check_brief(spec, rubric, field)
    if spec.model == COUNTING:
        _check_countable(rubric, field)
    own = next((writer for writer in writers if is_own(spec.model, writer)), None)
    if own is not None and not spec.allow_own_model:
        raise UserError(
            f"{field}.model: {spec.model} would judge what {own} wrote, its own model, which it tends to prefer; "
            f"name a model of another family, or set {field}.allow_own_model to true (reports will say so)"
        )


def _check_brief(spec: JudgeSpec, rubric: Rubric, field: str) -> None:
    if "brief" in rubric.material and spec.brief is None:
        raise UserError(
            f"{field}.brief is missing: rubric {rubric.name} judges by a brief; give a text, or the path of a .md or "
            ".txt file, that describes the brand"
        )
    if "brief" not in rubric.material and spec.brief is not None:
        raise UserError(
            f"{field}.brief: rubric {rubric.name} shows its judge no brief; remove it, use rubric brand, or add "
            "`material: [brief]` to the rubric"
        )


def check_rubric_of_pairs(name: str, field: str = "spec") -> None:
    """Raises UserError for a rubric that judges by what a comparison of two posts does not show."""
    rubric = load_rubric(name)
    if rubric.material:
        raise UserError(
            f"{field}.rubric: rubric {rubric.name} judges by {' and '.join(rubric.material)}, which comparisons do not "
            "show; compare by mpwl or persuasion, or judge by scores"
        )


def _check_countable(rubric: Rubric, field: str) -> None:
    from components.chat.offline.judge import ASPECTS

    unknown = [aspect.name for aspect in rubric.aspects if aspect.name not in ASPECTS]
    if unknown:
        raise UserError(
            f"{field}.model: {COUNTING} only counts, and nothing that can be counted tells {', '.join(unknown)} of "
            f"rubric {rubric.name}; name a model that reads, e.g. openai/gpt-4o-mini, or use rubric mpwl, persuasion "
            "or accessibility"
        )
