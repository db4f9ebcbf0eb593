"""The command line: one command per verb; every result lands in a folder it names."""

from .entry import COMMANDS as COMMANDS
from .entry import main as main
