"""Rooms that serve every family name no market, no service and no currency."""

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "tradewinds"
ROOMS = (
    *("core", "config", "sources", "engine", "reference_data", "results", "database", "archive"),
    *("strategies", "pipeline", "sweeps", "audits", "session", "serve"),
)
NAMES = re.compile(
    r"kalshi|\biem\b|yahoo|polymarket|weather|climate|dollar|(?<!_)\busd\b(?!t)"
    r"|funding_carry|binance|bybit|\bokx\b|hyperliquid|bitcoin",
    re.IGNORECASE,
)
# Keys and names that users rely on say USD for every currency; metrics.json has the account's currency beside them.
KEPT = re.compile(r"[A-Za-z_{}]+_usd\b|_USD\b")
# The table of markets, the names that users' own strategy files import, and tables as the first version made them.
EXCEPT = {"config/markets.py", "strategies/user_file.py", "database/migrations/versions/v0001_first.py"}
DRAWN = "results/report/pictures.py"  # whose formulas begin with a dollar sign


@pytest.mark.parametrize("room", ROOMS)
def test_it_names_no_market_no_service_and_no_currency(room):
    found = []
    for path in sorted((PACKAGE / room).rglob("*")):
        name = path.relative_to(PACKAGE).as_posix()
        if path.suffix not in {".py", ".c", ".j2", ".js", ".css"} or name in EXCEPT or "vendor" in path.parts:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            rest = KEPT.sub("", line) if name != DRAWN else KEPT.sub("", line).replace("dollar sign", "")
            found += [f"{name}:{number}: {match[0]}" for match in NAMES.finditer(rest)]
    assert found == []


def test_what_would_be_a_name_is_found():
    for text in (
        "P&L, USD",
        "import kalshi_weather",
        "the weather service",
        "micro-dollars",
        "asks iem",
        "from Binance",
    ):
        assert NAMES.search(KEPT.sub("", text)), text
    for text in ('row["total_pnl_usd"]', "MAX_NOTIONAL_PER_EVENT_USD", "remember"):
        assert not NAMES.search(KEPT.sub("", text)), text
