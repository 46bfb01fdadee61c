"""A set of names by 16 bytes of each is a set."""

import random

import pytest

from components.items import names
from components.items.names import Names, digest, halves


def test_a_digest_is_of_its_parts() -> None:
    assert digest("für", "a").hex() == "0d004b3d41a00bc3c26fbadb62b58db1"  # md5 of "für a" in UTF-8
    assert digest("a", "b") == digest("a b") != digest("b", "a")


@pytest.mark.parametrize("known", [0, 1, 3000])
def test_it_holds_what_was_added_and_nothing_else(monkeypatch: pytest.MonkeyPatch, known: int) -> None:
    monkeypatch.setattr(names, "FEW", 50)
    dice = random.Random(known)
    expected = {dice.randbytes(16) for _ in range(known)}
    found = Names(*halves(sorted(expected, key=lambda _: dice.random())))
    for _ in range(5000):
        one = dice.randbytes(2) * 8 if dice.random() < 0.5 else dice.randbytes(16)  # half of them come again
        assert (one in found) == (one in expected)
        assert found.add(one) == (one not in expected)
        expected.add(one)
    assert len(found) == len(expected) > known + 1000
    assert all(one in found for one in expected)
    assert not any(dice.randbytes(16) in found for _ in range(5000))


def test_names_that_begin_alike_are_told_apart() -> None:
    """As if 64 bits of two hashes were the same."""
    alike = [bytes(8) + n.to_bytes(8, "big") for n in range(20)] + [
        b"\xff" * 8 + n.to_bytes(8, "big") for n in range(20)
    ]
    found = Names(*halves(alike[::2]))
    assert [one in found for one in alike] == [True, False] * 20
