"""Reference data that families of shares have in common: calendars of exchanges, universes, corporate actions."""
