"""The example configs of opening ranges: each can be read, planned and traded on synthetic bars."""

from pathlib import Path

import pytest
import yaml

from tradewinds.config import resolve
from tradewinds.families.equities_intraday.family import FAMILY
from tradewinds.families.equities_intraday.fetch.synthetic_minutes import make_minutes
from tradewinds.families.equities_intraday.session_panel import make_session_panel
from tradewinds.families.plan import run_plan

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted(ROOT.glob("config/orb_*.yaml"))
SHORT = {"date_end_local": "2025-01-07"}
NAMES = {
    *("orb_classic", "orb_adaptive", "orb_first_candle_qqq", "orb_first_candle_tqqq"),
    *("orb_candle_breakout", "orb_stocks_in_play"),
}


def test_each_published_rule_set_is_there():
    assert {path.stem for path in EXAMPLES} == NAMES


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_it_trades_on_synthetic_bars(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    conf = resolve.resolve(yaml.safe_load(path.read_text()) | SHORT, source=str(path))
    plan = run_plan(conf)
    make_minutes(conf, plan.files.months)
    make_session_panel(conf, plan)
    result = FAMILY.replay(conf, plan, 1, lambda done, total: None)
    result.check_books()
    assert result.trades
    limit = conf["governance"]["max_signals_per_day"]
    entries = {}
    for trade in result.trades:
        key = trade.market_ticker, trade.decision_ts // 86_400
        entries[key] = entries.get(key, 0) + 1
    assert max(entries.values()) <= limit


PAPERS = [path for path in EXAMPLES if path.stem not in ("orb_classic", "orb_adaptive")]


@pytest.mark.parametrize("path", PAPERS, ids=[path.stem for path in PAPERS])
def test_a_rule_set_of_a_paper_names_its_source_its_figure_and_what_differs(path):
    head = path.read_text().partition("\nmarket:")[0]
    for words in (
        "2023" if "candle_" in path.stem and "first" in path.stem else "2024",
        "Published for",
        "What differs here",
    ):
        assert words in head
