"""Compare harm, false rollbacks and missed bad releases of this product with other systems' decision rules.

    cdk synth -c steps=10,50,100 --output build/plain
    cdk synth -c steps=1,10,50,100 --output build/careful
    python -m bench.exposure run --ours build/plain/Recommender.template.json \\
        --careful build/careful/Recommender.template.json --seeds 200 --results build/exposure.jsonl
    python -m bench.exposure tables --results build/exposure.jsonl

Our product is rehearsed as it is deployed. Of the other systems, only the decision rules run, in the same worlds, each
with its own random draws. Results that the file already holds are kept.
"""

import argparse
import os
import sys
from pathlib import Path

from bench.exposure.running import run
from bench.exposure.tables import print_tables


def main() -> int:
    """Run the study, or print its results."""
    parser = argparse.ArgumentParser(prog="python -m bench.exposure", description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="compute the results that the file does not hold yet")
    running.add_argument("--ours", type=Path, required=True, help="template with the steps 10, 50, 100 %%")
    running.add_argument("--careful", type=Path, required=True, help="template with the steps 1, 10, 50, 100 %%")
    running.add_argument("--seeds", type=int, default=200)
    running.add_argument("--careful-seeds", type=int, default=200, help="seeds of the second plan, which takes longest")
    running.add_argument("--processes", type=int, default=os.cpu_count())
    for command in (running, commands.add_parser("tables", help="print the results as tables")):
        command.add_argument("--results", type=Path, required=True)
    options = parser.parse_args()
    if options.command == "run":
        run(
            options.ours, options.careful, options.results, seeds=options.seeds,
            careful_seeds=options.careful_seeds, processes=options.processes,
        )  # fmt: skip
    else:
        print_tables(options.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
