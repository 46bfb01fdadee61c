"""What `postwright train`, `evaluate` and `describe` do; as in `commands.py`, one function per command."""

import argparse
from dataclasses import asdict
from typing import Any

from rich.console import Console

from components.errors import UserError
from flows.commands import in_this_process
from flows.settings import use_home


def train(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Train a network on labelled examples, measure it, and put it to use unless the one in use is better."""
    from components.learning.spec import load_training

    spec = load_training(args.file, args.overrides)
    settings = use_home(args.home).prepare()

    def start() -> Any:
        from flows.train_prompt_words import train_prompt_words

        return train_prompt_words(spec)

    from flows.show_learning import show_training

    result = in_this_process(settings, args, console, start)
    show_training(result, settings, console)
    return asdict(result)


def evaluate(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure methods on labelled examples."""
    from components.learning.spec import load_evaluation

    spec = load_evaluation(args.file, args.overrides)
    settings = use_home(args.home).prepare()

    def start() -> Any:
        from flows.evaluate_prompt_words import evaluate_prompt_words

        return evaluate_prompt_words(spec)

    from flows.show_learning import show_evaluation

    result = in_this_process(settings, args, console, start)
    show_evaluation(result, settings, console)
    return asdict(result)


def describe(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Buy descriptions of the classes in a labels file."""
    from pydantic import ValidationError

    from components.chat import check
    from components.features.class_descriptions import DescriptionSpec, description_requests
    from components.specs import Budget
    from components.specs.campaign_file import describe as problem
    from flows.settings import api_key

    try:
        spec = DescriptionSpec(model=args.model, endpoint=args.endpoint)
        budget = Budget(usd=args.usd, allow_unpriced=args.allow_unpriced)
    except ValidationError as error:
        raise UserError(f"describe: {problem(error)}") from None
    check(spec, api_key(spec.api_key_env), budget.allow_unpriced, use_home(args.home).prices)
    if not args.file.is_file():
        raise UserError(
            f"no labels file {args.file}; give one such as components/features/model_sets/pretrained_labels.yaml"
        )
    try:
        text = args.file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{args.file} is not UTF-8 text (byte {error.start})") from None
    description_requests(text, args.file.name, spec)  # tells what is wrong in it, now
    out = args.out or args.file.with_suffix(".described.yaml")
    settings = use_home(args.home).prepare()

    def start() -> Any:
        from flows.describe_classes import describe_classes

        return describe_classes(args.file, out, spec, budget)

    result = in_this_process(settings, args, console, start)
    console.print(
        f"{result.sentences} sentences in {result.file}; {result.bought} calls bought, {result.reused} reused"
    )
    return asdict(result)
