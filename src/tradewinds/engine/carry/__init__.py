"""The loop of carry positions: long spot and short perpetual, or the reverse, held as one position that collects funding."""
