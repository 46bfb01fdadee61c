"""What a zero-shot detector finds in a picture: things that are named in words, each with a box and a score.

Read: a directory in the layout of the hub, of a GroundingDINO (Liu et al. 2023) or an OWL-ViT or OWLv2 (Minderer et al.
2022 and 2023). The names to look for are the model set's `detector_prompts`. One picture at a time: so a box cannot
depend on the other pictures of a batch, and the padding of unequal pictures costs nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.features.crops.boxes import Part
from components.features.encoders import check_complete
from components.features.models import count_passes

if TYPE_CHECKING:
    import torch
    from PIL import Image

LEAST = {"grounding": 0.3, "owl": 0.15}
"""Score below which a box is none, per kind of detector: each kind's scores have a scale of their own."""
LEAST_WORD = 0.25
"""GroundingDINO: score from which a word of the prompts names the box."""


class Detector:
    def __init__(
        self, prompts: Sequence[str], folder: Path, device: torch.device, dtype: torch.dtype, least: float | None = None
    ) -> None:
        """ValueError where the folder holds another kind of model; `least` in place of LEAST.

        Loaded in float32 whatever `dtype` says: rougher numbers would carry boxes over thresholds.
        """
        import torch
        from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

        model, report = AutoModelForZeroShotObjectDetection.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
        check_complete(report)
        self._processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
        self._model: Any = model.to(device).eval()
        self._names = [prompt.strip().lower() for prompt in prompts]
        self._device = device
        self._grounding = hasattr(self._processor, "_preprocess_input_text")
        self._least = LEAST["grounding" if self._grounding else "owl"] if least is None else least
        self._lock = threading.Lock()
        count_passes("detector", self._model)

    def __call__(self, image: Image.Image) -> list[Part]:
        """All that is found, in no order, with boxes in shares of the picture. Pictures wait for each other."""
        import torch

        with self._lock, torch.inference_mode():
            inputs = self._processor(images=image, text=[self._names], return_tensors="pt").to(self._device)
            found = self._read(self._model(**inputs), inputs["input_ids"], (image.height, image.width))
        parts = []
        # Not strict: where nothing was found, transformers lists one empty name.
        for score, pixels, label in zip(found["scores"], found["boxes"], found["text_labels"], strict=False):
            x = [min(1.0, max(0.0, float(pixels[i]) / image.width)) for i in (0, 2)]
            y = [min(1.0, max(0.0, float(pixels[i]) / image.height)) for i in (1, 3)]
            if x[0] < x[1] and y[0] < y[1]:
                parts.append(Part(self._name(str(label)), float(score), (x[0], y[0], x[1], y[1])))
        return parts

    def _read(self, outputs: Any, tokens: Any, size: tuple[int, int]) -> Any:
        """`size` is the picture's, (height, width): OWLv2 pads to a square and has to know where the picture was."""
        read = self._processor.post_process_grounded_object_detection
        if self._grounding:
            return read(outputs, tokens, threshold=self._least, text_threshold=LEAST_WORD, target_sizes=[size])[0]
        return read(outputs, threshold=self._least, target_sizes=[size], text_labels=[self._names])[0]

    def _name(self, label: str) -> str:
        """The prompt that has most of the words: GroundingDINO answers with the words it matched, of several prompts
        too, and with none where no single word was sure."""
        words = set(label.lower().split())
        best = max(self._names, key=lambda name: len(words & set(name.split())))
        return best if words & set(best.split()) else "part"
