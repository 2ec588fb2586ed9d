"""``python -m ivigil.cli``."""

from ivigil.cli import main

main()
