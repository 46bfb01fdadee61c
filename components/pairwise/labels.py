"""What two posts are called in a comparison: two letters each, drawn anew for every call.

Judges prefer what is called A over B, and 1 over 2, on top of preferring what stands first: a label with a place in an
order tells of one. So a label has none, means nothing in any language we know of (consonants only, no common
abbreviation), shares no letter with the other, and is drawn by a seed that covers the texts and their order: the post
that is XK here is DM when the order is turned, and no post knows while it is written what it will be called. The same
texts in the same order get the same labels, so a call that was bought is not bought again.
"""

import hashlib
import random

_LETTERS = "CDFGHJKLMNPQRSTVWXZ"  # no vowel, no Y: they spell words; no B: half of "A or B"
_KNOWN = (
    "CD CV DJ DM DS DX FM FX GF GM GP HD HQ HR KM LP LT MC MD MG ML MP MR MS MT NC ND NH NJ NM NP NV PC PD PM PR PS "
    "QC QR RN SC SD SS ST SW TD TL TN TX TV VC VP VR VS WC WW XL XS XX"
)
"""Abbreviations that a reader, or a model, knows: a video, a version, a size, a rank, a state."""
_MEANING = frozenset(_KNOWN.split())
LABELS = tuple(
    first + second for first in _LETTERS for second in _LETTERS if first != second and first + second not in _MEANING
)


def labels_for(first: str, second: str, repeat: int) -> tuple[str, str]:
    """The labels of the post shown first and of the other, from their texts and the number of the reading."""
    digest = hashlib.sha256("\x1f".join((first, second, str(repeat))).encode("utf-8", "surrogatepass")).hexdigest()
    dice = random.Random(digest)
    one = dice.choice(LABELS)
    return one, dice.choice([label for label in LABELS if not set(label) & set(one)])
