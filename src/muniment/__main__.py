"""`python -m muniment`."""

from muniment.cli.start import main

main()
