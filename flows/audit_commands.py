"""What `postwright audit` does; as in `commands.py`, a function per command, and the words it takes."""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from components.errors import CheckFailed, UserError
from flows.settings import Settings, use_home

EPILOG = """\
examples:
  postwright audit mine.yaml                         the campaign's judge: about 350 calls
  postwright audit mine.yaml --dry-run               how many calls and how much money; buys nothing
  postwright audit mine.yaml --set judge.model=openai/gpt-4o
  postwright audit --self-test                       is the audit itself any good? no key, no server

A second audit of the same judge is shown from the warehouse."""


def add_to(command: Callable[..., argparse.ArgumentParser]) -> None:
    made = command("audit", "find what moves a judge's scores besides a post's worth", EPILOG)
    made.add_argument("campaign", nargs="?", type=Path, metavar="CAMPAIGN.yaml")
    made.add_argument("--self-test", action="store_true", help="audit judges whose faults are known, in this process")
    made.add_argument("--dry-run", action="store_true", help="count calls and money, and buy nothing")
    made.add_argument("--posts", default="shipped", metavar="FILE.yaml", help="posts of known levels of your own")
    made.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="SECTION.FIELD=VALUE",
        help="override the file; repeatable",
    )  # fmt: skip
    made.set_defaults(do=audit)


def audit(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Audit the judge of a campaign, or the audit itself."""
    if args.self_test:
        return test_itself(args, console)
    if args.campaign is None:
        raise UserError("audit: name a campaign file, whose judge is audited, or give --self-test")
    from components.audit.spec import AuditSpec
    from components.chat import check
    from components.specs.campaign_file import load_campaign
    from flows.settings import api_key

    campaign = load_campaign(args.campaign, args.overrides)
    spec = AuditSpec(judge=campaign.judge, posts=args.posts)
    settings = use_home(args.home)
    check(spec.reading(1), api_key(spec.judge.api_key_env), campaign.budget.allow_unpriced, settings.prices)
    _ = spec.id  # reads every file it names
    settings.prepare()
    if args.dry_run:
        return count(spec, settings, console)
    from flows.commands import in_this_process

    def start() -> Any:
        from flows.audit_judge import audit_judge

        return audit_judge(spec, campaign.budget)

    from flows.show_audit import show_audit

    result = in_this_process(settings, args, console, start)
    show_audit(result, settings, console)
    return asdict(result)


def count(spec: Any, settings: Settings, console: Console) -> dict[str, Any]:
    """What an audit would buy: it is run with a buyer that writes the requests down."""
    from components.audit.asking import ask
    from components.audit.material import load_material
    from components.audit.plan import plan_audit
    from components.chat import estimate
    from components.judgments import load_rubric
    from flows.buying import journal_of
    from flows.expect_anchors import written_down
    from flows.show import money

    judge = spec.judge
    plan = plan_audit(load_material(spec.posts), load_rubric(judge.rubric), judge.batch_context, spec.repeats)
    asked = written_down(lambda buy: ask(plan, spec, buy))
    found = estimate(asked, spec.reading(1), journal_of(settings), settings.prices)
    cost = (
        money(found.usd_high)
        if found.usd_low == found.usd_high
        else f"{money(found.usd_low)} to {money(found.usd_high)}"
    )
    console.print(
        f"{judge.model}: {found.calls} calls ({found.cached} in the journal), {found.input_tokens:,} tokens in, "
        f"{found.output_low:,} to {found.output_high:,} out: {cost}. Nothing was bought."
    )
    return asdict(found)


def test_itself(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Audit planted judges through the whole engine, in a folder that is thrown away; raises CheckFailed for one whose
    fault is not seen, or a fair one that is accused."""
    import asyncio

    from components.audit.planted import FAULTS
    from components.audit.self_test import self_test
    from flows.progress import listening, progress
    from flows.show_audit import show_self_test

    with listening(console, machine=args.json), tempfile.TemporaryDirectory() as folder:
        advance = progress("audit planted judges", len(FAULTS))
        found = asyncio.run(self_test(Path(folder), told=lambda _: advance(1)))
    show_self_test(found, console)
    wrong = [tested.name for tested in found if not tested.good]
    if wrong:
        raise CheckFailed(f"the audit is wrong about {', '.join(wrong)} (see above): do not trust its verdicts")
    return {
        "judges": [
            {
                "name": t.name,
                "fault": t.says,
                "alarms": t.alarms,
                "good": t.good,
                "effects": [asdict(e) for e in t.effects],
            }
            for t in found
        ]
    }
