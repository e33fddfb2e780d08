"""`python -m convcost`: the command line."""

from convcost.cli import main

main()
