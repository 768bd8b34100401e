"""Tables of funding carry in the database, and how a run's rows come into them."""
