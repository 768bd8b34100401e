"""What tells runs apart: the settings in which they differ, one function for lists, comparisons and pages."""

from tradewinds.config.differences import differing_settings, flat, told_apart, value_text

ONE = {"market": "a", "risk": {"qty": 1, "most": 5}, "date": "x", "only": True}
TWO = {"market": "a", "risk": {"qty": 2, "most": 5}, "date": "y"}
OTHER = {"market": "b", "risk": {"qty": 9}}


def test_settings_that_differ_have_a_value_for_each_config():
    assert differing_settings([ONE, TWO]) == {"risk.qty": [1, 2], "date": ["x", "y"], "only": [True, None]}
    assert differing_settings([ONE]) == differing_settings([]) == differing_settings([ONE, ONE]) == {}
    assert dict(flat(OTHER)) == {"market": "b", "risk.qty": 9}


def test_runs_are_told_apart_from_those_of_their_market():
    found = told_apart({"1": ONE, "2": TWO, "3": OTHER}, ("date",))
    assert found == {"1": {"risk.qty": 1, "only": True}, "2": {"risk.qty": 2}, "3": {}}
    assert told_apart({"1": {"market": "a", "most": 5}, "2": {"market": "a"}}) == {
        "1": {"most": 5},
        "2": {"most": None},
    }


def test_defaults_that_another_source_brings_tell_nothing():
    base = {"market": "kalshi_weather", "probabilities": {"source": "gaussian", "trailing_days": 60, "min_days": 20}}
    own = {"market": "kalshi_weather", "probabilities": {"source": "file", "path": "mine.csv"}}
    assert differing_settings([base, own]) == {
        "probabilities.source": ["gaussian", "file"],
        "probabilities.path": [None, "mine.csv"],
    }
    longer = {"market": "kalshi_weather", "probabilities": {"source": "gaussian", "trailing_days": 90, "min_days": 20}}
    assert differing_settings([longer, own])["probabilities.trailing_days"] == [90, None]
    assert "probabilities.min_days" not in differing_settings([longer, own, base])


def test_what_the_fewest_runs_share_comes_first():
    runs = {
        "1": {"market": "a", "x": 1, "y": 1},
        "2": {"market": "a", "x": 1, "y": 2},
        "3": {"market": "a", "x": 2, "y": 1},
    }
    assert [list(values) for values in told_apart(runs).values()] == [["x", "y"], ["y", "x"], ["x", "y"]]


def test_values_are_shown_as_a_config_has_them():
    assert [value_text(value) for value in (None, True, "a b", 0.5, ["x", 1])] == [
        "—",
        "true",
        "a b",
        "0.5",
        '["x", 1]',
    ]
