"""Archives: folders of recorded or invented answers, and the server on this machine that gives them."""
