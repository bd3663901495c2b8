"""Writes a language model of half a megabyte whose weights are random: what it says means nothing.

The form is llama.cpp's GGUF, the architecture Llama's. Every byte is a token, so any text can be read and written.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

CONTEXT = 16384  # tokens that the model says it was trained for
_WIDTH, _LAYERS, _HEADS, _INNER = 64, 2, 4, 128
_UNKNOWN, _BEGIN, _END = 0, 1, 2
_TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def write_tiny_model(path: Path) -> None:
    """Write the model; the same bytes each time."""
    writer = gguf.GGUFWriter(path, "llama")
    words = _add_vocabulary(writer)
    _add_shape(writer, words)
    _add_weights(writer, words)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_shape(writer: gguf.GGUFWriter, words: int) -> None:
    writer.add_name("tiny")
    writer.add_vocab_size(words)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)


def _add_vocabulary(writer: gguf.GGUFWriter) -> int:
    """Three tokens for control, one for each byte, one for each character of ASCII; how many."""
    control = [b"<unk>", b"<s>", b"</s>"]
    raw = [f"<0x{byte:02X}>".encode() for byte in range(256)]
    plain = ["\u2581".encode(), *(bytes([code]) for code in range(33, 127))]  # a space is written thus
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    kinds += [gguf.TokenType.BYTE] * len(raw) + [gguf.TokenType.NORMAL] * len(plain)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([*control, *raw, *plain])
    writer.add_token_scores([0.0] * 3 + [-1000.0] * len(raw) + [-1.0] * len(plain))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(_UNKNOWN)
    writer.add_bos_token_id(_BEGIN)
    writer.add_eos_token_id(_END)
    writer.add_add_bos_token(True)
    writer.add_chat_template(_TEMPLATE)
    return len(kinds)


def _add_weights(writer: gguf.GGUFWriter, words: int) -> None:
    random = np.random.default_rng(7)

    def drawn(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.3).astype(np.float32)

    ends = drawn(words, _WIDTH)
    ends[_END] = 0  # the likeliest token is never the end: only a limit or a grammar ends an answer
    writer.add_tensor("token_embd.weight", drawn(words, _WIDTH))
    writer.add_tensor("output.weight", ends)
    writer.add_tensor("output_norm.weight", np.ones(_WIDTH, np.float32))
    for layer in range(_LAYERS):
        name = f"blk.{layer}"
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{name}.{norm}.weight", np.ones(_WIDTH, np.float32))
        for square in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"{name}.{square}.weight", drawn(_WIDTH, _WIDTH))
        writer.add_tensor(f"{name}.ffn_gate.weight", drawn(_INNER, _WIDTH))
        writer.add_tensor(f"{name}.ffn_up.weight", drawn(_INNER, _WIDTH))
        writer.add_tensor(f"{name}.ffn_down.weight", drawn(_WIDTH, _INNER))
