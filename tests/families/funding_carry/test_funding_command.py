"""`tradewinds funding` before anything runs: what its flags mean, what it refuses, and with which exit code."""

import pytest
import yaml

from tradewinds.cli import funding
from tradewinds.cli.app import main
from tradewinds.cli.funding import Base, Flags, mode_of
from tradewinds.core.errors import ConfigError

BTC, DAYS = "BTC/USDT:USDT", ("--start", "2024-01-01", "--end", "2024-01-10")
ASKED = ("--symbol", BTC, *DAYS, "--source", "synthetic")
NO_FLAGS = Flags({}, None, None)


def base(**strategy):
    return Base({"strategy": strategy} if strategy else {}, {}, "my.yaml")


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Call the command in an empty folder; returns its exit code and message, and checks that nothing was written."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, configs=()):
        for number, text in enumerate(configs):
            (tmp_path / f"{number}.yaml").write_text(text)
            arguments = (*arguments, "--config", f"{number}.yaml")
        before = {path.name for path in tmp_path.iterdir()}
        with pytest.raises(SystemExit) as ended:
            main(["funding", *arguments])
        assert {path.name for path in tmp_path.iterdir()} == before
        return ended.value.code, capsys.readouterr().err

    return call


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--symbol", "BTCUSDT", *DAYS), ["BTC/USDT:USDT"]),
        (("--symbol", "BTC/USD:BTC", *DAYS), ["linear only"]),
        ((*ASKED, "--mode", "fast"), ["--mode", "simple, composite, compare"]),
        ((*ASKED, "--preset", "brave"), ["--preset", "conservative", "seed"]),
        ((*ASKED, "--mode", "simple", "--preset", "balanced"), ["balanced is one of --mode composite"]),
        ((*ASKED, "--mode", "composite", "--min-rate", "0.001"), ["--min-rate", "--mode simple"]),
        ((*ASKED, "--mode", "simple", "--exit-threshold", "0.1"), ["--exit-threshold", "--mode composite"]),
        ((*ASKED, "--min-rate", "0.0001", "--exit-rate", "0.0002"), ["exit_funding_rate", "is above"]),
        ((*ASKED, "--min-rate", "much"), ["--min-rate"]),
        ((*ASKED, "--direction", "up"), ["direction"]),
        ((*ASKED, "--leverage", "0.5"), ["margin.leverage"]),
        ((*ASKED, "--initial-capital", "0"), ["risk.start_balance"]),
        ((*ASKED, "--data", "records"), ["--source and --data contradict"]),
        (("--symbol", BTC, *DAYS, "--source", "mtgox"), ["data.source"]),
        (("--symbol", BTC, "--start", "2024-01-10", "--end", "2024-01-01"), ["is after"]),
        (("--symbol", BTC, "--start", "1.1.2024", "--end", "2024-01-01"), ["--start", "YYYY-MM-DD"]),
        (DAYS, ["--symbol: not given", "--symbol BTC/USDT:USDT"]),
        ((), ["--symbol, --start, --end: not given"]),
    ],
)
def test_usage_errors_are_one_paragraph_and_exit_2(refused, arguments, words):
    code, says = refused(*arguments)
    assert code == 2, says
    assert all(word in says for word in words), says


SIMPLE, COMPOSITE = "strategy: {name: funding_simple}\n", "strategy: {preset: balanced}\n"


@pytest.mark.parametrize(
    ("configs", "arguments", "words"),
    [
        ((COMPOSITE, SIMPLE), (), ["0.yaml", "funding_simple first"]),
        ((SIMPLE, SIMPLE), ("--mode", "compare"), ["1.yaml", "funding_composite"]),
        ((SIMPLE, "strategy: {}\n"), (), ["1.yaml", "missing"]),
        ((SIMPLE, COMPOSITE), ("--mode", "simple"), ["two configs are compared"]),
        ((SIMPLE, COMPOSITE, SIMPLE), (), ["more than two configs"]),
        (("strategy: {name: funding_simple}\nextra: 1\n",), (), ["0.yaml, line 2", "extra"]),
    ],
)
def test_configs_are_of_the_simple_then_of_the_composite_strategy(refused, configs, arguments, words):
    code, says = refused(*ASKED, *arguments, configs=configs)
    assert code == 2 and all(word in says for word in words), says


@pytest.mark.parametrize(
    ("mode", "preset", "config", "modes"),
    [
        (None, None, base(), ["simple"]),
        ("composite", None, base(), ["composite"]),
        (None, "aggressive", base(), ["composite"]),
        (None, "seed", base(), ["simple"]),
        (None, None, base(preset="balanced"), ["composite"]),
        ("simple", None, base(preset="balanced"), ["simple"]),
        ("compare", None, base(), ["simple", "composite"]),
        ("compare", "aggressive", base(name="funding_simple"), ["simple", "composite"]),
    ],
)
def test_the_mode_is_that_of_flag_preset_or_config(mode, preset, config, modes):
    assert funding._modes(mode, preset, [config], NO_FLAGS) == modes


def test_two_configs_ask_for_both_modes():
    assert funding._modes(None, None, [base(name="funding_simple"), base(preset="balanced")], NO_FLAGS) == [
        "simple",
        "composite",
    ]
    with pytest.raises(ConfigError, match="first"):
        funding._modes(None, None, [base(preset="balanced"), base(name="funding_simple")], NO_FLAGS)


def test_a_strategy_keeps_what_both_have_and_flags_win():
    before = {"name": "funding_simple", "parameters": {"min_funding_rate": 0.001, "direction": "both"}}
    flags = Flags({"--exit-rate": 0.0002, "--entry-threshold": 0.5}, None, "aggressive")
    simple = funding._strategy(before, "simple", flags)
    assert simple == {
        "name": "funding_simple",
        "parameters": {"min_funding_rate": 0.001, "direction": "both", "exit_funding_rate": 0.0002},
    }
    composite = funding._strategy(before, "composite", flags)
    assert composite == {"preset": "aggressive", "parameters": {"direction": "both", "entry_threshold": 0.5}}
    assert mode_of(composite) == "composite" and mode_of(None) is None and mode_of({"name": "other"}) is None


def test_another_source_forgets_the_path_of_the_one_before():
    before = {"symbols": [BTC], "data": {"source": "files", "path": "x", "candle_minutes": 30}}
    changed = funding._merged(before, {}, {"data": {"source": "synthetic"}, "risk": {}})
    assert changed["data"] == {"source": "synthetic", "candle_minutes": 30} and "risk" not in changed
    assert before["data"]["path"] == "x"


def test_a_dry_run_shows_the_plan_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["funding", *ASKED, "--mode", "compare", "--dry-run"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0 and shown.count("Plan") == 2 and "months of funding rates" in shown
    assert list(tmp_path.iterdir()) == []


def test_no_fetch_without_records_is_exit_3(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["funding", "--symbol", BTC, *DAYS, "--source", "bybit", "--no-fetch"])
    assert ended.value.code == 3, capsys.readouterr().err
    (written,) = tmp_path.glob("backtests/configs/*.yaml")
    assert yaml.safe_load(written.read_text())["data"] == {"source": "bybit"}
