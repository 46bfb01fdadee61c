"""Loads the parts of a model set, once per process, on the best device there is.

Read: the directories that `model_set.folder_of` finds. Needed: torch, transformers and open_clip, imported when models
are wanted. Every set goes through the same code; only the directories differ.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from components.errors import UserError
from components.features.model_set import (
    ZeroShot,
    folder_of,
    missing_detector,
    model_set_fingerprint,
    read_model_set,
    short_revisions,
)
from components.features.pixels import DECODED
from components.specs import FeatureSpec

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor

    from components.features.captions import Captioner
    from components.features.clip import Clip
    from components.features.crops.detector import Detector
    from components.features.encoders import PictureEncoder, TextEncoder
    from components.features.labels import Labeller
    from components.features.pixels import Eye

logger = logging.getLogger(__name__)

passes: Counter[str] = Counter()
"""Forward passes of this process, per part: how to show that a step used no model."""

_counting: ContextVar[tuple[Counter[str], ...]] = ContextVar("counting", default=())


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """The forward passes that are made within the block, without those of other threads meanwhile."""
    mine: Counter[str] = Counter()
    token = _counting.set((*_counting.get(), mine))
    try:
        yield mine
    finally:
        _counting.reset(token)


@dataclass(frozen=True)
class Models:
    """A loaded set. `revisions` is what rows carry per part; `detector` is loaded where a spec asks for it; `lock`
    because tokenizers are not made for threads."""

    name: str
    revisions: dict[str, str]
    device: torch.device
    dtype: torch.dtype
    captioner: Captioner
    clip: Clip
    picture_encoder: PictureEncoder
    text_encoder: TextEncoder
    labeller: Labeller
    eyes: dict[str, Eye]
    detector: Detector | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def passes(self) -> Counter[str]:
        return passes

    def prepare(self, image: Image.Image) -> dict[str, Tensor]:
        """What each picture model sees of a picture or of a part of it, (3, height, width) each; models that look alike
        share a tensor. Safe to call from several threads."""
        seen: dict[str, Tensor] = {}
        for eye in self.eyes.values():
            if eye.settings not in seen:
                seen[eye.settings] = eye.see(image)
        return {part: seen[eye.settings] for part, eye in self.eyes.items()}

    @property
    def short_side(self) -> int:
        """Pixels that the shorter side of a picture should have for these models; more would be decoded in vain."""
        return DECODED * max(eye.side for eye in self.eyes.values())

    @property
    def batch(self) -> int:
        """Pictures that are worth computing together."""
        return max(self.clip.runtime.batch, self.picture_encoder.runtime.batch)


_loading = threading.Lock()


def load_models(spec: FeatureSpec, models_folder: Path | None = None) -> Models:
    """The models of `spec`, ready to use. UserError in one line when a part is not here or cannot be read."""
    prints = tuple(model_set_fingerprint(spec.models).items())
    device, dtype = choose_device(spec)
    with _loading:
        return _load(spec.models, prints, models_folder, device, dtype, spec.crops == "detector")


def choose_device(spec: FeatureSpec) -> tuple[str, str]:
    """Names of device and number format.

    `auto` is the GPU where there is one, and float32 on both. bfloat16 must be asked for: it is four times as fast on
    a CPU that has it, but moves features by about 1e-3 and can change which caption is sampled, so it gives rows of
    another spec.
    """
    import torch

    if spec.device == "cuda" and not torch.cuda.is_available():
        raise UserError("features.device: cuda, but torch finds no usable GPU on this machine; use auto or cpu")
    device = spec.device if spec.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    return device, "float32" if spec.dtype == "auto" else spec.dtype


@lru_cache(maxsize=2)
def _load(
    models: str,
    prints: tuple[tuple[str, str], ...],
    models_folder: Path | None,
    device_name: str,
    dtype_name: str,
    detects: bool,
) -> Models:
    """`prints` is part of the key: weights that changed on disk are loaded again."""
    import torch
    from safetensors import SafetensorError
    from transformers.utils.logging import disable_progress_bar

    from components.features.captions import Captioner
    from components.features.clip import Clip
    from components.features.crops.detector import Detector
    from components.features.encoders import PictureEncoder, TextEncoder
    from components.features.labels import NetworkLabeller, ZeroShotLabeller
    from components.features.pixels import eye_of
    from components.features.runtime_choice import Measurements, choose_runtimes

    disable_progress_bar()  # half a line per part, for something that takes a second
    chosen = read_model_set(models)
    if detects and chosen.detector is None:
        raise UserError(missing_detector(chosen))
    wanted = [(name, part) for name, part in chosen.parts() if detects or name != "detector"]
    folders = {name: folder_of(chosen, name, part, models_folder) for name, part in wanted}
    device, dtype = torch.device(device_name), getattr(torch, dtype_name)
    if device.type == "cuda" and dtype == torch.float32:
        torch.backends.cudnn.allow_tf32 = False  # else a GPU's first layer has 10 bits, and its rows are not a CPU's

    def load(part: str, loader: Any) -> Any:
        try:
            return loader(folders[part], device, dtype)
        except (OSError, ValueError, RuntimeError, KeyError, EOFError, UnpicklingError, SafetensorError) as error:
            text = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UserError(
                f"model set {chosen.name}: {part} in {folders[part]} cannot be loaded ({text}); fetch or train it again"
            ) from error

    clip, text_encoder = load("clip", Clip), load("text_encoder", TextEncoder)
    labeller = (
        ZeroShotLabeller(clip, chosen.local(chosen.network.labels), text_encoder)
        if isinstance(chosen.network, ZeroShot)
        else load("network", NetworkLabeller)
    )
    picture_encoder = load("picture_encoder", PictureEncoder)
    eyes = {"captioner": eye_of(folders["captioner"]), "clip": clip.eye, "picture_encoder": picture_encoder.eye}
    loaded = Models(
        chosen.name,
        short_revisions(dict(prints)),
        device,
        dtype,
        load("captioner", Captioner),
        clip,
        picture_encoder,
        text_encoder,
        labeller,
        eyes,
        load("detector", partial(Detector, chosen.detector_prompts)) if detects else None,
    )
    logger.info("models %s on %s with %s weights", chosen.name, device, dtype_name)
    choose_runtimes(loaded, Measurements(models_folder / "runtimes.json" if models_folder else None))
    return loaded


def count_passes(part: str, module: torch.nn.Module) -> None:
    """Counts each forward pass of `module` as one of `part`; a hook cannot be forgotten by a new caller."""

    module.register_forward_hook(lambda *_: count_pass(part))


def count_pass(part: str) -> None:
    for counter in (passes, *_counting.get()):
        counter[part] += 1
