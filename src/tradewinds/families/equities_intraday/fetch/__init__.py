"""Makes the files of minute bars: fetched from a service, imported from a user's files, or synthetic."""
