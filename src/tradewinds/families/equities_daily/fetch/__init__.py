"""Makes the files of daily bars: fetched from a service, imported from a user's file, or synthetic."""
