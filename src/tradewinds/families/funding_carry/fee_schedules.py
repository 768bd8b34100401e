"""Fees of exchanges by name, and the rates that are in force at a fill."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

RATE_KEYS = ("spot_maker", "spot_taker", "perp_maker", "perp_taker")  # of `costs.fees`

# by name: spot maker, spot taker, perpetual maker, perpetual taker; in % of the value. Bybit's are those of its help centre
# (article 000001634); Binance's USD-M table is from two copies, not checked against the exchange.
_PERCENT = {
    "bybit_vip0": (".1", ".1", ".02", ".055"),
    "bybit_vip1": (".0675", ".08", ".018", ".04"),
    "bybit_vip2": (".065", ".0775", ".016", ".0375"),
    "bybit_vip3": (".0625", ".075", ".014", ".035"),
    "bybit_vip4": (".05", ".06", ".012", ".032"),
    "bybit_vip5": (".04", ".05", ".01", ".032"),
    "bybit_supreme": (".03", ".045", "0", ".03"),
    "binance_vip0": (".1", ".1", ".02", ".05"),
    "binance_vip1": (".1", ".1", ".016", ".04"),
    "binance_vip2": (".1", ".1", ".014", ".035"),
    "binance_vip3": (".1", ".1", ".012", ".032"),
    "binance_vip4": (".1", ".1", ".01", ".03"),
    "binance_vip5": (".1", ".1", ".008", ".027"),
    "binance_vip6": (".1", ".1", ".006", ".025"),
    "binance_vip7": (".1", ".1", ".004", ".022"),
    "binance_vip8": (".1", ".1", ".002", ".02"),
    "binance_vip9": (".1", ".1", "0", ".017"),
}
NAMES = tuple(_PERCENT)
_INVENTED = ("files", "synthetic")  # sources that are no exchange: they have the fees of `bybit_vip0`


class FeeRates(NamedTuple):
    """The fees of fills from an instant on.

    Attributes:
        from_ts: the instant; Unix s. 0: from the beginning.
        spot: part of the value of a fill of the spot leg.
        perp: part of the value of a fill of the perpetual.
    """

    from_ts: int
    spot: Fraction
    perp: Fraction


def default_schedule(source: str) -> str:
    """Return the name of the schedule of a source that names none; it may be one that is not known."""
    return "bybit_vip0" if source in _INVENTED else f"{source}_vip0"


def sections_of(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the sections of fees of a config: one, or those of its list by date."""
    fees = config["costs"]["fees"]
    found: Sequence[dict[str, Any]] = [fees] if isinstance(fees, dict) else fees
    return list(found)


def fees_of(config: Mapping[str, Any]) -> list[FeeRates]:
    """Return the fees of a resolved config, ascending by the instant from which they are in force."""
    found = []
    for section in sections_of(config):
        of_schedule = _PERCENT[section["schedule"]] if section.get("schedule") is not None else ("0",) * 4
        rates = {key: Fraction(text) / 100 for key, text in zip(RATE_KEYS, of_schedule, strict=True)}
        given = {key: section[key] for key in RATE_KEYS if section.get(key) is not None}
        rates |= {key: Fraction(Decimal(str(value))) for key, value in given.items()}
        liquidity = section.get("liquidity") or "taker"
        found.append(FeeRates(_from_ts(section.get("from")), rates[f"spot_{liquidity}"], rates[f"perp_{liquidity}"]))
    return found


def _from_ts(date: str | None) -> int:
    """Return the first instant of a date, UTC; 0 for None."""
    if date is None:
        return 0
    day = dt.date.fromisoformat(date)
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
