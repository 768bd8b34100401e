"""Archives of temperature events: how they are made, and the answers of their two services."""
