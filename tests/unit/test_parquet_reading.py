"""The reader of whole Parquet files reads what pyarrow.parquet reads, and is refused what pyarrow.parquet refuses."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewinds.core.parquet_reading import parquet_metadata, read_parquet


@pytest.fixture
def path(tmp_path):
    table = pa.table(
        {
            "name": ["a", None, "c"],
            "name_too": pa.array(["x", "y", "x"]).dictionary_encode(),
            "points": pa.array([[1.5, 2.5], [], None], pa.list_(pa.float64())),
            "pair": [{"low": 1, "high": 2}, {"low": None, "high": 4}, None],
            "ts": pa.array([0, 1, 2], pa.timestamp("us", "UTC")),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2, write_page_checksum=True)
    return str(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    "columns", [None, [], ["name"], ["points", "name"], ["pair"], ["pair", "none"], ["name", "ts", "name_too"], ["pai"]]
)
def test_it_reads_the_table_that_pyarrow_reads(path, columns):
    with pq.ParquetFile(path) as file:
        wanted = file.read(columns=columns)
    for source in (path, pa.BufferReader(Path(path).read_bytes())):
        found = read_parquet(source, columns)
        assert found.equals(wanted, check_metadata=True)
        assert found.schema.equals(wanted.schema, check_metadata=True)


def test_it_reads_the_metadata_that_pyarrow_reads(path):
    assert parquet_metadata(path).equals(pq.read_metadata(path))
    assert parquet_metadata(path).metadata == pq.read_metadata(path).metadata


def test_a_missing_file_is_missing(tmp_path):
    for read in (read_parquet, parquet_metadata):
        with pytest.raises(FileNotFoundError):
            read(str(tmp_path / "none.parquet"))


def test_a_flipped_bit_of_a_page_is_found(path):
    with open(path, "r+b") as file:
        file.seek(40)
        byte = file.read(1)[0]
        file.seek(40)
        file.write(bytes([byte ^ 1]))
    with pytest.raises((pa.ArrowException, OSError)):
        read_parquet(path)
    with pq.ParquetFile(path, page_checksum_verification=True) as file, pytest.raises((pa.ArrowException, OSError)):
        file.read()
