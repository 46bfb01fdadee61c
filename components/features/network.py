"""The fused network: a picture's vector and a text's vector in, topic, sentiment and scene (or numbers) out.

Read and written: a directory with `config.json` (tasks and their labels, widths, fusion, which encoders the vectors
come from, calibration) and `model.safetensors`. Needed: torch, imported when a network is built, not with this file.
Either vector may be missing: a learned embedding stands in for it, so that an item without a text and an item without a
picture go the same way as one with both. The module itself is in `fusion.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import UserError
from components.features.fusion import build

if TYPE_CHECKING:
    from torch import Tensor, nn

FUSIONS = ("gate", "concat", "attention")
MODALITIES = ("picture", "text")
PRESENCES = ("both", "picture", "text")


@dataclass(frozen=True)
class NetworkConfig:
    """What a network predicts, and from which vectors.

    `tasks` gives each task's labels in the order of its logits. `numbers` are tasks predicted as one number, with the
    `mean` and `scale` (standard deviation) of their training values. `reads` names, for tasks that learned from one
    modality only, that modality: the other one, which their labels never came with, is not shown to them.
    `temperatures` gives, per task and per presence (both, picture, text), the number that logits are divided by before
    the softmax (Guo et al. 2017, temperature scaling); `thresholds` per task the probability below which a label is too
    uncertain to be used. Fields that a file lacks, because it is older, have their defaults.
    """

    tasks: dict[str, tuple[str, ...]]
    picture_dim: int
    text_dim: int
    hidden_dim: int = 128
    fusion: str = "gate"
    dropout: float = 0.1
    label_source: str = "ours"
    encoders: dict[str, str] = field(default_factory=dict)
    temperatures: dict[str, dict[str, float]] = field(default_factory=dict)
    numbers: dict[str, dict[str, float]] = field(default_factory=dict)
    reads: dict[str, tuple[str, ...]] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise UserError(f"network config: fusion is {self.fusion!r}; use one of {', '.join(FUSIONS)}")
        if not self.tasks and not self.numbers:
            raise UserError("network config: neither tasks nor numbers; a network predicts at least one")
        if both := sorted(self.tasks.keys() & self.numbers.keys()):
            raise UserError(f"network config: {both[0]} has labels and is a number; it can be one of the two")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NetworkConfig:
        known = {k: v for k, v in data.items() if k in cls.__dataclass_fields__}
        lists = {k: {name: tuple(v) for name, v in known.get(k, {}).items()} for k in ("tasks", "reads")}
        return cls(**known | lists)


class PromptWordsNetwork:
    """Both vectors, projected, fused, one shared trunk, one linear head per task. Wraps the torch module it builds."""

    def __init__(self, config: NetworkConfig) -> None:
        self.config = config
        self.module: nn.Module = build(config)

    @classmethod
    def load(cls, folder: Path | str) -> PromptWordsNetwork:
        """The network saved in `folder`, in float32 and in evaluation mode, whatever precision is on disk."""
        from safetensors.torch import load_file

        folder = Path(folder)
        missing = [name for name in ("config.json", "model.safetensors") if not (folder / name).is_file()]
        if missing:
            raise UserError(
                f"no network in {folder}: {' and '.join(missing)} missing; train or fetch the model set again"
            )
        network = cls(NetworkConfig.from_dict(json.loads((folder / "config.json").read_text(encoding="utf-8"))))
        network.module.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
        network.module.eval()
        return network

    def save(self, folder: Path | str, half: bool = True) -> None:
        """Writes config and weights; `half` stores float16, which halves the size and is cast back by `load`."""
        from safetensors.torch import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self.config), indent=2, ensure_ascii=False)
        (folder / "config.json").write_text(text + "\n", encoding="utf-8")
        weights = {k: (v.half() if half else v).contiguous() for k, v in self.module.state_dict().items()}
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    def calibrated(self, config: NetworkConfig) -> PromptWordsNetwork:
        """The same weights (shared, not copied) under a config with other temperatures or thresholds."""
        twin = object.__new__(PromptWordsNetwork)
        twin.config, twin.module = config, self.module
        return twin

    def threshold(self, task: str) -> float | None:
        """The probability below which a label of `task` is too uncertain to be used; None where nobody measured it."""
        return self.config.thresholds.get(task)

    @property
    def parameters(self) -> int:
        """How many numbers were learned."""
        return sum(p.numel() for p in self.module.parameters())

    def __call__(
        self,
        picture: Tensor | None,
        text: Tensor | None,
        has_picture: Tensor | None = None,
        has_text: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Logits per task, (n, labels); for a number (n,), in units of its scale from its mean.

        `picture` is (n, picture_dim) or None, `text` (n, text_dim) or None; the masks (n,) say where a row's vector
        counts (default: everywhere). Rows without a picture or text may hold anything there, zeros for example.
        """
        groups: dict[tuple[str, ...], list[str]] = {}
        for task in (*self.config.tasks, *self.config.numbers):
            groups.setdefault(self.config.reads.get(task, MODALITIES), []).append(task)
        logits: dict[str, Tensor] = {}
        for seen, tasks in groups.items():
            answers = self.module(
                picture,
                text,
                has_picture if "picture" in seen else _nowhere(picture),
                has_text if "text" in seen else _nowhere(text),
            )
            logits |= {task: answers[task] for task in tasks}
        return logits

    def probabilities(
        self,
        picture: Tensor | None,
        text: Tensor | None,
        has_picture: Tensor | None = None,
        has_text: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Calibrated probabilities per task (numbers have none), (n, labels): softmax over the temperature."""
        return self.answers(picture, text, has_picture, has_text)[0]

    def answers(
        self,
        picture: Tensor | None,
        text: Tensor | None,
        has_picture: Tensor | None = None,
        has_text: Tensor | None = None,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """As `probabilities`, and per number the predictions (n,) in its own unit: both from one pass."""
        import torch

        with torch.inference_mode():
            logits = self(picture, text, has_picture, has_text)
            rows = len(next(iter(logits.values())))
            device = next(iter(logits.values())).device
            there = torch.stack(
                [_mask(v, given, rows).to(device) for v, given in ((picture, has_picture), (text, has_text))]
            )
            chances = {}
            for task in self.config.tasks:
                scale = self.config.temperatures.get(task, {})
                both, only_picture, only_text = (float(scale.get(p, 1.0)) for p in PRESENCES)
                one = torch.where(there[0], only_picture, only_text)
                chances[task] = (logits[task] / torch.where(there.all(0), both, one)[:, None]).softmax(-1)
            numbers = {
                task: logits[task] * float(unit.get("scale", 1.0)) + float(unit.get("mean", 0.0))
                for task, unit in self.config.numbers.items()
            }
            return chances, numbers


def _nowhere(vectors: Tensor | None) -> Tensor | None:
    """A mask that hides every row."""
    import torch

    return None if vectors is None else torch.zeros(len(vectors), dtype=torch.bool, device=vectors.device)


def _mask(vectors: Tensor | None, given: Tensor | None, rows: int) -> Tensor:
    """Where a modality counts, (rows,) of bool."""
    import torch

    if vectors is None:
        return torch.zeros(rows, dtype=torch.bool)
    return torch.ones(rows, dtype=torch.bool) if given is None else given.bool()
