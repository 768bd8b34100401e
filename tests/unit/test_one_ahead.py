"""Work in a thread of its own, one piece ahead: the order and the errors of work done in turn."""

import sys
import threading

import pytest

from tradewinds.core.one_ahead import OneAhead, quick_turns


def fail(error):
    raise error


def test_pieces_are_done_in_order_and_never_two_at_a_time():
    done, running = [], []

    def piece(number):
        running.append(number)
        assert len(running) == 1
        done.append(number)
        running.remove(number)

    with OneAhead() as thread:
        for number in range(50):
            thread.start(lambda number=number: piece(number))
            assert len(done) >= number, "a piece starts once the one before is done"
    assert done == list(range(50))


def test_the_caller_goes_on_while_a_piece_runs():
    free, begun = threading.Event(), threading.Event()

    def piece():
        begun.set()
        assert free.wait(60)

    with OneAhead() as thread:
        thread.start(piece)
        assert begun.wait(60)
        free.set()  # never reached if `start` waited for the piece


def test_an_error_is_raised_where_the_next_piece_starts_or_at_the_end():
    with pytest.raises(ValueError, match="first"), OneAhead() as thread:
        thread.start(lambda: fail(ValueError("first")))
        thread.start(lambda: pytest.fail("nothing is done after an error"))
    with pytest.raises(ValueError, match="last"), OneAhead() as thread:
        thread.start(lambda: fail(ValueError("last")))


def test_the_error_of_the_earlier_work_comes_before_the_callers():
    with pytest.raises(ValueError, match="earlier"), OneAhead() as thread:
        thread.start(lambda: fail(ValueError("earlier")))
        raise ValueError("later")


def test_a_keyboard_interrupt_is_no_error_of_the_work_and_leaves_no_thread():
    threads, done = threading.active_count(), []
    with pytest.raises(KeyboardInterrupt), OneAhead() as thread:
        thread.start(lambda: done.append(1) or fail(ValueError("unseen")))
        raise KeyboardInterrupt
    assert done == [1]
    assert threading.active_count() == threads


def test_threads_take_turns_as_before_once_the_last_block_is_done():
    before = sys.getswitchinterval()
    first, second = quick_turns(), quick_turns()
    first.__enter__()
    second.__enter__()
    assert sys.getswitchinterval() < before
    first.__exit__(None, None, None)
    assert sys.getswitchinterval() < before, "the second block goes on"
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == before


def test_an_error_ends_the_quick_turns():
    before = sys.getswitchinterval()
    with pytest.raises(ValueError, match="why"), quick_turns():
        fail(ValueError("why"))
    assert sys.getswitchinterval() == before
