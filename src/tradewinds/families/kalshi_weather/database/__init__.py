"""Tables of temperature events, and the code that fills them."""
