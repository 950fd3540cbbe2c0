"""`canary`, or `python -m canary_tools.cli`."""

import sys

from canary_tools.extras import run


def main() -> int:
    """Run the command; return its exit status."""
    return run("cli", "canary_tools.cli.command")


if __name__ == "__main__":
    sys.exit(main())
