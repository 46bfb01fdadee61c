"""What all trainings share: crops and colour shifts, the optimiser and its schedule, files in half precision."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn

SIDE = 112
"""Pixels per side that the models see."""

Log = Callable[[str], None]
Track = Callable[[int, int, str], None]
"""(steps done, steps in all, a word on how it goes)"""


def resized(pictures: NDArray[np.uint8]) -> "Tensor":
    """Stored pictures as the image processors hand them over: (n, 3, 112, 112) in -1..1."""
    import torch
    from torch.nn import functional as F

    x = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float()
    x = F.interpolate(x, size=(SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
    return x / 127.5 - 1


def augmented(pictures: NDArray[np.uint8], generator: "torch.Generator", strength: float = 1.0) -> "Tensor":  # type: ignore[name-defined]  # noqa: F821
    """A random crop (at least 3/4 of the area), flip, and slight shift of brightness, contrast, saturation of each.

    Slight, because a drawing's mood lies in its saturation and contrast.
    """
    import torch
    from torch.nn import functional as F

    n = len(pictures)
    x = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1

    def between(low: float, high: float, *shape: int) -> "Tensor":
        return torch.rand(n, *shape, generator=generator) * (high - low) + low

    scale = between(1 - 0.14 * strength, 1)
    flip = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = scale * flip, scale
    theta[:, :, 2] = between(-1, 1, 2) * (1 - scale)[:, None]
    grid = F.affine_grid(theta, [n, 3, SIDE, SIDE], align_corners=False)
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * between(1 - 0.03 * strength, 1 + 0.03 * strength, 1, 1, 1)
    x = x * between(1 - 0.04 * strength, 1 + 0.04 * strength, 1, 1, 1) + between(-0.03, 0.03, 1, 1, 1) * strength
    return x.clamp(-1, 1)


def batches(n: int, size: int, epochs: float, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Indices of each step's batch: every row once per epoch, in a new order."""
    steps = steps_of(n, size, epochs)
    order: NDArray[np.int64] = np.empty(0, dtype=np.int64)
    for _ in range(steps):
        while len(order) < size:
            order = np.concatenate([order, rng.permutation(n)])
        yield np.sort(order[:size])
        order = order[size:]


def steps_of(n: int, size: int, epochs: float) -> int:
    return max(2, round(n / size * epochs))


@dataclass
class Trainer:
    """AdamW with a one-cycle schedule; `groups` are (parameters, peak learning rate). Weight decay on matrices only."""

    modules: "list[tuple[nn.Module, float]]"
    steps: int
    decay: float = 0.05
    warm: float = 0.1

    def __post_init__(self) -> None:
        import torch

        groups: list[dict[str, Any]] = []
        for module, rate in self.modules:
            weights = [p for p in module.parameters() if p.requires_grad]
            groups.append({"params": [p for p in weights if p.ndim > 1], "lr": rate, "weight_decay": self.decay})
            groups.append({"params": [p for p in weights if p.ndim <= 1], "lr": rate, "weight_decay": 0.0})
        groups = [g for g in groups if g["params"]]
        self.weights = [p for g in groups for p in g["params"]]
        self.optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, max_lr=[g["lr"] for g in groups], total_steps=self.steps, pct_start=self.warm
        )  # fmt: skip

    def step(self, loss: "Tensor") -> None:
        import torch

        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad(set_to_none=True)


def half_precision(enabled: bool = True) -> Any:
    """bfloat16 where matrices are multiplied: a third faster on CPUs with AMX or AVX512-BF16."""
    import torch

    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled)


def save_half(model: Any, folder: Path) -> None:
    """`save_pretrained` with the weights in float16 and a config that says float32.

    The loaders read the type to compute in from the config and cast what they find on disk.
    """
    import copy

    import torch

    half = copy.deepcopy(model).to(torch.float16)
    half.save_pretrained(folder)
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    for part in (config, *(v for v in config.values() if isinstance(v, dict))):
        if "dtype" in part:
            part["dtype"] = "float32"
        if "_name_or_path" in part:
            part["_name_or_path"] = ""  # a folder of the machine that trained it
    path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def save_processor(folder: Path) -> None:
    """The image processor of every starter model: scaled to a square, -1..1."""
    from transformers import ViTImageProcessor

    grey = [0.5, 0.5, 0.5]
    ViTImageProcessor(
        size={"height": SIDE, "width": SIDE}, resample=2, image_mean=grey, image_std=grey
    ).save_pretrained(folder)  # fmt: skip


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start
