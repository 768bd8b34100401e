"""The local web page and the JSON API over the database and the run folders: everything is read, nothing is changed."""
