"""Reference data that families of shares have in common: exchanges, universes, corporate actions."""
