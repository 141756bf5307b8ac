"""`python -m landscape_gui` is `landscape-gui`."""

import sys

from landscape_gui.cli import main

if __name__ == "__main__":
    sys.exit(main())
