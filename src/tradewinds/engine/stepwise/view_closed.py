"""The error of a view that is read too late."""


class ViewClosed(RuntimeError):
    """A view was read after the decision for which it was made."""
