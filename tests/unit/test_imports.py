"""A library's patterns can wait until they are used."""

import json
import re
import subprocess
import sys

import pytest

from tradewinds.core.imports import postponed_patterns


def test_a_postponed_pattern_is_compiled_when_it_is_first_used():
    with postponed_patterns():
        word, wrong = re.compile("a(b+)", re.IGNORECASE), re.compile("(")
    assert not isinstance(word, re.Pattern)
    assert [found[1] for found in word.finditer("xABby ab")] == ["Bb", "b"]
    assert word.match("ABB")[1] == "BB" and word.fullmatch("ABBC") is None
    assert (word.pattern, word.groups) == ("a(b+)", 1)
    with pytest.raises(re.error):
        wrong.search("(")


def test_after_the_block_patterns_are_compiled_at_once():
    with pytest.raises(ZeroDivisionError), postponed_patterns():
        raise ZeroDivisionError
    assert isinstance(re.compile("a+"), re.Pattern)
    with pytest.raises(re.error):
        re.compile("(")


PROGRAM = """
import json
from tradewinds.core.yaml_text import load, yaml
found = load("{when: 2025-05-01, rate: 1.5, kept: no, text: 'é'}")
unused = "search" not in vars(yaml.reader.Reader.NON_PRINTABLE)
try:
    yaml.safe_load("a: \\x01")
except yaml.YAMLError as error:
    print(json.dumps([{key: str(value) for key, value in found.items()}, unused, str(error).splitlines()[0]]))
"""


def test_reading_yaml_does_not_compile_the_pattern_of_the_python_parser():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    found, unused, refused = json.loads(done.stdout)
    assert found == {"when": "2025-05-01", "rate": "1.5", "kept": "False", "text": "é"}
    assert unused
    assert refused == "unacceptable character #x0001: special characters are not allowed"
