"""A flipped bit anywhere in a data file is found; files from before there were digests stay valid."""

import os
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewinds.core import file_digests, files
from tradewinds.core.damage import check_file, damaged_files, naming_damage
from tradewinds.core.errors import DamagedFile
from tradewinds.families.plan import DataFile

SCHEMA = files.schema_of(("name", pa.string()), ("n", pa.int64()))
TABLE = pa.table({"name": ["a", "b", "c"] * 40, "n": range(120)}, schema=SCHEMA)
META = {"covers_through": "2025-03-04", "requests": 3}


@pytest.fixture
def path(tmp_path):
    files.write_parquet(tmp_path / "x.parquet", TABLE, META)
    return tmp_path / "x.parquet"


def test_a_guarded_file_reads_as_any_other(path):
    assert files.read_table(path).equals(TABLE) and files.read_meta(path) == META and pq.read_table(path).equals(TABLE)
    check_file(DataFile(str(path), SCHEMA))


def test_every_flipped_bit_is_damage(path):
    whole = path.read_bytes()
    dice = random.Random(1)
    places = {*range(0, len(whole), 3), *range(len(whole) - 120, len(whole))}
    for place in sorted(places):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << dice.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(DamagedFile):
            check_file(DataFile(str(path), SCHEMA))
        with pytest.raises(DamagedFile), naming_damage([DataFile(str(path), SCHEMA)]):
            pq.read_table(path)


def test_flipped_metadata_is_not_believed(path):
    whole = path.read_bytes()
    place = whole.index(b'"requests": 3') + len('"requests": ')
    path.write_bytes(whole[:place] + b"7" + whole[place + 1 :])
    assert b'"requests": 7' in path.read_bytes()
    with pytest.raises(DamagedFile, match="digest"):
        files.read_meta(path)


def test_a_file_from_before_there_were_digests_is_valid(path, monkeypatch):
    monkeypatch.setattr(file_digests, "add_digests", lambda path: None)
    files.write_parquet(path, TABLE, META)
    assert b"tradewinds-guard" not in path.read_bytes()
    assert files.read_table(path).equals(TABLE) and files.read_meta(path) == META
    assert [*damaged_files([DataFile(str(path), SCHEMA)])] == []


@pytest.mark.parametrize("kind", ["fifo", "folder", "loop", "link to nothing"])
def test_what_is_no_plain_file_is_damage_and_never_waited_for(tmp_path, kind):
    path = tmp_path / "x.parquet"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path)
        case _:
            path.symlink_to(tmp_path / "nothing")
    (damage,) = damaged_files([DataFile(str(path), SCHEMA)])
    assert str(path) in str(damage) and damage.exit_code == 5
