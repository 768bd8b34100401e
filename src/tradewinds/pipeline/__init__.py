"""Runs Snakemake, and what its jobs do."""
