"""Market families: one folder each, with one contract (contract.py)."""
