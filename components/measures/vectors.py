"""The posts' vectors, each made once however many measures ask for it: by CLIP's text tower and by the text encoder.

Read: texts. Needed: the models of the features' set. Vectors are rounded as those of features are, so that which texts
happen to share a forward pass changes no row. Posts are read whole and sentence by sentence: one sentence that says
what the picture shows is drowned in a whole post, and CLIP reads no more than 77 tokens.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import regex
from numpy.typing import NDArray

from components.measures.batch import Floats
from components.posts.duplicates import words_of

if TYPE_CHECKING:
    from torch import Tensor

    from components.features.models import Models

AT_ONCE = 256
"""Texts of one pass: bounded memory for any number of posts."""
SHORTEST = 3
"""Words of a part that is read by itself; `Wow!` says nothing of a picture."""
_ENDS = regex.compile(r"(?<=[.!?…:;])[\"'”’)\]]*\s+|(?<=[。！？：；])|\n+")


class TextVectors:
    def __init__(self, models: "Models") -> None:
        self.models = models
        self._known: dict[str, dict[str, Floats]] = {"clip_text": {}, "text": {}}

    def clip(self, texts: Sequence[str]) -> Floats:
        """(n, dim) of length 1, in CLIP's space."""
        return self._of("clip_text", texts, self.models.clip.texts)

    def sentence(self, texts: Sequence[str]) -> Floats:
        """(n, dim) of the text encoder, as the network reads them: not of length 1."""
        return self._of("text", texts, self.models.text_encoder)

    def _of(self, kind: str, texts: Sequence[str], embed: "Callable[[Sequence[str]], Tensor]") -> Floats:
        known = self._known[kind]
        missing = list(dict.fromkeys(text for text in texts if text not in known))
        for start in range(0, len(missing), AT_ONCE):
            part = missing[start : start + AT_ONCE]
            with self.models.lock:
                made = embed(part).numpy()
            known.update(zip(part, np.round(made.astype(np.float64), 6).astype(np.float32), strict=True))
        return np.stack([known[text] for text in texts]) if texts else np.zeros((0, 1), dtype=np.float32)


def unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def sentences(text: str) -> list[str]:
    """The parts of a text that say something by themselves; the whole where none does."""
    parts = [part.strip() for part in _ENDS.split(text)]
    return [part for part in parts if len(words_of(part)) >= SHORTEST] or [text]


def parted(texts: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The sentences of all texts in a row, and where each text's begin."""
    parts = [sentences(text) for text in texts]
    starts = np.cumsum([0, *(len(one) for one in parts)])[:-1] if parts else np.zeros(0)
    return [sentence for one in parts for sentence in one], starts.astype(np.int64)
