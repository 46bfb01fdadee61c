"""Small tokenizers, trained on the drawings' words and saved in the formats the loaders know.

Two kinds: byte-level BPE (GPT-2's, for captions: any text has tokens) and lower-case WordPiece (BERT's).
"""

from collections.abc import Iterable
from typing import Any

CAPTION_TOKENS = 40
"""The longest caption, in tokens, with its begin and end marks."""

TEXT_TOKENS = 96
"""The longest text the text encoder reads."""


def caption_tokenizer(captions: Iterable[str], vocabulary: int = 1000) -> Any:
    """Byte-level BPE, lower case. `<eos>` has the highest id: open_clip pools a text where its highest id stands."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 1, special_tokens=["<pad>", "<bos>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator(captions, trainer)
    tokenizer.add_special_tokens(["<eos>"])
    marks = [(mark, tokenizer.token_to_id(mark)) for mark in ("<bos>", "<eos>")]
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A <eos>", special_tokens=marks)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>",
        model_max_length=CAPTION_TOKENS, clean_up_tokenization_spaces=False,
    )  # fmt: skip


def text_tokenizer(texts: Iterable[str], vocabulary: int = 3000) -> Any:
    """Lower-case WordPiece with every printable ASCII character, so that only rare signs are unknown."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    printable = [chr(c) for c in range(33, 127)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False,
        initial_alphabet=printable,
    )  # fmt: skip
    tokenizer.train_from_iterator(texts, trainer)
    marks = [(mark, tokenizer.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=marks
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_max_length=TEXT_TOKENS,
    )  # fmt: skip


def encode(tokenizer: Any, texts: list[str], length: int) -> Any:
    """Token ids (n, length), int64, padded at the right. Whether a token is padding is `ids != pad_token_id`."""
    encoded = tokenizer(texts, padding="max_length", truncation=True, max_length=length, return_tensors="pt")
    return encoded["input_ids"]
