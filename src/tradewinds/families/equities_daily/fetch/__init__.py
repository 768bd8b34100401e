"""How files of daily bars are fetched, imported and made."""
