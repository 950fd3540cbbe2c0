"""Runs the demonstration: ``python -m examples.recommender.demo``."""

from examples.recommender.demo.demonstration import main

if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        raise SystemExit(130) from None
