"""`python -m app.cli`: the same as `kontor`."""

from app.cli import main

main()
