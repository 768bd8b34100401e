"""Whether the data of temperature events is what it should be: fourteen validations."""
