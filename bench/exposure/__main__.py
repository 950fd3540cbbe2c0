"""Compare harm, false rollbacks and missed bad releases of this product with other systems' decision rules.

    cdk synth --quiet --output build/paced
    cdk synth --quiet --app "python -m examples.recommender.demo.app" -c steps=10,50,100 --output build/fixed
    python -m bench.exposure run --paced build/paced/Recommender.template.json \\
        --fixed build/fixed/Recommender.template.json --seeds 200 --results build/exposure.jsonl
    python -m bench.exposure tables --results build/exposure.jsonl
    python -m bench.exposure held-back --paced build/paced/Recommender.template.json --seeds 200

Of all systems, ours included, the decision rules run, in the same worlds, each with its own random draws. Results that
the file already holds are kept, so that a run can be stopped and continued.
"""

import argparse
import os
import sys
from pathlib import Path

from bench.exposure.held_back import print_table
from bench.exposure.rules import RULES
from bench.exposure.running import BUDGETS, FIXED, paced, run
from bench.exposure.tables import print_tables
from bench.exposure.worlds import WORLDS

DEFAULT = paced(BUDGETS[0])


def main() -> int:
    """Run the study, or print its results."""
    parser = argparse.ArgumentParser(prog="python -m bench.exposure", description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="compute the results that the file does not hold yet")
    running.add_argument("--paced", type=Path, required=True, help="template with a harm budget")
    running.add_argument("--fixed", type=Path, required=True, help="template with the steps 10, 50, 100 %%")
    running.add_argument("--seeds", type=int, default=200, help="of the other systems' rules")
    running.add_argument("--our-seeds", type=int, default=200, help=f"of {DEFAULT}, which takes longer")
    running.add_argument("--variant-seeds", type=int, default=200, help="of our other budgets and of fixed steps")
    running.add_argument("--worlds", choices=("all", "good", "bad"), default="all")
    held = commands.add_parser("held-back", help="print what a hold-back of a day finds after our default plan")
    held.add_argument("--paced", type=Path, required=True, help="template with a harm budget")
    held.add_argument("--seeds", type=int, default=200)
    for command in (running, held):
        command.add_argument("--processes", type=int, default=os.cpu_count())
    for command in (running, commands.add_parser("tables", help="print the results as tables")):
        command.add_argument("--results", type=Path, required=True)
    options = parser.parse_args()
    if options.command == "run":
        variants = (*map(paced, BUDGETS[1:]), FIXED)
        seeds = {
            **{rule.name: options.seeds for rule in RULES},
            DEFAULT: options.our_seeds,
            **dict.fromkeys(variants, options.variant_seeds),
        }
        worlds = [world for world in WORLDS if options.worlds in ("all", "bad" if world.bad else "good")]
        run(
            options.paced, options.fixed, options.results, seeds=seeds, worlds=worlds, processes=options.processes
        )  # fmt: skip
    elif options.command == "held-back":
        print_table(options.paced, seeds=options.seeds, processes=options.processes)
    else:
        print_tables(options.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
