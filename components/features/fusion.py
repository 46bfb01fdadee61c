"""The torch module of the fused network: two vectors, projected, fused, one shared trunk, one linear head per task.

Read and written: nothing. Needed: torch, imported when a module is built, hence classes made in functions.

Three ways to fuse p and t, the projected picture and text (a learned stand-in where one is missing):

- `concat`: (p, t) as it is; the trunk alone relates the two.
- `gate`: (p, t) times a sigmoid of a linear map of (p, t): each number of either side is let through as far as both
  sides together say (after Arevalo et al. 2017, gated multimodal units).
- `attention`: each side becomes four tokens; the picture's tokens attend to the text's, the text's to the picture's
  (Lu et al. 2019, co-attention), each added to its own side and averaged. An encoder hands over one vector, whose
  aspects (place, mood, things) lie on top of each other: tokens separate some of them, and attention lets what the text
  says decide which of the picture's aspects is read, and the other way round. Tokens of one side do not attend to each
  other: they all come from the same vector and have nothing new to tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from components.features.network import NetworkConfig

TOKENS = 4
HEADS = 4


def build(config: NetworkConfig) -> nn.Module:
    """A module; `forward(picture, text, has_picture, has_text)` gives logits per task (n, labels), per number (n,)."""
    import torch
    from torch import nn

    h = config.hidden_dim

    def projection(width: int) -> nn.Module:
        return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, h), nn.GELU())

    class Fusion(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.picture, self.text = projection(config.picture_dim), projection(config.text_dim)
            self.no_picture, self.no_text = (nn.Parameter(0.02 * torch.randn(h)) for _ in range(2))
            self.gate = nn.Linear(2 * h, 2 * h) if config.fusion == "gate" else None
            self.meeting = _meeting(h) if config.fusion == "attention" else None
            self.trunk = nn.Sequential(
                nn.LayerNorm(2 * h),
                nn.Dropout(config.dropout),
                nn.Linear(2 * h, 2 * h),
                nn.GELU(),
                nn.LayerNorm(2 * h),
                nn.Dropout(config.dropout),
            )
            widths = {name: len(labels) for name, labels in config.tasks.items()} | dict.fromkeys(config.numbers, 1)
            self.heads = nn.ModuleDict({head_key(name): nn.Linear(2 * h, width) for name, width in widths.items()})

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
            fused = torch.cat([p, t], dim=-1) if self.meeting is None else self.meeting(p, t)
            if self.gate is not None:
                fused = fused * torch.sigmoid(self.gate(fused))
            fused = self.trunk(fused)
            answers = {name: self.heads[head_key(name)](fused) for name in config.tasks}
            return answers | {name: self.heads[head_key(name)](fused)[:, 0] for name in config.numbers}

        def _side(
            self, vectors: Tensor | None, there: Tensor | None, project: nn.Module, missing: Tensor, rows: int
        ) -> Tensor:
            if vectors is None:
                return missing.expand(rows, -1)
            projected: Tensor = project(vectors)
            return projected if there is None else torch.where(there.bool()[:, None], projected, missing)

    return Fusion()


def head_key(task: str) -> str:
    """The task's name in the weights' file: torch allows neither dots nor the names of a module's own methods."""
    from torch import nn

    return f"task:{task.replace('.', ':')}" if "." in task or hasattr(nn.ModuleDict, task) else task


def _meeting(h: int) -> nn.Module:
    """Cross-attention both ways between the tokens of two vectors (n, h); gives (n, 2h)."""
    import torch
    from torch import nn

    class Meeting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            heads = HEADS if h % HEADS == 0 else 1
            self.picture_tokens, self.text_tokens = (nn.Linear(h, TOKENS * h) for _ in range(2))
            self.read_text, self.read_picture = (nn.MultiheadAttention(h, heads, batch_first=True) for _ in range(2))
            self.picture_norm, self.text_norm = (nn.LayerNorm(h) for _ in range(2))

        def forward(self, picture: Tensor, text: Tensor) -> Tensor:
            p = self.picture_tokens(picture).unflatten(-1, (TOKENS, h))
            t = self.text_tokens(text).unflatten(-1, (TOKENS, h))
            sides = (
                self.picture_norm(p + _attended(self.read_text, p, t)),
                self.text_norm(t + _attended(self.read_picture, t, p)),
            )
            return torch.cat([side.mean(1) for side in sides], dim=-1)

    return Meeting()


def _attended(attention: Any, asking: Tensor, asked: Tensor) -> Tensor:
    found: Tensor = attention(asking, asked, asked, need_weights=False)[0]
    return found
