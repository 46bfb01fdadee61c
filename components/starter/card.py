"""Writes what is to be known about the starter models: CARD.md for people, card.json for tests."""

import json
from pathlib import Path
from typing import Any

from components.starter.evaluate import Figure

TARGETS = {
    "scene_accuracy_both": 0.95, "topic_accuracy_both": 0.90, "sentiment_accuracy_both": 0.90,
    "clip_recall_at_1_of_32": 0.80, "kept_caption_scene": 0.90,
}  # fmt: skip
_MEANING = {
    "scene_accuracy_both": "scene, picture and text", "scene_accuracy_picture": "scene, picture only",
    "scene_accuracy_text": "scene, text only (texts seldom say where they were written)",
    "topic_accuracy_both": "topic, picture and text", "topic_accuracy_picture": "topic, picture only",
    "topic_accuracy_text": "topic, text only", "sentiment_accuracy_both": "sentiment, picture and text",
    "sentiment_accuracy_picture": "sentiment, picture only", "sentiment_accuracy_text": "sentiment, text only",
    "clip_recall_at_1_of_32": "CLIP finds a picture's caption among 32 different ones",
    "kept_caption_scene": "the caption kept by CLIP, of 4 sampled (top-p 0.9, temperature 1), names the right scene",
    "first_caption_scene": "the first sampled caption names the right scene",
    "kept_caption_subject": "the kept caption names the right subject in the right colour",
    "kept_caption_count": "the kept caption also counts right (one, two or three)",
    "everyday_sentiment_accuracy": "sentiment of everyday sentences (composed, not real), text only",
    "everyday_topic_accuracy": "topic of everyday sentences (composed, not real), text only",
}  # fmt: skip
PARTS = ("captioner", "clip", "picture_encoder", "text_encoder", "network")


def megabytes(folder: Path) -> dict[str, float]:
    """Size of each shipped part, in MB (10^6 bytes)."""
    return {p: round(sum(f.stat().st_size for f in (folder / p).rglob("*") if f.is_file()) / 1e6, 2) for p in PARTS}


def write_card(folder: Path, facts: dict[str, Any], figures: dict[str, Figure]) -> None:
    """`facts`: how it was trained; `figures`: what evaluate returned."""
    sizes = megabytes(folder)
    card = {"facts": facts, "megabytes": sizes, "targets": TARGETS, "figures": figures}
    (folder / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "CARD.md").write_text(_markdown(facts, sizes, figures), encoding="utf-8")


def read_card(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    return card


def _markdown(facts: dict[str, Any], sizes: dict[str, float], figures: dict[str, Figure]) -> str:
    rows = []
    for name, meaning in _MEANING.items():
        if name in figures:
            f = figures[name]
            target = f"{TARGETS[name]:.2f}" if name in TARGETS else ""
            rows.append(
                f"| {meaning} | {f['value']:.3f} | {f['low']:.3f} to {f['high']:.3f} | {int(f['n'])} | {target} |"
            )
    errors = ", ".join(
        f"{t} {figures[f'{t}_ece_both']['value']:.3f}"
        for t in ("topic", "sentiment", "scene")
        if f"{t}_ece_both" in figures
    )
    times = "\n".join(f"| {name} | {seconds / 60:.1f} |" for name, seconds in facts["seconds"].items())
    parts = "\n".join(f"| `{p}/` | {_WHAT[p]} | {sizes[p]:.2f} |" for p in PARTS)
    return f"""# The starter models

Small models that let postwright run offline. They were trained from random weights, on pictures and texts that the
project draws and composes itself. **They know drawn pictures only and are no model of the real world**: of a photograph
they will name one of fourteen scenes with some probability, and nothing more should be read into it.

| part | what it is | MB |
|---|---|---|
{parts}
| together | weights in float16, computed in float32 | {sum(sizes.values()):.2f} |

## Data

{facts["train"]} drawings to train on (seeds {facts["train_seeds"]}), {facts["validation"]} to calibrate on
(seeds {facts["validation_seeds"]}), test drawings from seeds {facts["test_seeds"]}; the shipped samples come from a
fourth range. Fourteen scenes, seven topics, three sentiments; three captions and one text per drawing; a tenth of the
texts say nothing. The text encoder and the network also read {facts["sentences"]} composed everyday sentences with a
mood or a topic, and letters that mean nothing, whose right answer is "unsure". Training seed {facts["seed"]}.
Trained on drawing code `{facts["drawings"]}`, measured on drawing code `{facts["measured_on"]}`.

## Figures on drawings never seen

| what | estimate | 95 % interval | n | target |
|---|---|---|---|---|
{chr(10).join(rows)}

Expected calibration error with picture and text: {errors}.
Temperatures were fitted on validation drawings and everyday sentences, never below 1: sharper would fit the drawings
better and make strangers' pictures look certain.
Every figure was taken through the loaders that a run uses, with the files as shipped:
`python -c "from components.starter import evaluate; print(evaluate(n=1000))"`.

## Training

`python -m components.starter` on {facts["machine"]}, minutes:

| part | minutes |
|---|---|
{times}

The picture encoder learns scene, topic, sentiment, light, weather, subject, colour and count; its weights start the
captioner's encoder and CLIP's picture tower. The poolers of the two encoders are there for the loaders and untrained.

## Limits

- Drawn pictures only. On photographs the labels and captions are guesses from colours and shapes.
- English only. Word pieces known: {facts["vocabulary"]["text"]} in texts, {facts["vocabulary"]["caption"]} in captions.
- Captions follow the few sentence forms of the drawings' captions. Counting, up to three, is their weak side.
- A drawing's sentiment shows in its colours and text because the project drew it so. Real moods are not that simple.
- Sentiment and topic of a post come from single words it knows; irony, slang, context and most negations are beyond
  it. Texts in other languages or of unknown words mostly, not always, come out unsure.

## Licence

MIT, as the rest of the repository. No outside data or weights were used.
"""


_WHAT = {
    "captioner": "transformers VisionEncoderDecoder: ViT and GPT-2 with cross attention",
    "clip": "open_clip CLIP with its own configuration",
    "picture_encoder": "transformers ViT, 112 px, patches of 14; vector: class token of the last layer",
    "text_encoder": "transformers BERT; vector: mean over tokens",
    "network": "gated fusion of both vectors, one trunk, heads for topic, sentiment and scene",
}
