"""`python -m canary_tools.rehearsal`."""

import sys

from canary_tools.rehearsal.command import main

sys.exit(main())
