"""Write config/README.md: every key of a config, from the schemas that check it, and every known series.

`python scripts/config_readme.py` writes the page; a test fails when it is out of date.
"""

from pathlib import Path
from typing import Any

from tradewinds.config import markets, resolve
from tradewinds.config.key_list import ConfigKey, config_keys
from tradewinds.families.kalshi_weather import climate_days

HEAD = """# The config

One YAML file describes one run. Keys marked **required** must be there; all others have a default. Unknown keys, wrong types
and values out of range are errors that name file, line, key and remedy.

| file | what it shows |
|---|---|
| `kalshi_chicago.yaml` | a month of Chicago's daily highs on the project's own forecast |
| `demo.yaml` | two cities over the synthetic archive of `make demo` |
| `equities_demo.yaml` | a strategy of shares on synthetic daily prices ([docs/equities_daily.md](../docs/equities_daily.md)) |
| `orb_classic.yaml` | the plain opening range breakout, on synthetic bars ([its page](../docs/equities_intraday.md)) |
| `orb_adaptive.yaml` | a range whose length follows volatility, with confirmations and daily limits |
| `orb_first_candle_qqq.yaml`, `orb_first_candle_tqqq.yaml` | the published 5-minute rule sets of Zarattini & Aziz (2023) |
| `orb_candle_breakout.yaml`, `orb_stocks_in_play.yaml` | the published rule sets of Zarattini, Barbon & Aziz (2024) |
| `funding_conservative.yaml`, `funding_balanced.yaml`, `funding_aggressive.yaml` | the presets of funding carry |
| `funding_hold_always.yaml` | the same without a signal: held all the time |

Credentials come from the environment only (`KALSHI_API_KEY_ID`, `KALSHI_PRIVATE_KEY_PATH`); they are optional and must not be
in this file. `database.url` may name environment variables: `mysql+pymysql://me:${DB_PASSWORD}@127.0.0.1/tradewinds`.

A config is a plain file in UTF-8 of at most 1 MB. It stands for at most 20,000 keys and values, counted as often as aliases
repeat them, 50 levels deep. Texts hold no control characters and at most 4,096 characters, numbers are at most 10^15, dates
begin in 1900 (2010 for temperatures). `output_dir` holds none of `[ ] { } * ?`, and no path holds `{ }`: Snakemake reads them
as patterns. An error shows the first 20 problems and counts the rest.

The run id is a hash of everything below except `database`, `output_dir`, `cache_dir`, `kalshi`, `iem`, `yahoo`,
`binance_bulk`, `binance_futures`, `binance_spot`, `bybit`, `okx`, `hyperliquid` and `fetch`: which server is asked, how fast,
and where files are written do not change a result. The default of a key that came after the first runs
(`risk.exit_after_missing_days`) is no part of it either, so that older configs keep their run ids.

<!-- Below this line the page is made by scripts/config_readme.py from config/schemas/. -->

"""
TABLE = "| key | values | default | meaning |\n|---|---|---|---|\n"


def rows(schema: dict[str, Any]) -> list[str]:
    """Return the rows of the table of a schema's keys."""
    return [
        f"| `{key.name}` | {_cell(key.values)} | {_default(key)} | {_cell(key.meaning)} |"
        for key in config_keys(schema, required=tuple(schema["required"]))
    ]


def _default(key: ConfigKey) -> str:
    """Return the default of a key as a table cell."""
    if key.required:
        return "**required**"
    return "—" if key.default is None else f"`{key.default}`"


def _cell(text: str) -> str:
    """Escape a text for a Markdown table."""
    return text.replace("|", "\\|")


def page() -> str:
    """Return the whole page as Markdown."""
    keys = "\n\n".join(map(_keys_of, markets.NAMES))
    series = "\n".join(
        f"| {s.series_ticker} | {s.station_id} | {s.city} | {s.target} | {s.timezone} | {s.first_date or 'unknown'} |"
        for s in climate_days.stations().values()
    )
    head = "| series | station | city | target | civil clock | first date |\n|---|---|---|---|---|---|"
    return f"{HEAD}{keys}\n\n## Series\n\n{head}\n{series}\n"


def _keys_of(market: str) -> str:
    """Return the section with the keys of a market family: its schema's title, and a table of all keys."""
    schema = resolve.schema(market)
    table = "\n".join(rows(schema))
    told = f"`market: {market}`; a config with the key `{markets.implied_by(market)}` need not say it."
    return f"## {schema['title']}\n\n{told}\n\n{TABLE}{table}"


if __name__ == "__main__":
    Path("config/README.md").write_text(page(), encoding="utf-8")
