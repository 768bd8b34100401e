"""Audits of a result: does it use what was not known yet (look-ahead), and does it come out the same again (reproduce)."""
