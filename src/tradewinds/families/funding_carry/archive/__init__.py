"""Perpetuals in an archive: how they are stored, and the answers of the exchanges from them."""
