"""Configs: load, check, fill in, digest; and which market family a config belongs to."""
