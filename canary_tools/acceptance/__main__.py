"""`python -m canary_tools.acceptance`."""

import sys

from canary_tools.extras import run

sys.exit(run("acceptance", "canary_tools.acceptance.command"))
