"""The market family of funding carry: spot and perpetual futures held as one position, for the funding payments."""
