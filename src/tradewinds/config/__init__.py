"""Configs: load, check, fill in defaults, digest; and find the market family of a config."""
