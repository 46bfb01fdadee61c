"""Captions of pictures by a VisionEncoderDecoder (ViT + GPT-2), so that the batch does not matter.

Read: a directory in the layout of the hub. By sampling, by beam, or half of each. Of the sampled, each candidate of
each picture has its own stream of random numbers, made from the picture's hash, the candidate's number and the seed; a
token is the point where the cumulated probabilities of the nucleus pass the next number. So a picture gets the same
captions alone and in any batch, on CPU and on GPU. A beam needs no chance; it is wider than what is wanted of it,
because its best sentences often differ in an article only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from components.features.encoders import check_complete
from components.features.models import count_passes

if TYPE_CHECKING:
    import numpy as np
    import torch
    from PIL import Image
    from torch import Tensor

Decoding = Literal["sample", "beam", "both"]

LONGEST = 32
"""New tokens of a caption; nlpconnect's captions have about 12."""
SHORTEST = 2
ROWS = 64
"""Texts that are written at once: each keeps what it looks at in the picture, 15 MB in a decoder of GPT-2's size."""
BEAM_PER_CAPTION = 2
SLIGHT_WORDS = frozenset({"a", "an", "the", "is", "are", "of", "and", "there"})
"""Two captions that differ in these only say the same."""


class Captioner:
    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        from transformers import AutoImageProcessor, AutoTokenizer, GenerationConfig, VisionEncoderDecoderModel

        self._processor: Any = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model, report = VisionEncoderDecoderModel.from_pretrained(
            folder, local_files_only=True, dtype=dtype, output_loading_info=True
        )
        check_complete(report)
        model.generation_config = GenerationConfig()  # a saved one could add penalties and beams to what a spec says
        self._model: Any = model.to(device).eval()
        self._device, self._dtype = device, dtype
        config = self._model.config
        self._end = _first(config.eos_token_id, config.decoder.eos_token_id, self._tokenizer.eos_token_id)
        # What stands behind the end is cut off below. It is neither the end, which GPT-2 also pads with, nor the
        # padding: transformers warns of both where no attention mask is. For the same reason no padding is sampled.
        padding = {config.pad_token_id, config.decoder.pad_token_id} - {None, self._end}
        self._filler = next(i for i in range(4) if i not in {self._end, *padding})
        self._never = sorted(padding) or None
        self._longest = min(LONGEST, int(getattr(config.decoder, "max_position_embeddings", LONGEST + 1)) - 1)
        self._start = _first(config.decoder_start_token_id, config.decoder.bos_token_id, self._end)
        count_passes("captioner", self._model)
        self.encoder: Any = self._model.encoder

    def prepare(self, image: Image.Image) -> Tensor:
        """(3, height, width) as the model wants it."""
        return cast("Tensor", self._processor(image, return_tensors="pt")["pixel_values"][0])

    def __call__(
        self,
        pixels: Tensor,
        hashes: Sequence[str],
        candidates: int,
        temperature: float,
        top_p: float,
        seed: int,
        decoding: Decoding = "sample",
    ) -> list[list[str]]:
        """(n, 3, h, w) and the pictures' hashes -> per picture `candidates` captions: the sampled ones in the order of
        their streams, then those of the beam, the most probable first. A beam may hold fewer different ones."""
        import torch

        by_beam = {"sample": 0, "beam": candidates, "both": candidates // 2}[decoding]
        at_once = max(1, ROWS // max(candidates - by_beam, BEAM_PER_CAPTION * by_beam))
        texts: list[list[str]] = []
        for start in range(0, len(hashes), at_once):
            part, names = pixels[start : start + at_once], list(hashes[start : start + at_once])
            # Kernels of bfloat16 are picked by shape, and a last bit can change a word: so there is one shape only.
            filling = at_once - len(names) if self._dtype != torch.float32 else 0
            filled = torch.cat([part, part[-1:].expand(filling, *part.shape[1:])])
            found = self._caption(filled, names + names[-1:] * filling, candidates, by_beam, temperature, top_p, seed)
            texts += found[: len(names)]
        return texts

    def _caption(
        self,
        pixels: Tensor,
        hashes: Sequence[str],
        candidates: int,
        by_beam: int,
        temperature: float,
        top_p: float,
        seed: int,
    ) -> list[list[str]]:
        import torch

        with torch.inference_mode():
            states = self._model.encoder(pixel_values=pixels.to(self._device, self._dtype)).last_hidden_state
            texts: list[list[str]] = [[] for _ in hashes]
            if sampled := candidates - by_beam:
                streams = [random_stream(h, candidate, seed) for h in hashes for candidate in range(sampled)]
                nucleus = Nucleus(streams, temperature, top_p)
                texts = self._generate(states.repeat_interleave(sampled, 0), len(hashes), processor=nucleus)
            if by_beam:
                found = self._generate(states, len(hashes), beam=BEAM_PER_CAPTION * by_beam)
                texts = [
                    own + different([text for text in more if text not in own], by_beam)
                    for own, more in zip(texts, found, strict=True)
                ]
        return texts

    def _generate(
        self, states: Tensor, pictures: int, processor: Nucleus | None = None, beam: int = 1
    ) -> list[list[str]]:
        """Per picture the texts that the decoder makes of `states`, whose rows are the pictures', in order."""
        from transformers import GenerationConfig, LogitsProcessorList
        from transformers.modeling_outputs import BaseModelOutput

        settings = GenerationConfig(
            do_sample=False,
            num_beams=beam,
            num_return_sequences=beam,
            max_new_tokens=self._longest,
            min_new_tokens=SHORTEST,
            use_cache=True,
            eos_token_id=self._end,
            pad_token_id=self._filler,
            suppress_tokens=self._never,
            decoder_start_token_id=self._start,
        )
        tokens = self._model.generate(
            encoder_outputs=BaseModelOutput(last_hidden_state=states),
            generation_config=settings,
            logits_processor=LogitsProcessorList([cast("Any", processor)] if processor else []),
        )
        texts = [self._text(row) for row in tokens[:, 1:].tolist()]
        each = len(texts) // pictures
        return [texts[i : i + each] for i in range(0, len(texts), each)]

    def _text(self, tokens: list[int]) -> str:
        """Up to the end token, without special tokens and without the control and broken characters bytes can make."""
        cut = tokens[: tokens.index(self._end)] if self._end in tokens else tokens
        text = self._tokenizer.decode(cut, skip_special_tokens=True)
        return " ".join("".join(c if c.isprintable() and c != "\ufffd" else " " for c in text).split())


class Nucleus:
    """A logits processor that leaves one token per row: temperature, nucleus (Holtzman et al. 2020), then the token at
    which the cumulated probability passes the row's next random number. Greedy search then has no choice.

    The cumulation runs in the vocabulary's order, not by probability: tokens of nearly equal probability may change
    places in the last bit from batch to batch, the vocabulary does not.
    """

    def __init__(self, streams: Sequence[Any], temperature: float, top_p: float) -> None:
        self._streams, self._temperature, self._top_p = streams, temperature, top_p

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        import torch

        probabilities = (scores.float() / self._temperature).softmax(-1)
        ordered, _ = probabilities.sort(-1, descending=True)
        # The nucleus is every token at least as probable as the one with which the sum first reaches top_p.
        last = (ordered.cumsum(-1) < self._top_p).sum(-1, keepdim=True).clamp(max=ordered.shape[-1] - 1)
        kept = probabilities.masked_fill(probabilities < ordered.gather(-1, last), 0).double()
        cumulated = kept.cumsum(-1)
        draws = torch.tensor([stream.random() for stream in self._streams], dtype=torch.float64, device=scores.device)
        token = torch.searchsorted(cumulated, (draws[:, None] * cumulated[:, -1:]), right=True)
        token = token.clamp(max=scores.shape[-1] - 1)
        return torch.full_like(scores, float("-inf")).scatter(-1, token, 0.0)


def different(texts: Sequence[str], keep: int) -> list[str]:
    """At most `keep` of `texts`, in their order: first one of each that says the same, then the others, none twice."""
    said: dict[frozenset[str], str] = {}
    for text in filter(None, texts):
        said.setdefault(frozenset(text.lower().rstrip(".").split()) - SLIGHT_WORDS, text)
    others = [text for text in dict.fromkeys(filter(None, texts)) if text not in said.values()]
    kept = [*said.values(), *others][:keep]
    return [text for text in dict.fromkeys(texts) if text in kept]


def random_stream(sha256: str, candidate: int, seed: int) -> np.random.Generator:
    """Numbers in [0, 1) for one candidate of one picture; numpy keeps Philox the same on every machine."""
    import numpy as np

    digest = hashlib.sha256(f"{sha256}:{candidate}:{seed}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def _first(*values: int | list[int] | None) -> int:
    """The first that is there; of several end tokens the first."""
    value = next(value for value in values if value is not None)
    return value[0] if isinstance(value, list) else value
