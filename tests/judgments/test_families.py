"""Which models are kin, by their names: one model under many names, families, and what people are told."""

import pytest

from components.judgments.families import family_of, is_own, kinship

FAMILIES = {
    "gpt": ["openai/gpt-4o", "openai/gpt-4-0613", "openai/o3-mini", "openai/o1", "openai/openai/gpt-oss-120b",
            "openai/chatgpt-4o-latest", "openai/ft:gpt-4o-mini-2024-07-18:org::id"],
    "claude": ["openai/claude-3-5-sonnet-20241022", "openai/anthropic/claude-sonnet-4"],
    "gemini": ["openai/gemini-1.5-pro-002", "openai/google/gemma-2-9b-it"],
    "llama": ["openai/meta-llama/Llama-3.1-8B-Instruct", "openai/llama3.1:8b", "openai/nvidia/Llama-3.1-Nemotron-70B"],
    "qwen": ["openai/Qwen/Qwen2.5-7B-Instruct", "openai/qwq-32b"],
    "mistral": ["openai/mistralai/Mixtral-8x7B-Instruct-v0.1", "openai/mistral-large-2407", "openai/pixtral-12b"],
    "deepseek": ["openai/deepseek-chat", "openai/deepseek-ai/DeepSeek-R1-Distill-Llama-70B"],
    "phi": ["openai/microsoft/phi-4", "openai/phi4"],
    "offline": ["offline/writer", "offline/judge"],
    "my-own-model": ["openai/my-own-model", "openai/folder/My-Own-Model-2025-01-02"],
    "solo1": ["openai/solo1", "openai/solo1:free"],
}  # fmt: skip


@pytest.mark.parametrize(("family", "model"), [(family, model) for family, them in FAMILIES.items() for model in them])
def test_a_name_tells_the_family(family: str, model: str) -> None:
    assert family_of(model) == family


OWN = [
    ("openai/gpt-4o", "openai/gpt-4o"),
    ("openai/gpt-4o-2024-08-06", "openai/gpt-4o"),
    ("openai/gpt-4o-2024-08-06", "openai/gpt-4o-2024-05-13"),
    ("openai/openai/gpt-4o", "openai/gpt-4o"),
    ("openai/GPT-4o", "openai/gpt-4o"),
    ("openai/claude-3-5-sonnet@20240620", "openai/claude-3-5-sonnet-20241022"),
    ("openai/gpt-4-1106-preview", "openai/gpt-4"),
    ("openai/llama3.1:latest", "openai/llama3.1"),
    ("openai/qwen/qwen3-8b:free", "openai/qwen/qwen3-8b"),
    ("openai/gpt-4o:extended", "openai/gpt-4o"),
    ("openai/openai/gpt-4o-2024-08-06:nitro", "openai/gpt-4o:floor"),
    ("openai/mine:free:online", "openai/mine:thinking"),
    ("openai/mine:beta", "openai/mine:exacto"),
    ("offline/writer", "offline/writer"),
]
OTHER = [
    ("openai/gpt-4o-mini", "openai/gpt-4o"),
    ("openai/gpt-4o", "openai/gpt-4"),
    ("openai/gpt-4o-mini-2024-07-18", "openai/gpt-4o-2024-08-06"),
    ("openai/llama3.1:8b", "openai/llama3.1:70b"),
    ("openai/llama3.1:8b", "openai/llama3.1:free"),
    ("openai/gemini-1.5-pro-002", "openai/gemini-1.5-flash-002"),
    ("offline/judge", "offline/writer"),
    ("openai/judge", "offline/judge"),
]


@pytest.mark.parametrize(("judge", "writer"), OWN)
def test_one_model_under_another_name_or_date_is_the_same(judge: str, writer: str) -> None:
    assert is_own(judge, writer) and is_own(writer, judge)
    assert "its own model" in (kinship(judge, writer) or "")


@pytest.mark.parametrize(("judge", "writer"), OTHER)
def test_another_model_is_not_the_writers_own(judge: str, writer: str) -> None:
    assert not is_own(judge, writer) and not is_own(writer, judge)


def test_kin_is_told_and_strangers_and_the_offline_pair_are_not() -> None:
    told = kinship("openai/gpt-4o", "openai/gpt-4o-mini") or ""
    assert "one family (gpt)" in told and "self-preference is likely" in told
    assert kinship("openai/claude-sonnet-4", "openai/gpt-4o") is None
    assert kinship("offline/judge", "offline/writer") is None
    assert kinship("openai/one", "openai/other") is None, "an unknown name is its own family"
