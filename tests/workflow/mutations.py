"""Mutations of inputs, drawn from a seed: bytes, texts, JSON values and columns of Parquet files."""

import io
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq

BYTES = [
    b"\x00",
    b"\xff",
    b"\xfe\xff",
    b"\x1b]0;owned\x07",
    b"\r",
    b"\n",
    b'"',
    b",",
    b";",
    b"\xef\xbb\xbf",
    b"\xc3\x28",
    b"\x9b",
    b"'",
]
TEXTS = [
    *(
        "",
        " ",
        "nan",
        "NaN",
        "inf",
        "-Infinity",
        "1e999",
        "1e-999",
        "-1",
        "0",
        "-0",
        "1_0",
        "١٢",
        "²",
        "0x10",
        "1,5",
        "99999999999999999999999",
    ),
    *(
        "null",
        "None",
        "true",
        "~",
        "=1+1",
        "@x",
        "../../etc/passwd",
        "a\nb",
        "\x1b[2J",
        "\u202e",
        "9999-12-31",
        "0001-01-01",
        "2025-02-30",
    ),
    *(
        "2025-13-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "2025-03-04T12:00:00.9Z",
        "2025-03-04T12:00:00+23:59",
        "{x}",
        "[/red]",
        "!!int x",
    ),
    *(
        "!!binary x",
        "!!timestamp x",
        "*a",
        "&a",
        "<<",
        "- ",
        "? ",
        ": ",
        "%",
        "|",
        ">",
        "#",
        "K" * 5000,
        "yes",
        "no",
        "scalar",
        "0.5",
        "1.5",
    ),
]
VALUES = [
    *(None, True, False, 0, 1, -1, 10**9, 10**30, -(10**30), 0.5, -0.5, 1.2, 1e300, [], {}, [[]], "", "x"),
    *(
        "NaN",
        "1_0",
        "١",
        "-1",
        "9999-12-31T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "../x",
        "A\nB",
        "\x1b[2J",
        "\ud800",
        "M",
        [None],
        {"": None},
    ),
]
TYPES = [
    pa.string(),
    pa.large_string(),
    pa.binary(),
    pa.int8(),
    pa.int64(),
    pa.float32(),
    pa.float64(),
    pa.bool_(),
    pa.date32(),
    pa.null(),
]
TYPES += [
    pa.timestamp("ns"),
    pa.timestamp("s", "Asia/Tokyo"),
    pa.decimal128(38, 18),
    pa.list_(pa.int64()),
    pa.dictionary(pa.int32(), pa.string()),
]
CELLS = [*TEXTS, None, True, 0, -1, 2**62, 1e300, float("nan"), float("inf"), -0.5, b"\xff", [1]]


def of_bytes(dice: random.Random, data: bytes) -> bytes:
    """Change, put in, take out, repeat or cut some bytes."""
    changed = bytearray(data)
    for _ in range(dice.choice([1, 1, 1, 2, 4])):
        at = dice.randrange(len(changed) + 1)
        size = dice.choice([1, 2, 7, 60])
        match dice.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << dice.randrange(8)
            case 1:
                changed[at:at] = dice.choice(BYTES)
            case 2:
                del changed[at : at + size]
            case 3:
                changed[at:at] = changed[at : at + size] * dice.choice([1, 3, 200])
            case 4:
                del changed[dice.randrange(len(changed) + 1) :]
            case _:
                changed[at : at + size] = dice.choice(TEXTS).encode(errors="surrogatepass")
    return bytes(changed)


def of_text(dice: random.Random, text: str) -> str:
    """Replace words of a text by others, or its lines by one another."""
    lines = text.splitlines()
    for _ in range(dice.choice([1, 1, 1, 3])):
        row = dice.randrange(len(lines))
        parts = lines[row].replace(":", ": ").split(dice.choice([",", " "]))
        parts[dice.randrange(len(parts))] = dice.choice(TEXTS)
        lines[row] = (
            dice.choice([",", " "]).join(parts)
            if dice.random() < 0.2
            else (",".join(parts) if "," in lines[row] else " ".join(parts))
        )
        if dice.random() < 0.2:
            lines.insert(dice.randrange(len(lines)), dice.choice(lines))
    return "\n".join(lines) + "\n"


def of_json(dice: random.Random, data: bytes) -> bytes:
    """Put another value in some places of a JSON document, take keys out, or give a key twice."""
    value = json.loads(data)
    for _ in range(dice.choice([1, 1, 1, 2])):
        places = list(_places(value))
        if not places:
            break
        parent, key = dice.choice(places)
        if isinstance(parent, dict) and dice.random() < 0.2:
            del parent[key]
        else:
            parent[key] = dice.choice([*VALUES, *TEXTS])
    text = json.dumps(value, ensure_ascii=dice.random() < 0.5)
    if dice.random() < 0.1:
        at = text.find(",", dice.randrange(len(text)))
        text = (
            text[: at + 1] + dice.choice(['"ticker": "X",', '"a": NaN, "a": 1,', "Infinity,", "1_0,"]) + text[at + 1 :]
        )
    return text.encode(errors="surrogatepass")


def _places(value):
    """Every (container, key) of a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from _places(inner)


def of_parquet(dice: random.Random, data: bytes) -> bytes:
    """Change columns of a Parquet file: their types, cells or names; or its bytes."""
    if dice.random() < 0.3:
        return of_bytes(dice, data)
    table = pq.read_table(io.BytesIO(data))
    for _ in range(dice.choice([1, 1, 1, 2])):
        index = dice.randrange(table.num_columns)
        name, column = table.column_names[index], table.column(index)
        match dice.randrange(4):
            case 0:
                table = table.drop_columns(name) if table.num_columns > 1 else table
            case 1:
                table = table.set_column(index, name, _cast(column, dice.choice(TYPES)))
            case 2:
                table = table.set_column(index, dice.choice([*table.column_names, "x", ""]), column)
            case _:
                table = table.set_column(index, name, _with_cell(dice, column))
        if len(set(table.column_names)) < table.num_columns:
            break
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """A column in another type; nulls of that type where it cannot be."""
    try:
        return column.cast(kind)
    except pa.ArrowException:
        return pa.chunked_array([pa.nulls(len(column), kind)])


def _with_cell(dice: random.Random, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column with another value in one cell: of the column's type, or the whole column as text."""
    cells, value = column.to_pylist(), dice.choice(CELLS)
    if not cells:
        return column
    cells[dice.randrange(len(cells))] = value
    for kind in (column.type, pa.float64(), pa.string()):
        try:
            return pa.chunked_array([pa.array(cells, kind)])
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            continue
    return pa.chunked_array([pa.array([None if cell is None else ascii(cell) for cell in cells], pa.string())])
