"""Tables of temperature events, and what fills them."""
