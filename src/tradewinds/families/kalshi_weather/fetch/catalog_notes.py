"""What the sync of a catalog found, as a line for people."""

from __future__ import annotations

from tradewinds.core import files


def note_of(path: str) -> str:
    """Say what the last sync of a catalog listed, what of it was new, and through which date its results are final.

    Args:
        path: the catalog; its metadata has the numbers.

    Raises:
        DamagedFile: the file cannot be read.
    """
    meta = files.read_meta(path)
    closes = f", closes {meta['earliest_close'][:10]} to {meta['latest_close'][:10]}" if meta["markets"] else ""
    return (
        f"catalog of {meta['series_ticker']}: {meta['fetched']} markets listed, {meta['inserted']} new, "
        f"{meta['updated']} changed{closes}; final through {meta['covers_through']}"
    )
