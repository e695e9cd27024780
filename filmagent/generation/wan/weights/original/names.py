"""Every tensor of Wan2.2's own files, by its own name and by the stock class's.

Generated from the architecture, so that a name is known or refused; no name is guessed from parts of it. Shapes are
the same under both names. Knows names; no tensors, no files.

Sources: the classes of github.com/Wan-Video/Wan2.2 whose weights the files hold: WanModel (wan/modules/model.py),
T5Encoder (wan/modules/t5.py) and WanVAE_ (wan/modules/vae2_1.py); diffusers' WanTransformer3DModel and
AutoencoderKLWan, transformers' UMT5EncoderModel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Names = Iterator[tuple[str, str]]
"""Pairs of Wan's own name and the stock class's."""

AFFINE = ("weight", "bias")
_EXPERT = (
    ("patch_embedding", "patch_embedding"),
    ("text_embedding.0", "condition_embedder.text_embedder.linear_1"),
    ("text_embedding.2", "condition_embedder.text_embedder.linear_2"),
    ("time_embedding.0", "condition_embedder.time_embedder.linear_1"),
    ("time_embedding.2", "condition_embedder.time_embedder.linear_2"),
    ("time_projection.1", "condition_embedder.time_proj"),
    ("head.head", "proj_out"),
)
_ATTENTION = (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("o", "to_out.0"))
_RESIDUAL = (("residual.0.gamma", "norm1.gamma"), ("residual.3.gamma", "norm2.gamma"),
             *((f"residual.2.{end}", f"conv1.{end}") for end in AFFINE),
             *((f"residual.6.{end}", f"conv2.{end}") for end in AFFINE))


def expert_names(layers: int) -> Names:
    """Yield the tensors of an expert with so many blocks."""
    for own, stock in _EXPERT:
        yield from _affine(own, stock)
    yield "head.modulation", "scale_shift_table"
    for number in range(layers):
        block = f"blocks.{number}"
        yield f"{block}.modulation", f"{block}.scale_shift_table"
        for attention, stock in (("self_attn", "attn1"), ("cross_attn", "attn2")):
            for own, projection in _ATTENTION:
                yield from _affine(f"{block}.{attention}.{own}", f"{block}.{stock}.{projection}")
            for norm in ("norm_q", "norm_k"):
                yield f"{block}.{attention}.{norm}.weight", f"{block}.{stock}.{norm}.weight"
        yield from _affine(f"{block}.norm3", f"{block}.norm2")  # the norm before the text's attention
        yield from _affine(f"{block}.ffn.0", f"{block}.ffn.net.0.proj")
        yield from _affine(f"{block}.ffn.2", f"{block}.ffn.net.2")


def text_encoder_names(layers: int) -> Names:
    """Yield the tensors of a UMT5 encoder with so many blocks, each with relative positions of its own."""
    yield "token_embedding.weight", "shared.weight"
    yield "norm.weight", "encoder.final_layer_norm.weight"
    for number in range(layers):
        own, attention, feed = (f"blocks.{number}", *(f"encoder.block.{number}.layer.{part}" for part in (0, 1)))
        yield f"{own}.norm1.weight", f"{attention}.layer_norm.weight"
        for projection in "qkvo":
            yield f"{own}.attn.{projection}.weight", f"{attention}.SelfAttention.{projection}.weight"
        yield (f"{own}.pos_embedding.embedding.weight", f"{attention}.SelfAttention.relative_attention_bias.weight")
        yield f"{own}.norm2.weight", f"{feed}.layer_norm.weight"
        for layer, stock in (("gate.0", "wi_0"), ("fc1", "wi_1"), ("fc2", "wo")):
            yield f"{own}.ffn.{layer}.weight", f"{feed}.DenseReluDense.{stock}.weight"


def vae_names(multiples: Sequence[int], residuals: int, temporal: Sequence[bool]) -> Names:
    """Yield the tensors of a VAE.

    Args:
        multiples: how many times the base width each stage of the encoder has.
        residuals: residual blocks in each of them; the decoder has one more.
        temporal: for each step between stages whether the encoder halves time there.
    """
    yield from _affine("conv1", "quant_conv")
    yield from _affine("conv2", "post_quant_conv")
    for coder in ("encoder", "decoder"):
        yield from _affine(f"{coder}.conv1", f"{coder}.conv_in")
        for own, stock in ((0, 0), (2, 1)):
            yield from _residual(f"{coder}.middle.{own}", f"{coder}.mid_block.resnets.{stock}", widens=False)
        attention, stock_attention = f"{coder}.middle.1", f"{coder}.mid_block.attentions.0"
        yield f"{attention}.norm.gamma", f"{stock_attention}.norm.gamma"
        for layer in ("to_qkv", "proj"):
            yield from _affine(f"{attention}.{layer}", f"{stock_attention}.{layer}")
        yield f"{coder}.head.0.gamma", f"{coder}.norm_out.gamma"
        yield from _affine(f"{coder}.head.2", f"{coder}.conv_out")
    yield from _encoder_stages(multiples, residuals, temporal)
    yield from _decoder_stages(multiples, residuals, temporal)


def _encoder_stages(multiples: Sequence[int], residuals: int, temporal: Sequence[bool]) -> Names:
    """Both sides count residual blocks and steps in one row."""
    place, before = 0, 1
    for stage, width in enumerate(multiples):
        for number in range(residuals):
            own, stock = f"encoder.downsamples.{place}", f"encoder.down_blocks.{place}"
            yield from _residual(own, stock, widens=number == 0 and before != width)
            place += 1
        before = width
        if stage < len(multiples) - 1:
            own, stock = f"encoder.downsamples.{place}", f"encoder.down_blocks.{place}"
            yield from _step(own, stock, temporal=temporal[stage])
            place += 1


def _decoder_stages(multiples: Sequence[int], residuals: int, temporal: Sequence[bool]) -> Names:
    """Wan counts residual blocks and steps in one row; the stock class counts them within their stage."""
    place, widths = 0, [2 * width for width in reversed(multiples)]  # in half multiples: a step halves the width
    before = widths[0]
    for stage, width in enumerate(widths):
        for number in range(residuals + 1):
            own, stock = f"decoder.upsamples.{place}", f"decoder.up_blocks.{stage}.resnets.{number}"
            yield from _residual(own, stock, widens=number == 0 and before != width)
            place += 1
        before = width // 2
        if stage < len(widths) - 1:
            own, stock = f"decoder.upsamples.{place}", f"decoder.up_blocks.{stage}.upsamplers.0"
            yield from _step(own, stock, temporal=temporal[-1 - stage])
            place += 1


def _residual(own: str, stock: str, *, widens: bool) -> Names:
    """A residual block; one that changes the width has a shortcut."""
    for name, stock_name in _RESIDUAL:
        yield f"{own}.{name}", f"{stock}.{stock_name}"
    if widens:
        yield from _affine(f"{own}.shortcut", f"{stock}.conv_shortcut")


def _step(own: str, stock: str, *, temporal: bool) -> Names:
    """A step between stages: half or double the rows and columns, and with `temporal` the frames too."""
    yield from _affine(f"{own}.resample.1", f"{stock}.resample.1")
    if temporal:
        yield from _affine(f"{own}.time_conv", f"{stock}.time_conv")


def _affine(own: str, stock: str) -> Names:
    for end in AFFINE:
        yield f"{own}.{end}", f"{stock}.{end}"
