"""The small text side: a word tokenizer over the papercut vocabulary and a small UMT5 encoder. Knows no pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn

from filmagent.generation.papercut.vocabulary import words
from filmagent.generation.wan.library import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

MAX_WORDS = 70
"""As many as the longest caption takes: three figures with everything that words say of them."""
NEARNESS, AWAY = 2.0, 6.0
"""How fast the attention of heads that look near falls with the log of the distance, and what the other side loses."""
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


@torch.no_grad()
def look_near(encoder: UMT5EncoderModel) -> None:
    """Let one head of each layer begin with the words just before, one with those just after, one with both.

    Which figure a word speaks of is said by the words beside it. From weights that look everywhere alike this was not
    learned in a thousand steps; from these it is in a few hundred.
    """
    for block in encoder.encoder.block:
        attention = block.layer[0].SelfAttention
        weight = attention.relative_attention_bias.weight
        half = weight.shape[0] // 2
        # T5's buckets: the first half of a side counts words one by one, the rest goes up to the maximum by its log.
        far = torch.linspace(math.log(half // 2), math.log(attention.relative_attention_max_distance), half // 2 + 1)
        distance = torch.cat([torch.arange(half // 2).float(), ((far[1:] + far[:-1]) / 2).exp()])
        near = -NEARNESS * distance.log1p()
        away = torch.full((half,), -AWAY)
        away[0] = -1.0
        before, after = torch.cat([near, away]), torch.cat([away, near])
        before[0] = after[0] = -1.0
        weight.zero_()
        weight[:, :3] = torch.stack([before, after, torch.maximum(before, after)], dim=1)


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
