"""`python -m jaxdiode` and the `jaxdiode` command."""

from .cli import main as main

if __name__ == "__main__":
    main()
