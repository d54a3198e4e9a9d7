"""One idea a file; a kernel writes only into the state that it is given."""
