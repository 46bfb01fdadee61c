"""Tiny zero-shot detectors with random weights, in the file layouts of their repositories on the hub."""

import json
from pathlib import Path

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "a", "person", "ball", "dog", "red"]


def make_grounding_dino(folder: Path) -> None:
    """As IDEA-Research/grounding-dino-tiny: a Swin, a BERT, and the older file of the image processor."""
    import torch
    from transformers import (
        BertConfig,
        BertTokenizerFast,
        GroundingDinoConfig,
        GroundingDinoForObjectDetection,
        SwinConfig,
    )

    torch.manual_seed(5)
    folder.mkdir()
    swin = SwinConfig(
        image_size=64, patch_size=4, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    bert = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64,
    )  # fmt: skip
    config = GroundingDinoConfig(
        backbone_config=swin, text_config=bert, num_queries=12, d_model=64, max_text_len=32, encoder_layers=1,
        encoder_ffn_dim=32, encoder_attention_heads=4, decoder_layers=2, decoder_ffn_dim=32, decoder_attention_heads=4,
    )  # fmt: skip
    GroundingDinoForObjectDetection(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    vocabulary = {word: i for i, word in enumerate(WORDS)}
    BertTokenizerFast(vocab=vocabulary, model_max_length=32).save_pretrained(folder)
    _preprocessor(folder, "GroundingDino", size={"shortest_edge": 128, "longest_edge": 192}, do_pad=True)


def make_owlvit(folder: Path) -> None:
    """As google/owlvit-base-patch32."""
    import torch
    from transformers import CLIPTokenizerFast, OwlViTConfig, OwlViTForObjectDetection

    torch.manual_seed(6)
    folder.mkdir()
    letters = [chr(c) for c in range(97, 123)]
    tokens = ["!", "<|startoftext|>", "<|endoftext|>", *letters, *(f"{c}</w>" for c in letters)]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    CLIPTokenizerFast(
        vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"), model_max_length=16, pad_token="!"
    ).save_pretrained(folder)
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = OwlViTConfig(
        text_config={**small, "vocab_size": len(tokens), "max_position_embeddings": 16, "bos_token_id": 1,
                     "eos_token_id": 2, "pad_token_id": 0},
        vision_config={**small, "image_size": 64, "patch_size": 16},
        projection_dim=16,
    )  # fmt: skip
    model = OwlViTForObjectDetection(config)
    with torch.no_grad():
        model.box_head.dense2.weight.mul_(0.01)  # or every random box would be a point in a corner
    model.save_pretrained(folder)
    _preprocessor(folder, "OwlViT", size={"height": 64, "width": 64}, do_center_crop=False)


def _preprocessor(folder: Path, kind: str, **settings: object) -> None:
    settings |= {"image_processor_type": f"{kind}ImageProcessor", "processor_class": f"{kind}Processor"}
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"do_normalize": True, "do_rescale": True, "do_resize": True, "resample": 2, **settings})
    )
