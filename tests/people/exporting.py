"""A home with reviewed posts, and what people said of them."""

from typing import Any

from components.records import Rating, Review
from components.warehouse.store import Store
from flows.settings import Settings
from tests.people.test_opinions import a_review


def say(store: Store, *reviews: Review, ratings: tuple[Rating, ...] = ()) -> None:
    store.append({"reviews": reviews, "ratings": ratings})


def reviewed_home(posts: Any) -> tuple[Settings, list[str]]:
    """Approved, edited, rejected, contested, approved but too long, nobody's."""
    home = posts()
    texts = ["First, @ann #one", "Second", "Third", "Fourth", "Long. " * 80, "Sixth"]
    made = [home.post(text).post_id for text in texts]
    settings = home.done()
    say(
        settings.store(),
        a_review(made[0], "approve"),
        a_review(made[1], "edit", text='Second, "edited"\nin two lines 🌊', alt_text="Waves.", reason="it was dull"),
        a_review(made[2], "reject", reason="wrong"),
        a_review(made[3], "approve"), a_review(made[3], "reject", rater="bo", reason="no"),
        a_review(made[4], "approve"),
    )  # fmt: skip
    return settings, made
