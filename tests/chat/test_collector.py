"""The garbage collector is as it was after the last purchase, whatever order they end in."""

import gc
import weakref

from components.chat.collector import YOUNG, rare_collections


class Knot:
    def __init__(self) -> None:
        self.me = self


def test_two_purchases_share_one_setting_and_the_last_one_restores_it() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    first, second = rare_collections(), rare_collections()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] == max(YOUNG, before[0][0]) and gc.get_freeze_count() > 0
    second.__exit__(None, None, None)
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_cycles_that_a_purchase_leaves_are_still_collected_within_it_and_after() -> None:
    with rare_collections():
        within = weakref.ref(Knot())
        gc.collect()
        assert within() is None
    old = Knot()
    with rare_collections():  # frozen, and let go meanwhile
        after = weakref.ref(old)
        del old
    gc.collect()
    assert after() is None


def test_who_froze_objects_keeps_them_frozen() -> None:
    gc.freeze()
    try:
        with rare_collections():
            pass
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_a_collector_that_was_switched_off_by_its_threshold_stays_off() -> None:
    before = gc.get_threshold()
    gc.set_threshold(0)
    try:
        with rare_collections():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
