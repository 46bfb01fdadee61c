"""The fused network: a picture's vector and a text's vector in, topic, sentiment and scene out.

Read and written: a directory with `config.json` (tasks and their labels, widths, fusion, which encoders the vectors
come from, calibration) and `model.safetensors`. Needed: torch, imported when a network is built, not with this file.
Either vector may be missing: a learned embedding stands in for it, so that an item without a text and an item without a
picture go the same way as one with both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

FUSIONS = ("gate", "concat")
PRESENCES = ("both", "picture", "text")


@dataclass(frozen=True)
class NetworkConfig:
    """What a network predicts, and from which vectors.

    `tasks` gives each task's labels in the order of its logits; `temperatures` gives, per task and per presence (both,
    picture, text), the number that logits are divided by before the softmax (Guo et al. 2017, temperature scaling).
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

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise UserError(f"network config: fusion is {self.fusion!r}; use one of {', '.join(FUSIONS)}")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NetworkConfig:
        known = {k: v for k, v in data.items() if k in cls.__dataclass_fields__}
        return cls(**known | {"tasks": {name: tuple(labels) for name, labels in data["tasks"].items()}})


class PromptWordsNetwork:
    """Both vectors, projected, fused, one shared trunk, one linear head per task. Wraps the torch module it builds."""

    def __init__(self, config: NetworkConfig) -> None:
        self.config = config
        self.module: nn.Module = _build(config)

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

    def __call__(
        self,
        picture: Tensor | None,
        text: Tensor | None,
        has_picture: Tensor | None = None,
        has_text: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Logits per task, (n, labels).

        `picture` is (n, picture_dim) or None, `text` (n, text_dim) or None; the masks (n,) say where a row's vector
        counts (default: everywhere). Rows without a picture or text may hold anything there, zeros for example.
        """
        logits: dict[str, Tensor] = self.module(picture, text, has_picture, has_text)
        return logits

    def probabilities(
        self,
        picture: Tensor | None,
        text: Tensor | None,
        has_picture: Tensor | None = None,
        has_text: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Calibrated probabilities per task, (n, labels): softmax over the temperature for what is there."""
        import torch

        with torch.inference_mode():
            logits = self(picture, text, has_picture, has_text)
            rows = len(next(iter(logits.values())))
            device = next(iter(logits.values())).device
            there = torch.stack(
                [_mask(v, given, rows).to(device) for v, given in ((picture, has_picture), (text, has_text))]
            )
            answers = {}
            for task, values in logits.items():
                scale = self.config.temperatures.get(task, {})
                both, only_picture, only_text = (float(scale.get(p, 1.0)) for p in PRESENCES)
                one = torch.where(there[0], only_picture, only_text)
                answers[task] = (values / torch.where(there.all(0), both, one)[:, None]).softmax(-1)
            return answers


def _mask(vectors: Tensor | None, given: Tensor | None, rows: int) -> Tensor:
    """Where a modality counts, (rows,) of bool."""
    import torch

    if vectors is None:
        return torch.zeros(rows, dtype=torch.bool)
    return torch.ones(rows, dtype=torch.bool) if given is None else given.bool()


def _build(config: NetworkConfig) -> nn.Module:
    """The torch module. Its class is made here because torch is imported only when a network is wanted."""
    import torch
    from torch import nn

    def projection(width: int) -> nn.Module:
        return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, config.hidden_dim), nn.GELU())

    class Fusion(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            h = config.hidden_dim
            self.picture, self.text = projection(config.picture_dim), projection(config.text_dim)
            self.no_picture, self.no_text = (nn.Parameter(0.02 * torch.randn(h)) for _ in range(2))
            self.gate = nn.Linear(2 * h, 2 * h) if config.fusion == "gate" else None
            self.trunk = nn.Sequential(
                nn.LayerNorm(2 * h),
                nn.Dropout(config.dropout),
                nn.Linear(2 * h, 2 * h),
                nn.GELU(),
                nn.LayerNorm(2 * h),
                nn.Dropout(config.dropout),
            )
            self.heads = nn.ModuleDict({name: nn.Linear(2 * h, len(labels)) for name, labels in config.tasks.items()})

        def forward(
            self,
            picture: Tensor | None,
            text: Tensor | None,
            has_picture: Tensor | None = None,
            has_text: Tensor | None = None,
        ) -> dict[str, Tensor]:
            given = picture if picture is not None else text
            if given is None:
                raise UserError("the network was given neither a picture nor a text; leave such items out")
            p = self._side(picture, has_picture, self.picture, self.no_picture, len(given))
            t = self._side(text, has_text, self.text, self.no_text, len(given))
            fused = torch.cat([p, t], dim=-1)
            if self.gate is not None:
                fused = fused * torch.sigmoid(self.gate(fused))
            fused = self.trunk(fused)
            return {name: head(fused) for name, head in self.heads.items()}

        def _side(
            self, vectors: Tensor | None, there: Tensor | None, project: nn.Module, missing: Tensor, rows: int
        ) -> Tensor:
            if vectors is None:
                return missing.expand(rows, -1)
            projected: Tensor = project(vectors)
            return projected if there is None else torch.where(there.bool()[:, None], projected, missing)

    return Fusion()
