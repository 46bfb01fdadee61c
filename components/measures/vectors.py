"""The posts' vectors, each made once however many measures ask for it: by CLIP's text tower and by the text encoder.

Read: the batch's texts. Needed: the models of the features' set. Vectors are rounded as those of features are, so that
which texts happen to share a forward pass changes no row.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from components.measures.batch import Floats

if TYPE_CHECKING:
    from torch import Tensor

    from components.features.models import Models

AT_ONCE = 256
"""Texts of one pass: bounded memory for any number of posts."""


class TextVectors:
    """`texts`: post_id -> text. A text without a word has no vector: do not ask for it."""

    def __init__(self, models: "Models", texts: Mapping[str, str]) -> None:
        self.models, self._texts = models, texts
        self._known: dict[str, dict[str, Floats]] = {"clip_text": {}, "text": {}}

    def clip(self, ids: Sequence[str]) -> Floats:
        """(n, dim) of length 1, in CLIP's space."""
        return self._of("clip_text", ids, self.models.clip.texts)

    def sentence(self, ids: Sequence[str]) -> Floats:
        """(n, dim) of the text encoder, as the network reads them: not of length 1."""
        return self._of("text", ids, self.models.text_encoder)

    def _of(self, kind: str, ids: Sequence[str], embed: "Callable[[Sequence[str]], Tensor]") -> Floats:
        known = self._known[kind]
        missing = list(dict.fromkeys(post_id for post_id in ids if post_id not in known))
        for start in range(0, len(missing), AT_ONCE):
            part = missing[start : start + AT_ONCE]
            with self.models.lock:
                made = embed([self._texts[post_id] for post_id in part]).numpy()
            known.update(zip(part, np.round(made.astype(np.float64), 6).astype(np.float32), strict=True))
        return np.stack([known[post_id] for post_id in ids]) if ids else np.zeros((0, 1), dtype=np.float32)


def unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)
