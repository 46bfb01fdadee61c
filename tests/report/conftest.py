"""A warehouse by hand: drawn pictures with all that a pipeline would have written about them, good and bad."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from components.chat.journal import calls_view_sql
from components.drawings.drawing import draw
from components.records import CheckResult, Feature, Item, Judgment, Post, Prompt, Quarantine, Run, content_id
from components.specs import DatasetSpec, GenerationSpec, JudgeSpec, PromptSpec
from components.warehouse.store import Store

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ASPECTS = ("relevance_clarity", "creativity_originality", "coherence_structure", "emotional_engagement")
SCENES = ("beach", "forest", "cafe", "snow", "concert", "harbour")
FEATURES = "features-of-the-tests"
Batches = dict[str, list]


@dataclass
class Home:
    """A warehouse under construction; `run()` writes it down and returns the run's id."""

    folder: Path
    platform: str = "x"
    batches: Batches = field(default_factory=dict)
    calls: list[dict] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "calls").mkdir(exist_ok=True)
        self.specs = (
            DatasetSpec(source="folder", path=self.folder / "pictures", name="garden"),
            PromptSpec(platform=self.platform),
            GenerationSpec(),
            JudgeSpec(),
        )
        self.store = Store(self.folder / "warehouse.duckdb")
        self.store.prepare()

    def add(self, table: str, *records: object) -> None:
        self.batches.setdefault(table, []).extend(records)

    def item(
        self, n: int, *, picture: Path | None = None, text: str = "A day out.", author: str | None = "Ann"
    ) -> Item:
        digest = sha256(picture.read_bytes()).hexdigest() if picture else None
        item = Item(
            item_id=Item.make_id("garden", digest, f"{n} {text}"), dataset="garden", spec_id=self.specs[0].id,
            source_uri=f"{picture}#{n}", image_path=str(picture) if picture else None, sha256=digest,
            width=192, height=192,
            text=text, author=author, published_at=T0 + timedelta(hours=7 * n), ingested_at=T0,
        )  # fmt: skip
        self.items.append(item)
        self.add("items", item)
        return item

    def features(self, item: Item, scene: str, topic: str, sentiment: str, captions: tuple[str, ...]) -> list[Feature]:
        found = [("caption", rank, text, 0.34 - 0.03 * rank) for rank, text in enumerate(captions)]
        found += [
            ("scene", 0, scene, 0.97),
            ("scene", 1, "field", 0.02),
            ("topic", 0, topic, 0.91),
            ("topic", 1, "music", 0.05),
        ]
        found += [("sentiment", 0, sentiment, 0.88), ("sentiment", 1, "neutral", 0.1)]
        words = sorted({word.strip(".,") for word in captions[0].split() if len(word) > 4})[:5]
        found += [("keyword", rank, word, 0.3 - 0.04 * rank) for rank, word in enumerate(words)]
        features = [
            Feature(
                feature_id=Feature.make_id(item.item_id, FEATURES, name, rank), item_id=item.item_id, spec_id=FEATURES,
                name=name, rank=rank, text=text, score=score, model=f"starter/{name}@0a1b2c3d4e5f",
            )
            for name, rank, text, score in found
        ]  # fmt: skip
        self.add("features", *features)
        return features

    def post(self, item: Item, features: list[Feature], text: str | None, **more: object) -> Post:
        used = [f.feature_id for f in features if f.rank == 0 or f.name == "keyword"]
        prompt_spec, writer = self.specs[1].id, self.specs[2].id
        prompt = Prompt(
            prompt_id=Prompt.make_id(item.item_id, prompt_spec, used, FEATURES), item_id=item.item_id,
            spec_id=prompt_spec,
            feature_spec_id=FEATURES, platform=self.platform, template="mpwl", system="You write posts.",
            user=f"Write about: {item.text}", words=used,
        )  # fmt: skip
        error, candidate = more.get("error"), more.get("candidate", 0)
        post = Post(
            post_id=Post.make_id(prompt.prompt_id, writer, int(str(candidate)), str(error) if error else None),
            prompt_id=prompt.prompt_id, spec_id=writer, platform=self.platform, text=text, created_at=T0,
            call_key=f"w{len(self.calls)}", cost_usd=0.0, **more,
        )  # fmt: skip
        self.add("prompts", prompt)
        self.add("posts", post)
        self.call("generate", "offline/writer", post.call_key or "")
        return post

    def judge(self, post: Post, scores: tuple[float | None, ...], error: str | None = None) -> None:
        spec = self.specs[3].id
        for aspect, score in zip(ASPECTS, scores, strict=True):
            self.add(
                "judgments",
                Judgment(
                    judgment_id=Judgment.make_id(post.post_id, spec, 0, aspect, error), post_id=post.post_id,
                    spec_id=spec,
                    aspect=aspect, score=score,
                    reasoning=None if error else f"Measured {aspect}: 4 of 5 words are named.",
                    cost_usd=0.0, error=error, error_detail="the reply was no JSON" if error else None, created_at=T0,
                ),
            )  # fmt: skip
        self.call("judge", "offline/judge", f"j{len(self.calls)}")

    def call(self, stage: str, model: str, key: str) -> None:
        n = len(self.calls)
        self.calls.append(
            {
                "call_key": key, "model": model, "endpoint": "offline", "stage": stage, "run_id": "run-1",
                "status": "ok",
                "attempts": 1, "input_tokens": 300 + n, "output_tokens": 60 + n % 7, "cost_usd": 0.0,
                "latency_ms": 3 + n % 5,
                "created_at": T0.isoformat(), "detail": None,
            }
        )  # fmt: skip

    def run(self, run_id: str = "run-1", **more: object) -> str:
        """Write everything down, with a run that made it."""
        (self.folder / "calls" / "1.jsonl").write_text("".join(json.dumps(call) + "\n" for call in self.calls), "utf-8")
        self.store.append(self.batches)
        self.batches = {}
        self.store.register(*self.specs)
        with self.store.connect() as db:
            params = json.dumps({"models": "starter", "captions": 4, "seed": 0})
            db.execute("INSERT INTO specs VALUES (?, 'extract_features', ?) ON CONFLICT DO NOTHING", [FEATURES, params])
            db.execute(calls_view_sql(self.folder / "calls"))
        spec_ids = {spec.step: spec.id for spec in self.specs} | {"extract_features": FEATURES}
        steps = {
            step: {"step": step, "rows": 6, "already": 0, "bought": 0, "reused": 0, "seconds": 1.5 + k}
            for k, step in enumerate(spec_ids)
        }
        record = Run(
            run_id=run_id, campaign="garden-demo", dataset="garden", state="done", started_at=T0, calls=len(self.calls),
            ended_at=T0 + timedelta(seconds=42), rows=json.dumps(steps), cost_usd=0.0, spec_ids=json.dumps(spec_ids),
        )  # fmt: skip
        self.store.record_run(Run(**(record.row() | more)))
        return run_id


def check(table: str, expectation: str, success: bool = True, run_id: str = "run-1", chunk: str = "c1") -> CheckResult:
    return CheckResult(
        run_id=run_id, table_name=table, chunk_id=chunk, expectation=expectation, severity="stop", success=success,
        observed="0 of 56" if success else "3 of 56: null", at=T0,
    )  # fmt: skip


def quarantined(reason: str, detail: str, n: int = 0) -> Quarantine:
    return Quarantine(
        quarantine_id=f"q{reason}{n}", step="ingest_items", dataset="garden", source_uri=f"/pictures/{reason}-{n}.jpg",
        reason=reason, detail=detail, at=T0,
    )  # fmt: skip


def fill(home: Home, pictures: list[tuple[Path, str, str, str, str, tuple[str, ...]]]) -> None:
    """A post for each (path, scene, topic, sentiment, text, captions), and one of every way to fail."""
    for n, (path, scene, topic, sentiment, text, captions) in enumerate(pictures):
        item = home.item(n, picture=path, text=text, author=("Ann", "Bo Lindqvist", "Chidi")[n % 3])
        features = home.features(item, scene, topic, sentiment, captions)
        tag = scene.title().replace(" ", "")
        post = home.post(
            item,
            features,
            f"{captions[0].capitalize()}. Who would you bring along? #{tag} #weekend",
            alt_text=captions[0],
        )
        low = (int(content_id(n)[:4], 16) % 40) / 10
        home.judge(post, (5.5 + low, 4 + low, 6.2 + low * 0.9, 4.6 + low))
    text_only = home.item(900, text="The ferry was late again and nobody told us why.", author="dee")
    features: list[Feature] = []
    home.post(
        text_only,
        features,
        "Late again. @harbour, tell us why: https://example.org/ferries #travel",
        rules=["length 312 > 280"],
    )
    item = home.item(901, picture=pictures[0][0], text="another text under the same picture")
    home.post(
        item,
        home.features(item, "beach", "travel", "positive", ("a quiet beach",)),
        None,
        error="timeout",
        error_detail="no answer within 60 s, 5 attempts",
    )
    item = home.item(902, picture=pictures[1][0], text="judging breaks here")
    broken = home.post(
        item, home.features(item, "forest", "nature", "neutral", ("tall trees",)), "Tall trees, taller stories. #forest"
    )
    home.judge(broken, (None,) * 4, error="unparsable")
    home.add(
        "checks",
        check("items", "item_id is unique"),
        check("items", "text is at most 10,000 characters", False),
        check("posts", "post_id is unique"),
    )
    home.add(
        "quarantine",
        quarantined("duplicate", "the same picture as beach-01.jpg"),
        quarantined("truncated", "ends in the middle of the picture"),
    )


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, str, str, str, str, tuple[str, ...]]]:
    folder = tmp_path_factory.mktemp("drawn")
    found = []
    for n, scene in enumerate(SCENES):
        drawing = draw(7_700_000 + n, size=192, scene=scene)
        path = folder / f"{scene}.jpg"
        drawing.image.save(path, quality=85)
        found.append((path, scene, drawing.plan.topic, drawing.plan.sentiment, drawing.text, drawing.captions[:4]))
    return found


@pytest.fixture
def empty_home(tmp_path: Path) -> Callable[..., Home]:
    return lambda **more: Home(tmp_path / "home", **more)


@pytest.fixture
def home(tmp_path: Path, pictures: list) -> Home:
    """Six drawn posts that are judged, a text-only one over its limit, one that failed, one whose judging failed."""
    made = Home(tmp_path / "home")
    fill(made, pictures)
    made.run()
    return made
