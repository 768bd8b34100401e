"""A number that is written wrong: what flags and keys of a config say of it, in plain words."""

import pytest

from tests.families.funding_carry.carry_configs import raw_config
from tradewinds.cli import app as program
from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError
from tradewinds.core.number_hints import number_hint, percent_as_part


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5%", "without the percent sign"),
        ("None", "Leave it out"),
        ("nan", "Leave it out"),
        ("10;000", "without separators: 10000."),
        ("1,000,000", "without separators: 1000000."),
        ("-1 000", "without separators: -1000."),
        ("0,05", "with a point: 0.05."),
        ("5,25", "with a point: 5.25."),
        ("1;2", "digits alone, for example 0.0005"),
        ("\t5k", "digits alone"),
    ],
)
def test_a_hint_names_what_is_to_be_written(text, said):
    assert said in number_hint(text)


def test_a_percentage_is_shown_as_a_part_of_one():
    assert [percent_as_part(text) for text in ("0.05%", "5 %", "-1%", "x%", "5")] == [
        "0.0005",
        "0.05",
        "-0.01",
        None,
        None,
    ]


RAW = ("Input should", "unable to parse", "pydantic", "parsing", "None is", "[type=")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            "funding --min-rate 0.05%",
            "--min-rate: '0.05%' is not a number. Write it without the percent sign, as a part of one: 0.0005.",
        ),
        ("funding --exit-rate 0,05", "--exit-rate: '0,05' is not a number. Write decimals with a point: 0.05."),
        ("funding --leverage None", "--leverage: 'None' is not a number. Leave it out"),
        (
            "funding --initial-capital 10;000",
            "--initial-capital: '10;000' is not a number. Write it without separators: 10000.",
        ),
        (
            "archive serve --archive x --port 9x",
            "--port: '9x' is not a whole number. Write digits alone, for example 10.",
        ),
        ("archive serve --archive x --port 70000", "--port: '70000' is out of range. Give a number of at most 65,535."),
        (
            "archive serve --archive x --faults 5%",
            "--faults: '5%' is not a number. Write it without the percent sign, as a part of one: 0.05.",
        ),
        ("archive serve --archive x --faults 5", "--faults: '5' is out of range. Give a number of at most 1."),
        ("runs --limit 0", "--limit: '0' is out of range. Give a number of at least 1."),
        ("runs --limit 1.5", "--limit: '1.5' is not a whole number."),
        ("serve --port tab\there", "--port: 'tab\\there' is not a whole number."),
        ("lookahead-check --config x --cuts many", "--cuts: 'many' is not a whole number."),
    ],
)
def test_a_flag_says_in_plain_words_what_is_wrong(arguments, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        program.main([part for part in arguments.split(" ") if part])
    found = capsys.readouterr().err
    assert stopped.value.code == 2 and found.startswith(said), found
    assert not [word for word in RAW if word in found] and found.count("\n") == 1


@pytest.mark.parametrize(
    ("sections", "key", "said"),
    [
        ({"costs": {"slippage_bps": "5%"}}, "costs.slippage_bps", "without the percent sign"),
        ({"risk": {"start_balance": "10;000"}}, "risk.start_balance", "without separators: 10000."),
        ({"margin": {"leverage": "None"}}, "margin.leverage", "Leave it out"),
        ({"risk": {"max_positions": "2,5"}}, "risk.max_positions", "with a point: 2.5."),
        ({"data": {"rates": "prozent"}}, "data.rates", "Allowed: fraction, percent; or null, for no value."),
    ],
)
def test_a_key_says_in_plain_words_what_is_wrong(sections, key, said):
    with pytest.raises(ConfigError) as wrong:
        resolve.resolve(raw_config(**sections))
    text = str(wrong.value)
    assert key in text and said in text and "None." not in text and ", None" not in text


def test_a_tab_in_a_config_is_called_a_tab(tmp_path):
    path = tmp_path / "tabs.yaml"
    path.write_text("market: funding_carry\nsymbols:\n\t- BTC/USDT:USDT\n")
    with pytest.raises(ConfigError, match=r"line 3: .*a tab stands where YAML takes spaces only.*Replace the tabs"):
        resolve.load(path)
