"""`postwright rejudge --dry-run`: what would be judged again and what it would cost. Buys nothing."""

from components.chat.batch import Register
from components.judgments.origins import origins
from components.records import Item, Prompt
from components.specs import Campaign
from flows.buying import TRIED_AGAIN
from flows.expect_judging import judge_requests
from flows.expect_run import StepPlan
from flows.plan_run import RunPlan, begun, stage_plan
from flows.rejudging import Period, between, check_rejudging
from flows.settings import Settings
from flows.windows import By, windows


def plan_rejudging(campaign: Campaign, settings: Settings, period: Period, by: By) -> RunPlan:
    """Posts to read and read already per window, calls, tokens and dollars."""
    store, judge = settings.store(), campaign.judge
    notes, judge_id, requests = check_rejudging(campaign, store, period), judge.id, []
    entries = Register(settings.batches).open_entries()
    plan = begun(campaign, settings, entries)
    for window in windows(*period, by):
        selection, todo, there = between(campaign, (window.start, window.end)), 0, 0
        for one in origins(store, selection):
            ids = one.written.ids
            posts = store.posts_without_judgments(selection, *ids, judge_id, judge.repeats, TRIED_AGAIN)
            prompts = store.by_ids(Prompt, "prompts", "prompt_id", [post.prompt_id for post in posts])
            items = store.by_ids(Item, "items", "item_id", [prompt.item_id for prompt in prompts.values()])
            batch = store.posts_written(selection, *ids) if posts else []
            requests += judge_requests(posts, batch, prompts, items, settings, judge)
            todo, there = todo + len(posts), there + one.posts - len(posts)
        if todo or there:
            plan.steps.append(StepPlan(f"{window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}", todo, there))
    plan.stages = [stage_plan("judge", judge, requests, entries, settings)]
    keys = {request.key for request in requests}
    plan.batches = sum(not keys.isdisjoint(entry.lines) for entry in entries)
    plan.note = "\n".join(notes) or None
    return plan
