"""report.md and equity.png: a run for people, made from its files alone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from tradewinds import store, yaml_text
from tradewinds.results import breakdown
from tradewinds.results.plots import equity_plot
from tradewinds.results.text import plain

REASONS = {
    "OPPOSING_POSITION": "the other side of the market is held",
    "LIQUIDITY": "more than the allowed share of the candle's volume",
    "MAX_CONTRACTS_PER_MARKET": "the market is full",
    "MAX_CONTRACTS_PER_EVENT": "the event is full",
    "MAX_TOTAL_OPEN_CONTRACTS": "the account is full",
    "MAX_NOTIONAL_PER_EVENT_USD": "the event's money is used up",
    "MAX_TRADES_PER_EVENT_PER_DAY": "the event's orders of the day are used up",
    "INSUFFICIENT_CASH": "not enough cash",
    "EV_THRESHOLD": "the smaller order a limit left is not worth its fee",
    "EMPTY_WINDOW": "the market has no time to trade in",
    "CROSSED_QUOTE": "bid above ask: no quote",
    "NO_PROBABILITY": "no probability at the as-of time",
    "NO_EVENT": "the exchange lists no such event",
    "UNSETTLED": "a market has no final result",
    "MISSING_QUOTES": "no candle",
    "MISSING_PROBABILITIES": "no probability for any market",
    "DATE_MAPPING": "date or station cannot be told",
}

_METRICS = (
    ("Start balance, USD", "start_balance_usd", 2),
    ("End balance, USD", "end_balance_usd", 2),
    ("P&L, USD", "total_pnl_usd", 2),
    ("Fees, USD", "total_fees_usd", 2),
    ("Return, %", "roi_pct", 3),
    ("Trades", "num_trades", 0),
    ("Contracts", "num_contracts", 0),
    ("Win rate, %", "win_rate_pct", 2),
    ("Average profit, USD", "avg_profit_usd", 4),
    ("Average loss, USD", "avg_loss_usd", 4),
    ("Profit factor", "profit_factor", 3),
    ("Max drawdown, USD", "max_drawdown_usd", 2),
    ("Max drawdown, %", "max_drawdown_pct", 3),
    ("Sharpe (√365)", "sharpe", 3),
    ("Sortino (√365)", "sortino", 3),
    ("Decision to settlement, minutes", "exposure_time_avg_minutes", 0),
    ("Brier score", "brier", 4),
    ("Log loss", "log_loss", 4),
)

SHOWN_FAILURES = 10  # of each validation

LIMITS = """## What this does not know

- Quotes are the best bid and ask at the close of 1-minute candles, carried forward until the next one; there is no depth.
  An order is assumed to fill whole at that ask, whatever its size (`risk.max_volume_share` bounds it by traded volume).
- Taker orders only: no queue, no partial fill, no price impact. Orders of this run do not move the market they replay.
- The exchange's recorded result is the truth; trading costs are its published fees.
- One path of history is one sample. A good month is not an edge.
"""


def write_report(folder: str | Path) -> None:
    """Write report.md and equity.png into a run's folder."""
    target = Path(folder)
    metrics = json.loads((target / "metrics.json").read_text(encoding="utf-8"))
    manifest = json.loads((target / "run_manifest.json").read_text(encoding="utf-8"))
    config = yaml_text.load((target / "config_resolved.yaml").read_text(encoding="utf-8"))
    trades = store.read_rows(target / "trades.parquet")
    with store.replacing(target / "equity.png") as temporary:
        equity_plot(target / "equity.csv", temporary)
    store.write_text(target / "report.md", "\n".join(_sections(metrics, manifest, config, trades)))


def _sections(
    metrics: dict[str, Any], manifest: dict[str, Any], config: dict[str, Any], trades: list[dict[str, Any]]
) -> Iterable[str]:
    diagnostics = metrics["diagnostics"]
    yield f"# {', '.join(config['series_tickers'])}, {config['date_start_local']} to {config['date_end_local']}\n"
    yield _summary(metrics, config) + "\n"
    yield "![Equity and drawdown](equity.png)\n"
    yield "## Result\n"
    yield table(("", ""), [(label, shown(metrics[key], digits)) for label, key, digits in _METRICS], "lr")
    yield "\n— is undefined: its denominator is zero or there is too little of it.\n"
    if not trades:
        yield _why_nothing(diagnostics)
    for title, header, rows in breakdown.tables(trades):
        yield f"## {title}\n"
        yield table(header, [tuple(map(escape, row)) for row in rows], "l" + "r" * (len(header) - 1)) + "\n"
    yield from _diagnostics(diagnostics)
    yield from _validations(diagnostics)
    yield from _calibration(metrics["calibration"])
    yield LIMITS
    yield _reproduce(manifest)


def _summary(metrics: dict[str, Any], config: dict[str, Any]) -> str:
    diagnostics = metrics["diagnostics"]
    return (
        f"Strategy `{config['strategy']['name']}` on probabilities from `{config['probabilities']['source']}`: "
        f"{metrics['num_trades']} trades in {diagnostics['events_traded']} of {diagnostics['events_attempted']} events, "
        f"P&L {shown(metrics['total_pnl_usd'], 2)} USD after {shown(metrics['total_fees_usd'], 2)} USD of fees."
    )


def _because(code: str) -> str:
    """What a reason code means; a validation's name says it itself."""
    return "this validation failed" if code.startswith("VALIDATION:") else REASONS[code]


def _why_nothing(diagnostics: dict[str, Any]) -> str:
    causes = [
        f"{count} event(s) skipped, {code}: {_because(code)}" for code, count in diagnostics["events_skipped"].items()
    ]
    causes += [f"{count} refusal(s), {code}: {_because(code)}" for code, count in diagnostics["rejections"].items()]
    skipped = sum(diagnostics["events_skipped"].values())
    if not diagnostics["rejections"] and skipped < diagnostics["events_attempted"]:
        causes += ["no visible quote left an expected value above `risk.min_ev_per_contract` after the fee"]
    return "**Nothing was traded:** " + "; ".join(causes) + ".\n"


def _diagnostics(diagnostics: dict[str, Any]) -> Iterable[str]:
    yield "## Events and refusals\n"
    skipped = diagnostics["events_skipped"]
    by_reason: dict[str, list[str]] = {}
    for event, reason in diagnostics["skipped_events"]:
        by_reason.setdefault(reason, []).append(event)
    rows = [(code, _because(code), str(count), escape(", ".join(by_reason[code]))) for code, count in skipped.items()]
    yield table(("Event skipped", "because", "events", "which"), rows, "llrl") if rows else "No event was skipped."
    yield ""
    rejected = [(code, _because(code), str(count)) for code, count in diagnostics["rejections"].items()]
    if rejected:
        yield table(("Order refused", "because", "decisions"), rejected, "llr")
    share = diagnostics["candles_missing_pct"]
    yield (
        f"\nMinutes of the trade windows without a candle: {shown(share, 2)} % (nothing changed in them). "
        "`events.csv` says of each event which candles it has and how they were fetched.\n"
    )


def _validations(diagnostics: dict[str, Any]) -> Iterable[str]:
    yield "## Validations\n"
    details = diagnostics["validation_details"]
    rows = [(v["name"], v["what"], str(v["judged"]), str(len(v["failures"]))) for v in details]
    yield table(("Validation", "what holds", "judged", "failed"), rows, "llrr")
    yield (
        "\nJudged are events that nothing else kept out of the replay, and every trade; what an event lacks for a validation "
        "is not judged.\n"
    )
    for v in details:
        for event, why in v["failures"][:SHOWN_FAILURES]:
            left_out = "left out" if event in diagnostics["quarantined"] else "replayed all the same"
            yield f"- {v['name']}: {escape(event)}, {left_out}: {escape(why)}"
        if len(v["failures"]) > SHOWN_FAILURES:
            yield f"- {v['name']}: and {len(v['failures']) - SHOWN_FAILURES} more, all in metrics.json"
    yield ""


def _calibration(bins: list[dict[str, Any]]) -> Iterable[str]:
    yield "## Calibration\n"
    rows = [
        (f"{b['from']:.1f} – {b['to']:.1f}", str(b["n"]), shown(b["mean_p"], 3), shown(b["frequency"], 3)) for b in bins
    ]
    yield table(("Probability", "markets", "mean", "came true"), rows, "lrrr") + "\n"


def _reproduce(manifest: dict[str, Any]) -> str:
    return (
        "## How to reproduce\n\n"
        f"    {manifest['reproduce']}\n\n"
        f"Run `{manifest['run_id']}`, tradewinds {manifest['tradewinds_version']}"
        f" ({manifest['git_sha'] or 'no checkout'}), data up to {manifest['data_watermark_utc'] or 'none'}; "
        f"hashes of all {len(manifest['inputs'])} input files are in run_manifest.json.\n"
    )


def table(header: Iterable[str], rows: Iterable[Iterable[str]], sides: str) -> str:
    """A Markdown table; `sides` has l or r per column."""
    marks = ["---:" if side == "r" else "---" for side in sides]
    lines = [list(header), marks, *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def shown(value: float | int | str | Decimal | None, digits: int) -> str:
    """A number with so many decimals; — for an undefined one."""
    if value is None:
        return "—"
    return plain(round(Decimal(str(value)), digits), digits)


def escape(text: str) -> str:
    """Text from outside, harmless in Markdown and HTML."""
    for sign, harmless in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("`", "\\`")):
        text = text.replace(sign, harmless)
    return " ".join(text.split())
