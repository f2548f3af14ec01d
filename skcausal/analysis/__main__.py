"""Make ``python -m skcausal.analysis`` the same as ``skcausal``."""

import sys

from skcausal.analysis import main

if __name__ == "__main__":
    sys.exit(main())
