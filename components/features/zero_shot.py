"""Labels for those who have none: cosines with descriptions of the classes, and shares matched without labels.

Read: vectors, and a labels file (see `labels_file.py`). Each class is the normalised mean of its texts' vectors:
templates as of Radford et al. 2021 (CLIP), sentences as of Pratt et al. 2023 (CuPL). A row's answer depends on no other
row; what was matched on a whole data set is kept as fixed offsets per class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError
from components.features.labels_file import DescribedTask

if TYPE_CHECKING:
    from torch import Tensor

    from components.features.clip import Clip
    from components.features.encoders import TextEncoder

SENTENCE_SCALE = 20.0
"""Logit per cosine of sentence vectors: what sentence-transformers' MultipleNegativesRankingLoss trains them with."""

EM_STEPS = 1000


class ZeroShot:
    """Answers the tasks of a labels file by CLIP and, where the file or the caller asks for it, a text encoder."""

    def __init__(self, tasks: Mapping[str, DescribedTask], clip: Clip, text_encoder: TextEncoder | None = None) -> None:
        self.tasks = tasks
        self._clip, self._text_encoder = clip, text_encoder
        self._centres: dict[tuple[str, str], Tensor] = {}

    def answer(self, task: str, vectors: Mapping[str, Tensor], has_picture: Tensor, has_text: Tensor) -> Tensor:
        """(n, classes) probabilities: of the picture, of the text, or the mean of both where a row has both."""
        import torch

        described = self.tasks[task]
        picture = self.probabilities(task, "clip_image", vectors["clip_image"])
        readings = [self.probabilities(task, name, vectors[name]) for name in described.text_readings()]
        return mixed(picture, torch.stack(readings).mean(0), has_picture, has_text)

    def probabilities(self, task: str, reading: str, vectors: Tensor) -> Tensor:
        """(n, classes) of one reading, calibrated and shifted as the file says."""
        import torch

        described = self.tasks[task]
        logits = self.logits(task, reading, vectors) / described.heat(reading)
        if reading in described.offsets:
            logits = logits + torch.tensor([described.offsets[reading][label] for label in described.classes])
        return logits.softmax(-1)

    def logits(self, task: str, reading: str, vectors: Tensor) -> Tensor:
        """(n, classes) cosines with the classes' centres times the model's own scale."""
        import torch

        scale = SENTENCE_SCALE if reading == "text" else self._clip.logit_scale
        rows = torch.nn.functional.normalize(vectors.float(), dim=-1)
        return rows @ self._centre(task, reading).T * scale

    def _centre(self, task: str, reading: str) -> Tensor:
        """The classes' vectors (k, dim), made once."""
        if (task, reading) not in self._centres:
            if reading == "text" and self._text_encoder is None:
                raise UserError(
                    f"labels file: {task}.text_model asks for the text encoder, which is not loaded; use clip"
                )
            embed = self._clip.texts if reading != "text" or self._text_encoder is None else self._text_encoder
            self._centres[task, reading] = centres(self.tasks[task].texts(reading), embed)
        return self._centres[task, reading]


def fixed_offsets(
    zero_shot: ZeroShot,
    task: str,
    vectors: Mapping[str, Tensor],
    has_picture: Tensor,
    has_text: Tensor,
    shares: Mapping[str, float] | None = None,
) -> dict[str, dict[str, float]]:
    """Offsets for the labels file (see `labels_file.with_values`) under which these rows have `shares` of each class in
    the mean, per reading: what matching does to a whole data set, kept so that each row is then read by itself.

    Without `shares` they are taken to be equal. UserError where they are not one number above 0 for each class.
    """
    described = zero_shot.tasks[task]
    labels = list(described.classes)
    wanted = shares or dict.fromkeys(labels, 1.0)
    if set(wanted) != set(labels) or any(not 0 < share < float("inf") for share in wanted.values()):
        raise UserError(f"shares of {task}: give one number above 0 for each of {', '.join(labels)}")
    total = sum(wanted.values())
    found = {}
    for reading in ("clip_image", *described.text_readings()):
        there = has_picture if reading == "clip_image" else has_text
        if not bool(there.any()):
            continue
        rows = zero_shot.probabilities(task, reading, vectors[reading][there]).double().numpy()
        moved = match_shares(rows, [wanted[label] / total for label in labels])
        before = {str(name): given for name, given in described.offsets.items()}.get(reading, {})
        found[reading] = {
            label: round(before.get(label, 0.0) + float(more), 6) for label, more in zip(labels, moved, strict=True)
        }
    return found


def centres(texts: Sequence[Sequence[str]], embed: Callable[[Sequence[str]], Tensor]) -> Tensor:
    """(k, dim) of length 1: per class the mean of its texts' normalised vectors, normalised."""
    import torch

    rows = torch.nn.functional.normalize(embed([text for own in texts for text in own]).float(), dim=-1)
    parts = torch.split(rows, [len(own) for own in texts])
    return torch.stack([torch.nn.functional.normalize(part.mean(0), dim=0) for part in parts])


def mixed(picture: Tensor, text: Tensor, has_picture: Tensor, has_text: Tensor) -> Tensor:
    """(n, k): the mean of the answers that a row has; uniform where it has neither picture nor text."""
    import torch

    weight = torch.stack([has_picture, has_text]).float()[..., None]
    total = weight.sum(0)
    found = (torch.stack([picture, text]) * weight).sum(0) / total.clamp(min=1)
    return torch.where(total > 0, found, torch.full_like(found, 1 / found.shape[-1]))


def match_shares(
    probabilities: NDArray[np.float64], shares: Sequence[float] | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Offsets (k,), of mean 0, that added to the log-probabilities (n, k) make their mean over the rows `shares`.

    Prior matching as of Liusie, Manakul and Gales 2023 (arXiv 2309.04992), who weight classes so that a word that a
    model likes does not win everywhere. With all shares above 0 there is exactly one solution: the minimum of the
    convex mean(logsumexp(log p + b)) - shares.b.
    """
    from scipy.optimize import minimize
    from scipy.special import logsumexp, softmax

    wanted = np.asarray(shares, dtype=np.float64)
    if wanted.shape != probabilities.shape[1:] or (wanted <= 0).any() or abs(wanted.sum() - 1) > 1e-6:
        raise ValueError(f"shares are {probabilities.shape[1]} numbers above 0 that add up to 1, not {shares}")
    if not len(probabilities):
        return np.zeros_like(wanted)
    # A probability that was rounded to 0 could never be raised; 1e-12 can.
    logs = np.log(np.clip(probabilities, 1e-12, None))

    def loss(offsets: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        moved = logs + offsets
        return float(logsumexp(moved, axis=1).mean() - wanted @ offsets), softmax(moved, axis=1).mean(0) - wanted

    options = {"gtol": 1e-10, "ftol": 1e-15, "maxiter": 5000, "maxfun": 20000}
    found = np.asarray(
        minimize(loss, np.zeros(len(wanted)), jac=True, method="L-BFGS-B", options=options).x, dtype=np.float64
    )
    offsets: NDArray[np.float64] = found - found.mean()
    return offsets


def shifted(probabilities: NDArray[np.float64], offsets: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, k): the probabilities with offsets added to their logarithms."""
    from scipy.special import softmax

    moved: NDArray[np.float64] = softmax(np.log(np.clip(probabilities, 1e-12, None)) + offsets, axis=1)
    return moved


def estimated_shares(
    probabilities: NDArray[np.float64], trained_on: Sequence[float] | None = None
) -> NDArray[np.float64]:
    """The labels' shares (k,) among rows of unknown labels, by expectation maximisation (Saerens, Latinne and
    Decaestecker 2002), from calibrated probabilities under the shares `trained_on` (default: all equal).

    It trusts the probabilities: where a model likes a word everywhere, as CLIP without training may, it takes that for
    a large share. Match known or equal shares instead, unless the probabilities are calibrated.
    """
    n, k = probabilities.shape
    before = np.full(k, 1 / k) if trained_on is None else np.asarray(trained_on, dtype=np.float64)
    shares = before
    for _ in range(EM_STEPS if n else 0):
        weighted = probabilities * (shares / before)
        found = (weighted / weighted.sum(1, keepdims=True)).mean(0)
        done = bool(np.abs(found - shares).max() < 1e-9)
        shares = found
        if done:
            break
    return shares
