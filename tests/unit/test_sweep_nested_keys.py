"""A sweep over keys of nested sections: numbers, words and times of day, sections that may be null or a word."""

import pytest

from tradewinds.config import markets, resolve
from tradewinds.core.errors import ConfigError
from tradewinds.sweeps import replays
from tradewinds.sweeps.axes import parse_axes
from tradewinds.sweeps.grid import grid_points
from tradewinds.sweeps.keys import known_keys, with_settings

NESTED = {
    "properties": {
        "orb": {"type": "object", "properties": {"base_minutes": {"type": "integer", "minimum": 1}}},
        "trade": {
            "type": "object",
            "properties": {
                "t1_r": {"type": "number"},
                "trail": {"type": ["object", "null"], "properties": {"start_r": {"type": "number"}}},
            },
        },
        "costs": {"type": ["object", "string"], "properties": {"tick": {"type": ["number", "null"]}}},
        "governance": {
            "type": "object",
            "properties": {
                "max_signals_per_day": {"type": ["integer", "null"]},
                "time_cutoff": {"type": ["string", "null"]},
            },
        },
    }
}
BASE = {
    "market": "equities_daily",
    "strategy": {"name": "Mean Reversion", "parameters": None},
    "orb": {"base_minutes": 15},
    "trade": {"t1_r": 1.0, "trail": None},
    "costs": {"tick": 0.01},
    "governance": {"max_signals_per_day": 3, "time_cutoff": None},
}


def values(text, base=BASE):
    (axis,) = parse_axes([text], base, "--grid", open_ranges=False)
    return [axis.value(index) for index in range(axis.size)]


class TestASchemaWithNestedSections:
    """The schema of a family whose numbers stand in sections beside `strategy`."""

    @pytest.fixture(autouse=True)
    def _schema(self, monkeypatch):
        monkeypatch.setattr(resolve, "schema", lambda market: NESTED)

    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("orb.base_minutes=5:30:5", [5, 10, 15, 20, 25, 30]),
            ("trade.t1_r=0.5:1.5:0.5", [0.5, 1.0, 1.5]),
            ("trade.trail.start_r=1,2", [1, 2]),
            ("governance.max_signals_per_day=1,null,3", [1, None, 3]),
            ("costs.tick=null,0.01", [None, 0.01]),
            ("governance.time_cutoff=10:30,11:00,null", ["10:30", "11:00", None]),
            ("governance.time_cutoff=10:30", ["10:30"]),
        ],
    )
    def test_a_key_takes_its_values_as_its_schema_says(self, text, wanted):
        found = values(text)
        assert found == wanted and [type(value) for value in found] == [type(value) for value in wanted]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("orb=1,2", "this is a section, not a key. Name one of its keys: orb.base_minutes"),
            ("orb.base_minuts=5,10", "Did you mean orb.base_minutes"),
            ("trade.base_minutes=5", "Did you mean orb.base_minutes"),
        ],
    )
    def test_a_misspelt_key_is_answered_with_the_nearest(self, text, said):
        with pytest.raises(ConfigError, match=said):
            values(text)

    def test_a_word_in_place_of_a_section_is_not_filled_up_with_defaults(self):
        with pytest.raises(ConfigError, match="the config has costs: none, which has no such key"):
            values("costs.tick=null,0.01", {**BASE, "costs": "none"})

    def test_all_numbers_are_known_by_their_dotted_names(self):
        assert {"orb.base_minutes", "trade.trail.start_r", "governance.time_cutoff"} <= set(known_keys(BASE))


def test_setting_a_key_makes_the_sections_that_it_needs_and_changes_no_other():
    changed = with_settings(BASE, {"trade.trail.start_r": 2, "orb.base_minutes": 5})
    assert changed["trade"] == {"t1_r": 1.0, "trail": {"start_r": 2}} and changed["orb"] == {"base_minutes": 5}
    assert BASE["trade"]["trail"] is None and BASE["orb"] == {"base_minutes": 15}
    assert changed["costs"] is BASE["costs"]


def test_keys_three_sections_deep_make_points_that_read_files_of_their_own():
    conf = resolve.resolve(
        {
            "series_tickers": ["KXHIGHCHI"],
            "date_start_local": "2025-05-02",
            "date_end_local": "2025-05-05",
            "asof_policy": {"local_time": "23:00", "days_before": 1},
            "trade_window_policy": "market_close",
            "cadence_minutes": 1,
            "execution_model": "taker",
            "risk": {"start_balance_usd": 1000},
            "output_dir": "backtests",
        }
    )
    points = grid_points(conf, ["probabilities.publication_lag_hours.GFS=5,6", "risk.fixed_qty=1,2"])
    assert [point.config["probabilities"]["publication_lag_hours"]["GFS"] for point in points] == [5, 5, 6, 6]
    assert [len(group) for group in replays.groups(points)] == [2, 2]


@pytest.mark.parametrize("market", markets.NAMES)
def test_sections_whose_keys_share_one_reading_of_the_files_are_of_the_schema(market):
    family = markets.family_of(market)
    assert family.replay_keys <= set(resolve.schema(market)["properties"])
