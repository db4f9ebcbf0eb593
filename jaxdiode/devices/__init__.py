"""One file per physical system; devices do not import each other."""
