"""The epochs of a training, whatever learns: batches, steps, validation, and back to the best epoch.

Read and written: nothing. Needed: torch. What a batch is and how it is scored is the caller's: `trainer.py` learns from
vectors, `fine_tuning.py` from files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError
from components.learning.losses import MultiTaskLoss
from components.learning.spec import TrainingSpec

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Track = Callable[[int, int, str], None]
"""(epochs done, most epochs, a word on how it goes)"""
Batch = tuple[NDArray[np.int64], Sequence[str]]
"""Rows, and the tasks that they serve."""


def fit(
    modules: Sequence[tuple[nn.Module, float]],
    loss: MultiTaskLoss,
    spec: TrainingSpec,
    epoch_batches: Callable[[], Sequence[Batch]],
    loss_of: Callable[[Batch], Tensor | None],
    validate: Callable[[], tuple[float, float]],
    device: torch.device,
    track: Track | None,
) -> tuple[list[dict[str, float]], int]:
    """The epochs: `modules` with their learning rates learn, and end as they were at the best epoch.

    `validate` gives (score, loss). The best epoch has the highest score, of equal ones the least loss. Waiting for
    progress begins anew with a higher score and also with a lower loss: a score of a hundred rows moves in steps, and
    stands still while the network still learns.
    """
    import torch

    rates = [*((list(m.parameters()), rate) for m, rate in modules)]
    if loss.variances is not None:
        # A few hundred steps at the network's rate would leave them where they begin.
        rates.append(([loss.variances], 10 * spec.learning_rate))
    optimiser = torch.optim.AdamW(_groups(rates, spec.weight_decay), betas=(0.9, 0.98))
    cast, scaler = precision(device, spec.amp)
    history: list[dict[str, float]] = []
    best, best_epoch, kept = (-np.inf, -np.inf), 0, [state_of(module) for module, _ in modules]
    least, progress = np.inf, 0
    schedule: Any = None
    for epoch in range(1, spec.epochs + 1):
        for module, _ in modules:
            module.train()
        plan = epoch_batches()
        schedule = schedule or warm_then_falling(optimiser, spec.epochs * len(plan), len(plan))
        total, steps = 0.0, 0
        for batch in plan:
            with cast():
                value = loss_of(batch)
            if value is not None:
                scaler.scale(value).backward()
                scaler.unscale_(optimiser)
                torch.nn.utils.clip_grad_norm_([p for g in optimiser.param_groups for p in g["params"]], 1.0)
                scaler.step(optimiser)
                scaler.update()
                optimiser.zero_grad(set_to_none=True)
                total, steps = total + float(value.detach()), steps + 1
            schedule.step()
        for module, _ in modules:
            module.eval()
        with torch.inference_mode(), cast():
            score, validation_loss = validate()
        history.append({
            "epoch": epoch, "loss": round(total / max(1, steps), 6), "validation_loss": round(validation_loss, 6),
            "score": round(score, 6),
        })  # fmt: skip
        if (round(score, 6), -validation_loss) > best:
            best, best_epoch = (round(score, 6), -validation_loss), epoch
            kept, progress = [state_of(module) for module, _ in modules], epoch
        if validation_loss < least:
            least, progress = validation_loss, epoch
        if track is not None:
            track(epoch, spec.epochs, f"loss {total / max(1, steps):.3f}, validation {score:.3f} (best {best[0]:.3f})")
        if epoch - progress >= spec.patience:
            break
    for (module, _), state in zip(modules, kept, strict=True):
        module.load_state_dict(state)
    return history, best_epoch


def _groups(rates: Iterable[tuple[list[Any], float]], decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices only."""
    found = []
    for parameters, rate in rates:
        learning = [p for p in parameters if p.requires_grad]
        for some, shrink in (([p for p in learning if p.ndim > 1], decay), ([p for p in learning if p.ndim <= 1], 0.0)):
            if some:
                found.append({"params": some, "lr": rate, "weight_decay": shrink})
    return found


def warm_then_falling(optimiser: torch.optim.Optimizer, steps: int, warm: int) -> Any:
    """The learning rate rises over the first epoch and falls along a cosine to a tenth, whenever training stops."""
    import torch

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return float(0.55 + 0.45 * np.cos(np.pi * (step - warm) / max(1, steps - warm)))

    return torch.optim.lr_scheduler.LambdaLR(optimiser, factor)


def precision(device: torch.device, amp: bool) -> tuple[Callable[[], AbstractContextManager[Any]], Any]:
    """Mixed precision on a GPU: bfloat16 where it has it, else float16 with a scaled loss. Never on a CPU, where
    casting costs more than it saves."""
    import torch

    on = amp and device.type == "cuda"
    half = torch.bfloat16 if on and torch.cuda.is_bf16_supported() else torch.float16
    scaler = torch.amp.GradScaler(device.type, enabled=on and half is torch.float16)
    return lambda: torch.autocast(device.type, dtype=half if on else torch.bfloat16, enabled=on), scaler


def state_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in module.state_dict().items()}


def choose_device(named: str) -> torch.device:
    import torch

    if named == "cuda" and not torch.cuda.is_available():
        raise UserError("device: cuda, but torch finds no usable GPU on this machine; use auto or cpu")
    return torch.device("cuda" if named != "cpu" and torch.cuda.is_available() else "cpu")
