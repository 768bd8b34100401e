"""The SQL database of runs: tables, schema versions, load, queries."""
