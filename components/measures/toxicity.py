"""How offensive a post reads, as a probability: by a classifier that is in its package, or one that is named.

`shipped` is alt-profanity-check: a linear model over words, fast, English, blind to what needs context. Any text
classifier of transformers does instead, such as unitary/toxic-bert; its probability of any label that is not harmless
is taken.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError
from components.measures.batch import Batch, Found
from components.measures.sources import CLASSIFIER, SHIPPED, classifier_folder, named
from components.records import Post

HARMLESS = ("non-toxic", "nontoxic", "non_toxic", "not toxic", "neutral", "clean", "ok", "normal", "safe", "label_0")
AT_ONCE = 64


class Classifier(Protocol):
    model: str

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n,) probabilities in the order of `texts`."""


class Shipped:
    def __init__(self) -> None:
        self.model = named(CLASSIFIER)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        from profanity_check import predict_prob

        return np.asarray(predict_prob(list(texts)), dtype=np.float64) if texts else np.zeros(0)


class Transformer:
    """A text classifier from a directory in the layout of the hub. UserError where it says nothing of toxicity."""

    def __init__(self, name: str, folder: Path) -> None:
        from safetensors import SafetensorError
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        from components.features.models import count_passes

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model, report = AutoModelForSequenceClassification.from_pretrained(
                folder, local_files_only=True, output_loading_info=True
            )
            if lost := sorted(map(str, report["missing_keys"])):  # they would be random numbers
                raise ValueError(f"{len(lost)} weights are missing, {lost[0]} among them")
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UserError(
                f"measures.toxicity: {folder} cannot be loaded ({reason}); use another, or shipped"
            ) from error
        self._model = model.eval()
        count_passes("toxicity", self._model)
        labels = [str(label).lower() for _, label in sorted(self._model.config.id2label.items())]
        self._harmful = [at for at, label in enumerate(labels) if label not in HARMLESS]
        self._exclusive = len(self._harmful) < len(labels)
        if not self._harmful:
            raise UserError(f"measures.toxicity: {folder} knows {', '.join(labels)}, none of which is harmful")
        self._longest = min(int(self._tokenizer.model_max_length), int(self._model.config.max_position_embeddings))
        self.model = name

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Of labels that exclude each other (one of them is harmless) the sum, else the highest."""
        import torch

        found: list[NDArray[np.float64]] = []
        for start in range(0, len(texts), AT_ONCE):
            tokens = self._tokenizer(
                list(texts[start : start + AT_ONCE]), padding=True, truncation=True, max_length=self._longest,
                return_tensors="pt",
            )  # fmt: skip
            with torch.inference_mode():
                logits = self._model(**tokens).logits.double()
            chances = logits.softmax(-1) if self._exclusive else logits.sigmoid()
            harmful = chances[:, self._harmful]
            found.append((harmful.sum(1) if self._exclusive else harmful.max(1).values).numpy())
        return np.concatenate(found) if found else np.zeros(0)


def toxicity(posts: Sequence[Post], batch: Batch, classifier: Classifier) -> Iterator[Found]:
    """Of the text without links and hashtags; a text that is nothing else has no tone."""
    able = [post for post in posts if batch.texts[post.post_id]]
    for post in posts:
        if not batch.texts[post.post_id]:
            yield Found(post.post_id, "toxicity", classifier.model, error="wordless")
    chances = classifier([batch.texts[post.post_id] for post in able])
    for post, chance in zip(able, chances, strict=True):
        yield Found(post.post_id, "toxicity", classifier.model, round(float(chance), 5))


def load_classifier(name: str, models_folder: Path | None) -> Classifier:
    """The classifier that a spec names, once per process; UserError in one line when it is not on this machine."""
    return Shipped() if name == SHIPPED else _load(name, classifier_folder(name, models_folder))


@lru_cache(maxsize=2)
def _load(name: str, folder: Path) -> Transformer:
    return Transformer(name, folder)
