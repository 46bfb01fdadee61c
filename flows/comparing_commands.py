"""What `postwright compare` does: the posts of campaigns, or the candidates of one, in pairs before a judge."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from components.errors import UserError
from components.specs import Campaign, JudgeSpec, Selection
from components.specs.campaign_file import apply_override, describe, load_campaign
from flows.commands import in_this_process
from flows.settings import api_key, use_home

EXAMPLES = """\
examples:
  postwright compare mine.yaml                             the candidates of each prompt with each other
  postwright compare mine.yaml plain.yaml --pairs 100      the posts of two campaigns about the same items
  postwright compare mine.yaml --arm plain prompt.template=plain --design swiss
  postwright compare mine.yaml --judge model=openai/gpt-4o --judge repeats=2

The campaign's judge compares, by its rubric, each pair in both orders: a post wins a pair that it wins in both. Posts
have to be there (postwright run). Repeated, it goes on from the verdicts that are there, and buys none twice.
"""


def add_to(command: Callable[..., argparse.ArgumentParser], time: Callable[[str], Any], count: Any) -> None:
    made = command("compare", "which posts are better, in pairs: arms of campaigns, or candidates", EXAMPLES)
    made.add_argument("campaigns", nargs="+", type=Path, metavar="CAMPAIGN.yaml")
    made.add_argument(
        "--arm",
        dest="arms",
        nargs="+",
        action="append",
        default=[],
        metavar=("NAME", "SECTION.FIELD=VALUE"),
        help="one more arm: the first campaign with other values; repeatable",
    )
    made.add_argument(
        "--judge",
        dest="judging",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="override the campaign's judge: model, rubric, repeats, picture, ...; repeatable",
    )
    made.add_argument("--design", choices=("all", "swiss", "uncertain"), default="all", help="which pairs are asked")
    made.add_argument("--pairs", type=count, metavar="N", help="at most so many pairs, two calls each")
    made.add_argument("--rounds", type=count, metavar="N", help="of swiss and uncertain")
    made.add_argument("--from", dest="start", type=time, metavar="DATE", help="published at or after (UTC)")
    made.add_argument("--to", dest="end", type=time, metavar="DATE", help="published before (UTC)")
    made.add_argument("--limit", type=count, metavar="N", help="only the N earliest items")
    made.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="SECTION.FIELD=VALUE",
        help="override the files; repeatable",
    )


def compare(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Ask the judge, then show standings, win rates, and how much the order of showing mattered."""
    from components.chat import check
    from flows.contests import Arm

    campaigns = campaigns_of(args)
    first = campaigns[0]
    spec = spec_of(first.judge, args)
    settings = use_home(args.home).existing().prepare()
    _ = spec.id  # reads the rubric
    check(spec, api_key(spec.api_key_env), first.budget.allow_unpriced, settings.prices)
    arms = [Arm.of(c.name, c.features, c.prompt, c.generation, c.judge) for c in campaigns]
    selection = Selection(
        dataset=first.dataset.name, published_from=args.start, published_to=args.end, limit=args.limit
    )

    def start() -> Any:
        from flows.compare_posts import compare_posts

        return compare_posts(spec, arms, selection, first.budget)

    result = in_this_process(settings, args, console, start)
    from flows.show_comparison import read_comparison, show_comparison  # not before Prefect is told what to show

    found = read_comparison(settings.store(), spec, arms, selection)
    show_comparison(found, result, console)
    return asdict(found) | {"step": asdict(result)}


def campaigns_of(args: argparse.Namespace) -> list[Campaign]:
    """The arms, each under a name of its own, all about one dataset."""
    campaigns = [load_campaign(path, args.overrides) for path in args.campaigns]
    for name, *changes in args.arms:
        if not changes:
            raise UserError(
                f"--arm {name}: the arm {name!r} changes nothing; write e.g. --arm {name} prompt.template=plain"
            )
        changed = load_campaign(args.campaigns[0], [*args.overrides, *changes])
        campaigns.append(changed.model_copy(update={"name": name}))
    names = [campaign.name for campaign in campaigns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"two arms are called {twice[0]!r}: give each campaign a name of its own")
    if len(datasets := sorted({campaign.dataset.name for campaign in campaigns})) > 1:
        raise UserError(f"posts about different datasets ({', '.join(datasets)}) are not compared: name one dataset")
    return campaigns


def spec_of(judge: JudgeSpec, args: argparse.Namespace) -> Any:
    """The campaign's judge as one of pairs: what the two have in common, then what the command line says."""
    from components.pairwise.spec import OFFLINE, PairwiseSpec

    shared = set(JudgeSpec.model_fields) & set(PairwiseSpec.model_fields)
    data: dict[str, Any] = {name: getattr(judge, name) for name in sorted(shared & judge.model_fields_set)}
    data["model"] = OFFLINE if judge.model == "offline/judge" else judge.model
    for override in args.judging:
        apply_override(data, override)
    data |= {"design": args.design, "pairs": args.pairs, "rounds": args.rounds}
    try:
        return PairwiseSpec.model_validate(data)
    except ValidationError as error:
        raise UserError(f"--judge: {describe(error, PairwiseSpec)}") from None
