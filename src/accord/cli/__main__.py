"""``python -m accord.cli``: the command line without its script."""

import sys

from accord.cli import main

sys.exit(main())
