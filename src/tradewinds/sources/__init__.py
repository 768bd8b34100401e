"""One module per outside service, over one polite HTTP client; and the replay server that stands in for them."""
