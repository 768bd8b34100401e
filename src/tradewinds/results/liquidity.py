"""What markets could have taken of a run: entries beyond what was traded, and the run's P&L under caps of that volume.

A family says what it entered, and what was traded in the candle or bar of each entry. A cap that no entry exceeds changes
nothing, so its row is the run's own and costs no replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from tradewinds.core.text import number
from tradewinds.engine.result import Summary

# Shares of the volume of an entry's candle or bar, to which entries are capped beside the run.
CAPS = (Fraction(1), Fraction(1, 4), Fraction(1, 10))
KEY = "max_volume_share"


class Entry(NamedTuple):
    """A fill that opened or enlarged a position.

    Attributes:
        quantity: filled; above 0.
        volume: traded in its candle or bar, in the unit of the quantity; None: the source does not know it.
        weight: of one unit of the quantity beside those of other entries: 1, or its price where units are of different goods.
    """

    quantity: int
    volume: int | None
    weight: int = 1


class VolumeUse(NamedTuple):
    """Entries beside what was traded; amounts are quantities times their weights.

    Attributes:
        entries: their number.
        beyond_entries: how many of them were more than the whole volume.
        entered: amount of all of them.
        beyond: amount that was more than the whole volume.
        unknown: amount at an unknown volume.
        over: the caps that an entry exceeds.
    """

    entries: int
    beyond_entries: int
    entered: int
    beyond: int
    unknown: int
    over: frozenset[Fraction]

    @classmethod
    def of(cls, entries: Iterable[Entry], *, unknown_is_none: bool = False) -> VolumeUse:
        """Compare entries with what was traded.

        Args:
            entries: all of the run.
            unknown_is_none: whether a cap lets nothing in where the volume is not known; else it limits nothing there.
        """
        count = many = entered = beyond = unknown = 0
        over: set[Fraction] = set()
        for quantity, volume, weight in entries:
            count += 1
            entered += quantity * weight
            if volume is None:
                unknown += quantity * weight
                over.update(CAPS if unknown_is_none else ())
                continue
            if quantity > volume:
                many += 1
                beyond += (quantity - volume) * weight
            if len(over) < len(CAPS):
                over.update(cap for cap in CAPS if quantity > cap * volume)
        return cls(count, many, entered, beyond, unknown, frozenset(over))


def capped(config: Mapping[str, Any], cap: Fraction) -> dict[str, Any]:
    """Return a config whose entries are capped by volume; a lower risk.max_volume_share of its own stays.

    Args:
        config: resolved.
        cap: most of the volume that an entry may take, as a share.
    """
    own = config["risk"][KEY]
    share = float(cap) if own is None else min(own, float(cap))
    return {**config, "risk": {**config["risk"], KEY: share}}


def liquidity(
    config: Mapping[str, Any],
    use: VolumeUse,
    own: Summary,
    replay: Callable[[dict[str, Any]], Summary],
    *,
    adds_up: bool = True,
) -> dict[str, Any]:
    """Return the section `liquidity` of a run's diagnostics.

    Args:
        config: resolved.
        use: the run's entries beside what was traded.
        own: the run.
        replay: makes the same run of a config with capped entries.
        adds_up: whether the quantities of all entries are of one unit, so that their sum means something.

    Returns:
        The section; no row under `capped` where no volume is known at all.
    """
    known = use.entered > use.unknown
    under = {cap: replay(capped(config, cap)) if cap in use.over else own for cap in CAPS} if known else {}
    return section(use, under, adds_up=adds_up)


def section(use: VolumeUse, under_caps: Mapping[Fraction, Summary], *, adds_up: bool = True) -> dict[str, Any]:
    """Return the section `liquidity` of runs that were made already.

    Args:
        use: the run's entries beside what was traded.
        under_caps: the run with its entries capped, by the share of the volume.
        adds_up: as in `liquidity`.
    """
    return {
        "entries": use.entries,
        "entries_beyond_volume": use.beyond_entries,
        "quantity_beyond_volume_pct": _share(use.beyond, use.entered - use.unknown),
        "quantity_of_unknown_volume_pct": _share(use.unknown, use.entered),
        "capped": [
            {
                "volume_share": float(cap),
                "total_pnl_usd": number(int(made.pnl_micro.sum()), made.places),
                "num_trades": len(made.pnl_micro),
                **({"num_contracts": int(made.quantity.sum())} if adds_up else {}),
            }
            for cap, made in under_caps.items()
        ],
    }


def _share(part: int, whole: int) -> float | None:
    """Return a share in percent; None of nothing."""
    return round(float(Fraction(100 * part, whole)), 6) if whole else None
