"""Configs made to hurt are refused in one screen, in time; the user's own files must be plain files in UTF-8."""

import os
import time

import pytest

from tests.workflow.door_inputs import CONFIG, SHARES
from tradewinds.config import resolve
from tradewinds.config.problems import MOST_PROBLEMS
from tradewinds.core.errors import ConfigError
from tradewinds.core.yaml_text import MOST_BYTES
from tradewinds.reference_data import corporate_actions, universe

MOST_SECONDS = 5.0


def bomb(levels):
    yield "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    yield from (f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, levels))


def merges(levels):
    yield "a0: &a0 {x: 1}\n"
    yield from (f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 9)}], k{n}: 1}}\n" for n in range(1, levels))


SERIES = "[KXHIGHMIA, KXHIGHCHI]"
HOSTILE = {
    "aliases": ("".join(bomb(9)) + CONFIG, "stands for more than"),
    "merges": ("".join(merges(9)) + CONFIG, "stands for more than"),
    "itself": ("a: &a [*a]\n" + CONFIG, "contains itself"),
    "itself, through a mapping": ("a: &a {b: {c: *a}}\n" + CONFIG, "contains itself"),
    "lists": ("a: " + "[" * 5000 + "]" * 5000 + "\n" + CONFIG, "nested more than"),
    "keys of keys": ("? " * 5000 + "\n" + CONFIG, "nested more than"),
    "documents": ("---\n" * 200_000, "stands for more than"),
    "10 MB": (CONFIG + "#" * 10_000_000, "larger than"),
    "10^6 series": (CONFIG.replace(SERIES, "[" + ",".join(f"S{n}" for n in range(10**6)) + "]"), "larger than"),
    "10^4 unknown series": (
        CONFIG.replace(SERIES, "[" + ",".join(f"S{n}" for n in range(10**4)) + "]"),
        "more problems",
    ),
    "20,000 keys": (CONFIG + "".join(f"k{n}: 1\n" for n in range(20_000)), "stands for more than"),
    "5,000 keys": (CONFIG + "".join(f"k{n}: 1\n" for n in range(5_000)), "more problems"),
    "a list of mappings": (
        CONFIG.replace(SERIES, "[" + ",".join(f"{{a: {n}}}" for n in range(5000)) + "]"),
        "not of one kind",
    ),
    "a list of many kinds": (
        CONFIG.replace(SERIES, "[" + ",".join(f"{n},a{n}" for n in range(5000)) + "]"),
        "not of one kind",
    ),
    "the year 1": (CONFIG.replace("2025-03-04", "0001-01-01"), "before 1900"),
    "the year 9999": (CONFIG.replace("2025-03-06", "9999-12-31"), "in the future"),
    "before any market": (CONFIG.replace("2025-03-04", "1950-01-01"), "had no market"),
    "a closing tag": (CONFIG.replace("backtests", '"a[/red]b"'), "output_dir"),
    "a wildcard": (CONFIG.replace("backtests", '"a{b}"'), "output_dir"),
    "half a surrogate": (CONFIG.replace("backtests", '"a\\ud800b"'), "not valid YAML"),
    "a NUL": (CONFIG.replace("backtests", '"a\\0b"'), "control character"),
    "an escape in a key": (CONFIG + '"\\e]0;owned\\a": 1\n', "control character"),
    "a long text": (CONFIG.replace("backtests", "a" * 100_000), "100,000 characters"),
    "a long key": (CONFIG + f"? {'k' * 100_000}\n: 1\n", "100,000 characters"),
    "a whole number of many digits": (CONFIG + "seed: 0x" + "f" * 5000 + "\n", "out of range"),
    "too many digits to read": (CONFIG + "seed: " + "9" * 5000 + "\n", "cannot be read"),
    "infinity": (CONFIG.replace("0.05", ".inf"), "not a finite number"),
    "a key that is no text": (CONFIG + "5: 1\n", "no text"),
    "a key that is a list": (CONFIG + "? [a]\n: 1\n", "unhashable"),
    "!!int": (CONFIG + "x: !!int x\n", "cannot be read"),
    "!!bool": (CONFIG + "x: !!bool x\n", "cannot be read"),
    "!!timestamp": (CONFIG + "x: !!timestamp x\n", "cannot be read"),
    "!!python": (CONFIG + "x: !!python/object/apply:os.getcwd []\n", "not valid YAML"),
}


@pytest.mark.slow
@pytest.mark.parametrize("text, words", HOSTILE.values(), ids=[*HOSTILE])
def test_a_config_made_to_hurt_is_refused_in_one_screen(tmp_path, text, words):
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    begun = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        resolve.load(path)
    said = str(caught.value)
    assert words in said and str(path) in said
    assert said.count("\n") <= MOST_PROBLEMS and len(said) < 20_000 and said.replace("\n", "").isprintable()
    assert time.monotonic() - begun < MOST_SECONDS


def test_the_good_configs_are_good(tmp_path):
    (tmp_path / "c.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "b.yaml").write_bytes(b"\xef\xbb\xbf" + CONFIG.encode())
    assert resolve.load(tmp_path / "c.yaml") == resolve.load(tmp_path / "b.yaml")


KINDS = ["fifo", "folder", "loop", "device"]


def make(path, kind):
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path)
        case _:
            path.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", KINDS)
def test_a_config_that_is_no_plain_file_is_named(tmp_path, kind):
    make(tmp_path / "c.yaml", kind)
    with pytest.raises(ConfigError, match=r"c\.yaml: the config file cannot be read"):
        resolve.load(tmp_path / "c.yaml")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text, key",
    [
        (
            CONFIG.replace(
                "{source: gaussian, emos_days: 0, trailing_days: 10, min_days: 5}", "{source: file, path: x}"
            ),
            "probabilities.path",
        ),
        (CONFIG + "strategy: {name: mine, file: x}\n", "strategy.file"),
        (SHARES.replace("bars.csv", "x"), "bars.path"),
        (SHARES.replace("universe.csv", "x"), "universe.file"),
        (SHARES.replace("actions.csv", "x"), "actions"),
    ],
)
def test_a_users_file_that_is_no_plain_file_is_named(tmp_path, monkeypatch, kind, text, key):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "x", kind)
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"{key}: x cannot be read") as caught:
        resolve.load("c.yaml")
    assert caught.value.exit_code == 2


def test_a_config_as_large_as_allowed_is_read(tmp_path):
    (tmp_path / "c.yaml").write_text(CONFIG + "#" * (MOST_BYTES - len(CONFIG)), encoding="utf-8")
    assert resolve.load(tmp_path / "c.yaml")["output_dir"] == "backtests"


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
@pytest.mark.parametrize(
    "read, head",
    [
        (universe.read_universe, "symbol,active_from,active_to"),
        (corporate_actions.read_actions, "symbol,ex_date,split_ratio,dividend"),
    ],
)
def test_a_table_in_another_encoding_is_named_with_its_line(tmp_path, read, head, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes(f"{head}\nprévision,,\n".encode(encoding))
    with pytest.raises(ConfigError, match=r"t\.csv, line [12]: .*not text in UTF-8.*Save it as UTF-8"):
        read(str(path))


@pytest.mark.parametrize(
    "row",
    [
        "AAA,2024-01-10,1_0,",
        "AAA,2024-01-10,١,",
        "AAA,2024-01-10,nan,",
        "AAA,2024-01-10,,1e9999",
        "AAA,2024-01-10,0,",
        "AAA,2024-01-10,1e30,",
        "AAA,2024-01-10,2,0,9",
    ],
)
def test_an_action_that_cannot_be_is_refused_with_its_line(tmp_path, row):
    path = tmp_path / "a.csv"
    path.write_text(f"symbol,ex_date,split_ratio,dividend\n{row}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"a\.csv, line 2"):
        corporate_actions.read_actions(str(path))
