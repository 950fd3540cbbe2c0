"""`python -m canary_tools.rehearsal`."""

import sys

from canary_tools.extras import run

sys.exit(run("rehearsal", "canary_tools.rehearsal.command"))
