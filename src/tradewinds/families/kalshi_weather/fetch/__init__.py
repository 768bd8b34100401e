"""How files of temperature events are fetched: catalogs, candles, guidance and climate reports."""
