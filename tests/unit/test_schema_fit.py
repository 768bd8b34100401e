"""The small validator of configs decides as `jsonschema` does, on every schema and on thousands of configs that are wrong."""

import copy
import random
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from tradewinds.config import markets, resolve
from tradewinds.config.schema_fit import NotKnownError, fits

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(ROOT.glob("config/*.yaml"))
ODD = [
    None,
    True,
    False,
    0,
    1,
    1.0,
    0.5,
    -1,
    10**9,
    "",
    "x",
    "2025-01-01",
    "2025-02-30",
    "12:00",
    "skip",
    [],
    ["a", "a"],
    [1],
    {},
    {"source": "files"},
]


def judge(market):
    return jsonschema.Draft202012Validator(resolve.schema(market), format_checker=jsonschema.FormatChecker())


def example(path):
    raw = resolve._plain(yaml.safe_load(path.read_text()))
    return markets.market_of(raw), raw


def places(value, at=()):
    """Key paths of a value and of all that it holds."""
    yield at
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*at, key))


def changed(raw, schema, rng):
    """A config with one to three of its values, or of those that a schema has beside them, replaced, added or removed."""
    made = copy.deepcopy(raw)
    for _ in range(rng.randint(1, 3)):
        *outer, last = rng.choice([place for place in places(made) if place] or [("strategy",)])
        holder = made
        for key in outer:
            holder = holder[key]
        action = rng.randrange(4)
        if action == 0 and isinstance(holder, dict):
            holder.pop(last, None)
        elif action == 1 and isinstance(holder, dict):
            holder[rng.choice(["zzz", *schema["properties"]])] = copy.deepcopy(rng.choice(ODD))
        else:
            holder[last] = copy.deepcopy(rng.choice(ODD))
    return made


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_decides_as_jsonschema_does(path):
    market, raw = example(path)
    schema, validator, rng = resolve.schema(market), judge(market), random.Random(path.stem)
    filled = copy.deepcopy(raw)
    resolve._fill(filled, schema)
    assert fits(raw, schema)
    seen = {True: 0, False: 0}
    for base in (raw, filled):
        for _ in range(400):
            made = changed(base, schema, rng)
            valid = validator.is_valid(made)
            seen[valid] += 1
            try:
                found = fits(made, schema)
            except NotKnownError:
                continue
            assert found == valid, made
    assert min(seen.values()) > 20, seen


@pytest.mark.parametrize("market", markets.NAMES)
def test_it_knows_every_keyword_of_the_schemas(market):
    def check(schema):
        fits_all = {key: value for key, value in schema.items() if key not in ("properties", "oneOf", "items")}
        fits(0, fits_all)  # raises for a keyword that is not known
        items = [schema["items"]] if "items" in schema else []
        for sub in [*schema.get("properties", {}).values(), *schema.get("oneOf", ()), *items]:
            check(sub)

    check(resolve.schema(market))


@pytest.mark.parametrize(
    ("value", "schema"), [([1], {"enum": [[1]]}), ([1, 2], {"uniqueItems": True}), ("a", {"contentEncoding": "x"})]
)
def test_what_it_does_not_know_is_left_to_jsonschema(value, schema):
    with pytest.raises(NotKnownError):
        fits(value, schema)


def test_a_config_that_fits_needs_no_jsonschema():
    code = "import sys; from tradewinds.config import resolve; resolve.load(sys.argv[1]); print(*sys.modules)"
    command = [sys.executable, "-c", code, str(ROOT / "config/demo.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "jsonschema" not in done.stdout.split()
