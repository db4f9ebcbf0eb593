"""What a sweep says on stderr while it goes on."""

import sys


def say(text: str) -> None:
    print(f"sweep: {text}", file=sys.stderr)


def reason(error: Exception) -> str:
    """An error in a line, whatever stands in a damaged file."""
    return " ".join(str(error).split())[:100] or type(error).__name__
