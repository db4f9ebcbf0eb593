"""What the site shows of the package, the tests and the notebooks, written when it is built."""
