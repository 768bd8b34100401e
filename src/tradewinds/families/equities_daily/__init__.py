"""Daily equities; FAMILY in family.py is what the rest of the program sees of them."""
