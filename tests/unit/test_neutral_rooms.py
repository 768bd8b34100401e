"""results/ and serve/ know no market by name: no family, no service, no currency."""

import re
from pathlib import Path

import pytest

from tradewinds.config import markets

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "tradewinds"
ROOMS = ("results", "serve")
SERVICES = {service for name in markets.NAMES for service in markets.family_of(name).services}
NAMED = re.compile(rf"\b(USD|AUD|{'|'.join((*markets.NAMES, *SERVICES))})\b|kalshi|KX[A-Z]|\$\d", re.IGNORECASE)


def sources(room):
    """The room's own files; not the code of others in it."""
    files = [path for kind in ("*.py", "*.j2", "*.js", "*.css") for path in (PACKAGE / room).rglob(kind)]
    return [path for path in files if "vendor" not in path.parts]


@pytest.mark.parametrize("room", ROOMS)
def test_a_neutral_room_names_no_market_no_service_and_no_currency(room):
    files = sources(room)
    assert len(files) > 10
    lines = [(path.name, line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if NAMED.search(line[1])] == []


def test_what_would_be_a_name_is_found():
    for text in (
        "P&L, USD",
        "from tradewinds.families.kalshi_weather import x",
        'family_of("equities_daily")',
        "$5",
        "iem",
    ):
        assert NAMED.search(text), text
    assert not NAMED.search('row["total_pnl_usd"], cash_usd') and not NAMED.search("remember")
