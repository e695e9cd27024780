"""The small text side: a word tokenizer over the papercut vocabulary and a small UMT5 encoder. Knows no pictures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn

from filmagent.generation.papercut.vocabulary import words
from filmagent.generation.wan.library import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

MAX_WORDS = 66
"""As many as the longest caption takes: three figures with everything that words say of them."""
PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"


def build_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word, lower-cased, words outside the vocabulary as <unk>, </s> at the end."""
    vocabulary = {word: index for index, word in enumerate((PAD, END, UNKNOWN, *words()))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, vocabulary[END])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, unk_token=UNKNOWN, model_max_length=MAX_WORDS
    )


def build_text_encoder(vocabulary_size: int, width: int = 128, layers: int = 2) -> UMT5EncoderModel:
    """A UMT5 encoder small enough to be trained together with the denoiser."""
    config = UMT5Config(
        vocab_size=vocabulary_size,
        d_model=width,
        d_kv=width // 4,
        num_heads=4,
        d_ff=2 * width,
        num_layers=layers,
        relative_attention_num_buckets=16,
        relative_attention_max_distance=32,
        dropout_rate=0.0,
        feed_forward_proj="gated-gelu",
        pad_token_id=0,
        eos_token_id=1,
    )
    return UMT5EncoderModel(config)


def encode_text(
    tokenizer: PreTrainedTokenizerFast, encoder: nn.Module, sentences: Sequence[str], room: int = MAX_WORDS
) -> Tensor:
    """[B, room, width], zero after each sentence's end, exactly as the stock Wan pipelines make it."""
    tokens = tokenizer(list(sentences), padding="longest", max_length=room, truncation=True, return_tensors="pt")
    device = next(encoder.parameters()).device
    seen = tokens.attention_mask.to(device)
    states = encoder(tokens.input_ids.to(device), seen).last_hidden_state
    ended = torch.where(seen[..., None].bool(), states.float(), 0.0)
    return F.pad(ended, (0, 0, 0, room - ended.shape[1]))
