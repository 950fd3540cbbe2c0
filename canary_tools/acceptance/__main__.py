"""`python -m canary_tools.acceptance`."""

import sys

from canary_tools.acceptance.command import main

sys.exit(main())
