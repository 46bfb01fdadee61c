"""Labels from a handful of examples: CLIP learns the words in front of the classes' names (CoOp, Zhou et al. 2022).

Read: pictures' CLIP vectors, made before and kept, and the frozen text tower of any open_clip model with a text
transformer. Needed: torch. Only the context vectors learn, all classes share them, and they start as the words of a
template: without any step this is CLIP without training. As pictures' vectors are fixed, a step costs one pass of the
text tower over the classes' names, however many examples there are: each step sees all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from components.features.clip import Clip

START = "a photo of a"
STEPS = 200
STRIDE = 0.05
"""Adam's first step width, in standard deviations of the tower's token vectors: towers differ in scale tenfold."""


@dataclass(frozen=True)
class Learned:
    """Context vectors (m, width) and the classes' centres (k, dim) under them; `losses` holds each step's."""

    context: NDArray[np.float32]
    centres: NDArray[np.float32]
    scale: float
    losses: tuple[float, ...]

    def probabilities(self, pictures: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, k) for CLIP vectors of pictures (n, dim)."""
        from scipy.special import softmax

        found: NDArray[np.float64] = softmax(pictures.astype(np.float64) @ self.centres.T * self.scale, axis=1)
        return found


def learn_context(
    clip: Clip,
    names: Sequence[str],
    pictures: NDArray[np.float32],
    targets: NDArray[np.int64],
    *,
    start: str = START,
    steps: int = STEPS,
) -> Learned:
    """Learns on `pictures` (n, dim) of length 1 whose classes are `targets` (n,), places in `names`.

    UserError when the model's text tower is of a kind that takes no context, or too short for it.
    """
    import torch

    tower = _Tower(clip, names, start)
    rows, wanted = (torch.from_numpy(array).to(tower.device) for array in (pictures.astype(np.float32), targets))
    context = tower.start.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([context], lr=STRIDE * tower.spread)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(steps, 1))
    losses = []
    for _ in range(steps):
        logits = rows @ tower.centres(context).T * clip.logit_scale
        loss = torch.nn.functional.cross_entropy(logits, wanted)
        # Not backward(): it would also fill the gradients of the tower, which others use.
        context.grad = torch.autograd.grad(loss, context)[0]
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
    with torch.no_grad():
        centres = tower.centres(context)
    return Learned(context.detach().cpu().numpy(), centres.cpu().numpy(), clip.logit_scale, tuple(losses))


def choose_shots(targets: NDArray[np.int64], shots: int, seed: int) -> NDArray[np.int64]:
    """Places of at most `shots` rows per class, drawn by `seed`; rows without a label (-1) are never among them."""
    dice = np.random.default_rng(seed)
    chosen = []
    for label in np.unique(targets[targets >= 0]):
        places = dice.permutation(np.flatnonzero(targets == label))
        chosen.append(places[:shots])
    return np.sort(np.concatenate(chosen)).astype(np.int64) if chosen else np.zeros(0, dtype=np.int64)


class _Tower:
    """The frozen text tower, reading each name behind m vectors that are put in place of m tokens."""

    def __init__(self, clip: Clip, names: Sequence[str], start: str) -> None:
        import torch

        self._model, tokenizer = clip.text_tower
        text = self._model if hasattr(self._model, "token_embedding") else self._model.text
        if not hasattr(text, "token_embedding"):
            raise UserError(
                "method few_shot: this CLIP's text tower is not open_clip's own transformer, so no context can be "
                "learned in front of the classes' names; use zero_shot or linear_probe"
            )
        self._embedding: Any = text.token_embedding
        self.device = self._embedding.weight.device
        self.spread = float(self._embedding.weight.detach().float().std())
        empty, opening = (tokenizer([each])[0] for each in ("", start))
        read = tokenizer(list(names))
        self._after = int(bool((read[:, 0] == empty[0]).all()))  # 1 where a sign stands before every text
        words = self._words(opening, empty)
        self._count, width = len(words), read.shape[1]
        if self._count + self._after + 3 > width:
            raise UserError(f"method few_shot: the text tower reads {width} tokens, too few for {start!r} and a name")
        rows = []
        for row in read:
            own = self._words(row, empty)[: width - self._after - self._count - 1]
            rows.append(torch.cat([row[: self._after], words, own, empty[self._after :]])[:width])
        self._tokens = torch.stack(rows).to(self.device)
        with torch.no_grad():
            self.start: Tensor = self._embedding(words.to(self.device)).float()

    def _words(self, row: Tensor, empty: Tensor) -> Tensor:
        """A text's tokens without its signs; `empty` is what the tokenizer makes of no text: signs, then padding."""
        ends = (row[self._after :] == empty[self._after]).nonzero()
        return row[self._after : self._after + int(ends[0]) if len(ends) else len(row)]

    def centres(self, context: Tensor) -> Tensor:
        """(k, dim) of length 1; gradients flow to `context` (m, width)."""
        import torch

        first, last = self._after, self._after + self._count

        def put(_module: Any, _given: Any, found: Tensor) -> Tensor:
            own = context.to(found.dtype).expand(len(found), -1, -1)
            return torch.cat([found[:, :first], own, found[:, last:]], dim=1)

        hook = self._embedding.register_forward_hook(put)
        try:
            vectors = self._model.encode_text(self._tokens)
        finally:
            hook.remove()
        return torch.nn.functional.normalize(vectors.float(), dim=-1)
