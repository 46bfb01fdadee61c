"""Which runtime computes each encoder of a set on this machine: measured once, then remembered.

Read and written: `runtimes.json` in the models folder. The rows of a feature spec must not depend on who computed them:
float32 runtimes are exchanged for each other only where their answers agree, and bfloat16, which moves vectors by about
1e-3, is chosen by the spec and never by a clock.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.features.pixels import probe
from components.features.runtime import STEP, OpenVinoRuntime, Runtime, TorchRuntime, as_module
from components.records import content_id

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from components.features.models import Models

SIZES = {"cpu": (8, 16), "cuda": (64, 128, 256)}
WORTH_IT = 1.05
"""A larger batch must be so much faster: it costs memory, and more padding at the end."""
SMALL = 20_000_000
"""Weights of a part under which a second spent on measuring and converting is never earned back."""
SECONDS = 0.3
AGREE = 1e-4
"""Most that two float32 runtimes may differ, in units of the largest number of an answer."""

logger = logging.getLogger(__name__)


@dataclass
class Measurements:
    """What was measured on this machine, kept in `file`; without one, for this process."""

    file: Path | None = None
    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.file is not None and self.file.is_file():
            try:
                self.known = dict(json.loads(self.file.read_text(encoding="utf-8")))
            except (OSError, ValueError) as error:
                logger.warning("%s cannot be read (%s); runtimes are measured again", self.file, error)

    def keep(self, key: str, found: dict[str, Any]) -> None:
        self.known[key] = found
        if self.file is None:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            draft = self.file.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps(self.known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            draft.replace(self.file)
        except OSError as error:
            logger.warning("%s cannot be written (%s); runtimes are measured again next time", self.file, error)


def choose_runtimes(models: Models, measured: Measurements) -> None:
    """Sets the runtime of every encoder of a loaded set, the captioner's among them."""
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    def chosen(part: str, module: torch.nn.Module, *example: Tensor) -> Runtime:
        return choose(part, module, example, models.device, models.dtype, measured)

    def seen_by(part: str) -> Tensor:
        return models.eyes[part].see(probe(96, 96))[None]

    models.clip.runtime = chosen("clip_image", models.clip.module, seen_by("clip"))
    models.picture_encoder.runtime = chosen(
        "picture_encoder", models.picture_encoder.module, seen_by("picture_encoder")
    )
    ids = torch.arange(1, 1 + 2 * STEP).view(1, -1)
    short = ids[:, : models.text_encoder.longest]
    models.text_encoder.runtime = chosen("text_encoder", models.text_encoder.module, short, torch.ones_like(short))
    models.clip.text_runtime = chosen("clip_text", models.clip.text_module, ids[:, : models.clip.longest])
    tower = models.captioner.encoder
    module = as_module(tower, lambda model, pixels: type(model).forward(model, pixels).last_hidden_state)
    runtime = chosen("captioner", module, seen_by("captioner"))
    # What the decoder is given stays transformers' own; only the arithmetic of the encoder is another's.
    tower.forward = lambda pixel_values, **_: BaseModelOutput(
        last_hidden_state=runtime(pixel_values).to(models.device, models.dtype)
    )


def choose(
    part: str,
    module: torch.nn.Module,
    example: Sequence[Tensor],
    device: torch.device,
    dtype: torch.dtype,
    measured: Measurements,
) -> Runtime:
    """The fastest way to compute `module` on rows like `example` (1, ...), as measured here, now or earlier."""
    torch_runtime = TorchRuntime(module, device, dtype)
    weights = sum(parameter.numel() for parameter in module.parameters())
    if weights < SMALL:
        return torch_runtime
    openvino = device.type == "cpu" and find_spec("openvino") is not None
    key = _key(module, example, device, dtype, openvino)
    if (found := measured.known.get(key)) is not None:
        runtime: Runtime = torch_runtime
        if found["runtime"].startswith("openvino"):
            runtime = _openvino(part, module, example, dtype, found["batch"], torch_runtime) or torch_runtime
        else:
            torch_runtime.resize(found["batch"])
        _log(part, runtime, found)
        return runtime
    candidates: list[Runtime] = [torch_runtime]
    if openvino and (other := _openvino(part, module, example, dtype, SIZES["cpu"][0], torch_runtime)) is not None:
        candidates.append(other)
    sizes = SIZES[device.type]
    speeds = {candidate.name: speed_of(candidate, example, sizes[0]) for candidate in candidates}
    best = max(candidates, key=lambda candidate: speeds[candidate.name])
    for size in sizes[1:]:
        before, faster = best.batch, speed_of(best, example, size)
        if faster < WORTH_IT * speeds[best.name]:
            best.resize(before)
            break
        speeds[best.name] = faster
    rounded = {name: round(speed, 1) for name, speed in speeds.items()}
    found = {"runtime": best.name, "batch": best.batch, "speeds": rounded}
    measured.keep(key, found)
    _log(part, best, found)
    return best


def speed_of(runtime: Runtime, example: Sequence[Tensor], batch: int) -> float:
    """Rows per second, in batches of `batch`, to which the runtime is set. The quickest of several runs after one for
    warming up: other programs can only make it slower."""
    runtime.resize(batch)
    rows = [tensor.expand(batch, *tensor.shape[1:]) for tensor in example]
    runtime(*rows)
    taken: list[float] = []
    while sum(taken) < SECONDS:
        began = time.perf_counter()
        runtime(*rows).cpu()
        taken.append(time.perf_counter() - began)
    return batch / min(taken)


def _openvino(
    part: str,
    module: torch.nn.Module,
    example: Sequence[Tensor],
    dtype: torch.dtype,
    batch: int,
    reference: TorchRuntime,
) -> OpenVinoRuntime | None:
    """None, and a line that says why, where openvino cannot convert the part or does not agree with torch."""
    import torch

    try:
        runtime = OpenVinoRuntime(part, module, example, dtype, batch)
        probes = [example] if example[0].is_floating_point() else [example, [t[:, :STEP] for t in example]]
        apart = max(_apart(runtime(*given), reference(*given).float().cpu()) for given in probes)
    except (RuntimeError, ValueError, TypeError) as error:
        logger.warning("%s: not by openvino: %s", part, (str(error).strip().splitlines() or [repr(error)])[0])
        return None
    if dtype == torch.float32 and not apart <= AGREE:
        logger.warning("%s: not by openvino: its answer is %.0e away from torch's", part, apart)
        return None
    return runtime


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max().clamp(min=1e-9))


def _key(
    module: torch.nn.Module, example: Sequence[Tensor], device: torch.device, dtype: torch.dtype, openvino: bool
) -> str:
    """Speed depends on the machine, the libraries and the shapes of the weights, not on their values."""
    from importlib.metadata import version

    import torch

    machine = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    versions = [version("torch"), version("openvino") if openvino else ""]
    shapes = [[name, list(parameter.shape)] for name, parameter in module.named_parameters()]
    inputs = [list(tensor.shape) for tensor in example]
    return content_id(machine, torch.get_num_threads(), versions, str(dtype), type(module).__name__, shapes, inputs)


def _processor() -> str:
    """As Linux names it; platform.processor() is empty in most containers."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines() if cpuinfo.is_file() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "flags"))), "")
    return f"{platform.machine()} {named or platform.processor()}"


def _log(part: str, runtime: Runtime, found: dict[str, Any]) -> None:
    speeds = dict(found["speeds"])
    own = speeds.pop(found["runtime"])
    others = ", ".join(f"{name} {speed:.0f}/s" for name, speed in speeds.items())
    logger.info("%s: %s, batch %d, %.0f/s%s", part, runtime.name, runtime.batch, own, others and f" ({others})")
