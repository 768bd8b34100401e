"""The compiled functions that only the compiled loops call, one at a time; and the loops with a bug planted in them."""

import ctypes
import hashlib
import os

import pytest

import hatch_build
from tradewinds.engine.event_contracts import kernel

LONG = ctypes.c_int64
LOOPS = kernel.load(kernel.LIBRARY)
YES, NO, NO_REASON = 0, 1, -1


class Fee(ctypes.Structure):
    """Terms of a fee: per contract whole + part/base grids."""

    _fields_ = [(name, LONG) for name in ("whole", "part", "base", "grid", "balance_grid")]


def _function(name, result, *kinds):
    found = getattr(LOOPS, name)
    found.restype, found.argtypes = result, kinds
    return found


at_most = _function("at_most", ctypes.c_bool, *[ctypes.c_uint64] * 4)
kelly_quantity = _function("kelly_quantity", LONG, *[LONG] * 6)
share_of = _function("share_of", LONG, *[LONG] * 3)
before = _function("before", ctypes.c_bool, *[LONG] * 8)
_fee_of = _function("fee_of", LONG, LONG, LONG, Fee)  # the lower half of 128 bits
_affordable = _function("affordable", LONG, LONG, LONG, LONG, Fee)
_row_at = _function("row_at", LONG, ctypes.c_void_p, *[LONG] * 3)
_settle = _function("settle", None, LONG, *[ctypes.c_void_p] * 3, LONG, ctypes.c_void_p)
_buy = _function("buy", None, *[ctypes.c_void_p] * 5)
_full = _function("full_reason", LONG, *[LONG] * 4, ctypes.c_void_p)
_room = _function("cut_to_limits", LONG, *[LONG] * 6, *[ctypes.c_void_p] * 5)


def fee_of(quantity, price, *terms):
    return _fee_of(quantity, price, Fee(*terms))


def affordable(quantity, price, cash, *terms):
    return _affordable(quantity, price, cash, Fee(*terms))


def row_at(e, low, end, t):
    return _row_at(e.ctypes.data, low, end, t)


def _columns(group):
    return kernel._structure(*(column.ctypes.data for column in group))


def _limits(limits):
    return kernel._structure(*map(int, limits))


def settle(ts, market, account, order, rows=None):
    to = None if rows is None else rows.ctypes.data
    _settle(ts, _columns(market), _columns(account), order.ctypes.data, len(order), to)


def buy(fill, market, account, limits, fills):
    _buy(kernel._structure(*fill), _columns(market), _columns(account), _limits(limits), fills.ctypes.data)


def full(yes_held, no_held, side, in_event, limits):
    return _full(yes_held, no_held, side, in_event, _limits(limits))


def room(i, side, quantity, price, volume, quote_ts, t, market, account, limits):
    """(reason or NO_REASON, what is left of a quantity)."""
    left = LONG(quantity)
    groups = (_columns(market), _columns(account), _limits(limits), None, ctypes.byref(left))
    reason = _room(i, side, price, volume, quote_ts, t, *groups)
    return reason, left.value


def with_a_bug(folder, right, wrong):
    """The compiled loops with some of their source (which stands there once) replaced."""
    source = kernel.SOURCE.read_text(encoding="utf-8")
    assert source.count(right) == 1
    if hatch_build.compiler() is None:
        how = "needs a C compiler: apt-get install gcc libc6-dev"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(how)
    planted, library = folder / "kernel.c", folder / "_kernel.so"
    planted.write_text(source.replace(right, wrong), encoding="utf-8")
    hatch_build.compile_to(library, planted, hashlib.sha256(kernel.SOURCE.read_bytes()).hexdigest())
    return kernel.load(library)
