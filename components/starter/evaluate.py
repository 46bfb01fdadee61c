"""Measures the starter models on drawings nobody trained on, through the loaders that users' runs go through.

`evaluate(folder, n)` draws n pictures with test seeds and returns every figure as {"value", "low", "high", "n"}: an
estimate with its 95 % interval (Wilson's for shares; a bootstrap over pictures for retrieval).
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.drawings.vocabulary import SCENES, TEST_SEEDS
from components.starter.data import DRAWN_AT, Drawn, draw_one

SHIPPED = Path(__file__).parents[1] / "features" / "starter"
GROUP = 32
Figure = dict[str, float]

_SIGNS = (
    ("city by day", ("city by day",)), ("city by night", ("city by night",)), ("concert", ("concert",)),
    ("kitchen", ("kitchen",)), ("cafe", ("cafe",)), ("stadium", ("stadium",)), ("harbour", ("harbour",)),
    ("beach", ("beach",)), ("mountains", ("mountain",)), ("forest", ("forest",)), ("desert", ("desert",)),
    ("lake", ("a lake", "the lake", "calm lake")),
    ("snow", ("in the snow", "on the snow", "deep snow", "covered in snow", "landscape of snow", "field of snow")),
    ("field", ("field",)),
)  # fmt: skip
"""What in a caption names a scene; the first that is found counts, so "a field of snow" is snow."""


def scene_named(caption: str) -> str | None:
    """The scene that a caption names."""
    return next((scene for scene, signs in _SIGNS if any(sign in caption for sign in signs)), None)


def fresh(n: int, start: int = 0) -> Drawn:
    """n drawings with test seeds, drawn now, in this process, and not shrunk: that is for the image processors."""
    import json

    made = [draw_one(seed, DRAWN_AT) for seed in TEST_SEEDS[start : start + n]]
    words = [json.loads(line) for _, line in made]
    pictures = np.stack([pixels for pixels, _ in made])
    return Drawn(pictures, [w["plan"] for w in words], [w["captions"] for w in words], [w["text"] for w in words])


def evaluate(
    folder: Path | str = SHIPPED, n: int = 1000, start: int = 0, drawings: Drawn | None = None
) -> dict[str, Figure]:
    """All figures. About 0.1 s per picture on two cores; `drawings` saves drawing them again."""
    folder = Path(folder)
    test = fresh(n, start) if drawings is None else drawings
    pictures = as_pictures(test)
    return labels_right(folder, test, pictures) | captions_right(folder, test, pictures) | everyday_right(folder, n)


def as_pictures(drawn: Drawn) -> list[Any]:
    from PIL import Image

    return [Image.fromarray(np.asarray(pixels)) for pixels in drawn.pictures]


def labels_right(folder: Path, test: Drawn, pictures: list[Any]) -> dict[str, Figure]:
    """Accuracy and calibration of topic, sentiment and scene: with both, the picture only, the text only."""
    import torch
    from transformers import AutoImageProcessor

    from components.features.network import PromptWordsNetwork
    from components.starter.fusion import has_words
    from components.starter.text import load_encoders, text_vectors

    picture_model, text_model, tokenizer = load_encoders(folder)
    processor = AutoImageProcessor.from_pretrained(folder / "picture_encoder")
    network = PromptWordsNetwork.load(folder / "network")
    vectors = []
    with torch.inference_mode():
        for at in range(0, len(pictures), 128):
            pixels = processor(pictures[at : at + 128], return_tensors="pt").pixel_values
            vectors.append(picture_model(pixel_values=pixels).last_hidden_state[:, 0])
    seen, read = torch.cat(vectors), text_vectors(text_model, tokenizer, test.texts)
    has_text = has_words(test.texts)
    answers = {
        "both": network.probabilities(seen, read, has_text=has_text),
        "picture": network.probabilities(seen, None),
        "text": network.probabilities(None, read),
    }
    figures: dict[str, Figure] = {}
    for presence, probabilities in answers.items():
        rows = has_text.numpy() if presence == "text" else np.ones(len(test), dtype=bool)
        for task, labels in network.config.tasks.items():
            chances = probabilities[task].numpy()[rows]
            right = chances.argmax(1) == test.labels(task, labels)[rows]
            figures[f"{task}_accuracy_{presence}"] = share(right)
            figures[f"{task}_ece_{presence}"] = {
                "value": round(calibration_error(chances.max(1), right), 4), "n": int(rows.sum())
            }  # fmt: skip
    return figures


def everyday_right(folder: Path, n: int) -> dict[str, Figure]:
    """Topic and sentiment of composed everyday sentences whose words give them away: text only, never trained on."""
    from components.features.network import PromptWordsNetwork
    from components.starter.sentences import sentence
    from components.starter.text import TEST_SENTENCES, load_encoders, text_vectors

    _, text_model, tokenizer = load_encoders(folder)
    network = PromptWordsNetwork.load(folder / "network")
    sentences = [sentence(seed) for seed in TEST_SENTENCES[:n]]
    answers = network.probabilities(None, text_vectors(text_model, tokenizer, [s.text for s in sentences]))
    figures = {}
    for task in ("topic", "sentiment"):
        labels = network.config.tasks[task]
        best = [labels[int(i)] for i in answers[task].argmax(1)]
        right = [b == getattr(s, task) for b, s in zip(best, sentences, strict=True) if getattr(s, task) is not None]
        figures[f"everyday_{task}_accuracy"] = share(np.array(right))
    return figures


def captions_right(folder: Path, test: Drawn, pictures: list[Any], seed: int = 0) -> dict[str, Figure]:
    """How often CLIP finds a picture's caption among 32, and how often captions name the right scene."""
    import open_clip
    import torch
    from torch.nn import functional as F

    from components.drawings.captions import things
    from components.drawings.plan import Plan
    from components.starter.captioner import sampled_captions

    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder / 'clip'}")
    tokenize = open_clip.get_tokenizer(f"local-dir:{folder / 'clip'}")
    model.eval()
    sampled = sampled_captions(folder / "captioner", pictures, 4, seed)
    with torch.inference_mode():
        of_picture = torch.cat([
            F.normalize(model.encode_image(torch.stack([transform(p) for p in pictures[at : at + 128]])), dim=-1)
            for at in range(0, len(pictures), 128)
        ])  # fmt: skip
        of_caption = F.normalize(model.encode_text(tokenize([c[0] for c in test.captions])), dim=-1)
        of_sampled = torch.stack([F.normalize(model.encode_text(tokenize(four)), dim=-1) for four in sampled])
    best = (of_sampled @ of_picture[:, :, None])[:, :, 0].argmax(1)
    wanted = [plan["scene"] for plan in test.plans]
    kept = np.array([scene_named(four[int(i)]) == scene for four, i, scene in zip(sampled, best, wanted, strict=True)])
    first = np.array([scene_named(four[0]) == scene for four, scene in zip(sampled, wanted, strict=True)])
    words = [(plan["subject"], plan["colour"], plan["scene"]) for plan in test.plans]
    counted = np.array(
        [things(Plan(**plan)) in four[int(i)] for four, i, plan in zip(sampled, best, test.plans, strict=True)]
    )
    subject = np.array([_names(four[int(i)], *w) for four, i, w in zip(sampled, best, words, strict=True)])
    return {
        "clip_recall_at_1_of_32": retrieval((of_picture @ of_caption.T).numpy(), [c[0] for c in test.captions], seed),
        "kept_caption_scene": share(kept),
        "first_caption_scene": share(first),
        "kept_caption_subject": share(subject),
        "kept_caption_count": share(counted),
    }


def _names(caption: str, subject: str, colour: str, scene: str) -> bool:
    """Whether a caption names the subject, in its colour."""
    from components.drawings.vocabulary import subject_of

    known = subject_of(scene, subject)
    return f"{colour} {known.name}" in caption or f"{colour} {known.plural}" in caption


def retrieval(cosines: NDArray[np.float32], captions: list[str], seed: int, rounds: int = 20) -> Figure:
    """R@1 from picture to caption in random groups of 32 different captions, averaged over `rounds` groupings."""
    rng = np.random.default_rng(seed)
    found: list[list[float]] = [[] for _ in captions]
    for _ in range(rounds):
        group: list[int] = []
        for i in map(int, rng.permutation(len(captions))):
            if captions[i] in {captions[j] for j in group}:
                continue
            group.append(i)
            if len(group) == GROUP:
                best = cosines[np.ix_(group, group)].argmax(1)
                for place, row in enumerate(group):
                    found[row].append(float(best[place] == place))
                group = []
    means = np.array([np.mean(f) for f in found if f])
    again = [means[rng.integers(0, len(means), len(means))].mean() for _ in range(1000)]
    low, high = np.percentile(again, [2.5, 97.5])
    return {
        "value": round(float(means.mean()), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "n": len(means),
    }


def share(right: NDArray[np.bool_]) -> Figure:
    """A share with Wilson's 95 % interval."""
    n, z = len(right), 1.96
    p = float(right.mean())
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    return {"value": round(p, 4), "low": round(middle - half, 4), "high": round(middle + half, 4), "n": n}


def calibration_error(confidence: NDArray[np.float32], right: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error: the mean gap between confidence and accuracy over equally filled bins."""
    order = np.array_split(np.argsort(confidence), bins)
    gaps = [abs(float(confidence[rows].mean()) - float(right[rows].mean())) * len(rows) for rows in order if len(rows)]
    return sum(gaps) / len(confidence)


def per_scene(folder: Path, test: Drawn) -> dict[str, float]:
    """Share of pictures of each scene whose scene is found, by the picture alone."""
    import torch

    from components.features.network import PromptWordsNetwork
    from components.starter.pictures import picture_vectors
    from components.starter.text import load_encoders

    picture_model, _, _ = load_encoders(folder)
    network = PromptWordsNetwork.load(folder / "network")
    with torch.inference_mode():
        best = network.probabilities(picture_vectors(picture_model, test), None)["scene"].argmax(1).numpy()
    wanted = test.labels("scene", SCENES)
    return {
        scene: round(float((best[wanted == i] == i).mean()), 3) for i, scene in enumerate(SCENES) if (wanted == i).any()
    }
