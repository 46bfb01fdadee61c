"""Takes out of a post what is addressed to its judge, before the offline judge counts anything.

A judge that only counts cannot be talked into a score, but such text still has a length, sentences and words. Taken
out: objects with scores, role lines and role tags, and from each sentence that asks for a score the part that asks.
"""

import re

from components.prompts.escaping import clean

_SCORE = r"(?:10|ten|scores?|full marks|top marks|perfect score|maximum score|highest (?:score|marks?|rating))"
_READER = r"(?:judge|grader|evaluator|rater|reviewer|ai|llm|assistant|(?:language )?model)"
_RULES = r"(?:rubric|instructions?|(?:the|everything) above|prompt|rules?|guidelines?|criteria)"
_APPEALS = [
    rf"\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]*\b{_RULES}\b",
    rf"\b(?:score|rate|grade|give|award|assign|answer|output|respond|reply|return|print)\b[^.!?\n]{{0,60}}\b{_SCORE}\b",
    rf"\b(?:dear|note to|attention|as) (?:an? |the |my )?(?:\w+ )?{_READER}\b",
    rf"\byou (?:are|must act as|will act as)(?: now)? (?:an? |the )?(?:\w+ )?{_READER}\b",
    r"\b(?:this|the|my) post (?:deserves|merits|earns|(?:should|must) (?:get|receive|have|score))\b",
    r"\b(?:system|developer) (?:prompt|message|override)\b",
    r"\b(?:score|rating|overall|grade)\s*[:=]\s*\d",
    r"\b(?:relevance|creativity|coherence|emotional)_\w+\b",
]
_APPEAL = re.compile("|".join(_APPEALS), re.IGNORECASE)
# An appeal starts behind one of these: a clause, a hashtag, an emoji.
_BOUNDARY = re.compile(r"[,;:—–(\n]|#\w+|[\u2190-\u2bff\U0001f000-\U0001faff]\ufe0f?")

_ROLES = r"(?:system|assistant|user|human|developer|tool|inst|sys|instructions?|response|im_start|im_end)"
_ROLE_LINE = re.compile(
    rf"^[ \t>*#\-_|]*(?:[(\[<|]+/?{_ROLES}\b[^\n]*|(?:system|assistant|user|human|developer)\s*:[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_ROLE_TAG = re.compile(rf"<\|?/?[a-zA-Z_|]{{1,30}}\|?>|[\[(]/?{_ROLES}[\])]", re.IGNORECASE)
_OBJECT = re.compile(r"(?:```(?:json)?\s*)?\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}(?:\s*```)?")


def without_appeals(post: str) -> str:
    """The post as its author would have written it to readers alone."""
    post = _OBJECT.sub(lambda match: "" if ":" in match[0] and '"' in match[0] else match[0], clean(post))
    post = _ROLE_TAG.sub("", _ROLE_LINE.sub("", post))
    kept = [_without_appeal(sentence) for sentence in re.split(r"(?<=[.!?…])(?=\s)|(?<=\n)", post)]
    return re.sub(r"[ \t]{2,}", " ", re.sub(r"\n{3,}", "\n\n", "".join(kept))).strip()


def _without_appeal(sentence: str) -> str:
    match = _APPEAL.search(sentence)
    if not match:
        return sentence
    before = sentence[: match.start()]
    ends = [boundary.end() for boundary in _BOUNDARY.finditer(before)]
    return before[: ends[-1] if ends else 0].rstrip(" ,;:—–(\n")
