"""Every rule of the tables by name, ours first."""

from rollout.contract.gate_rules import Direction, GateRule, JudgeRules, Kind
from rollout.gates.gate import Gate

from bench.gates import peers
from bench.gates.fleet import Fleet
from bench.gates.measure import Decides, MakeRule
from bench.gates.scenarios import Setting

SHIPPED_RATIO = 1.25
SHIPPED_DIFFERENCE = 0.0005


def ours(mode: str, ratio: float = 1.0, min_difference: float = 0.0) -> MakeRule:
    """Return the shipped gate in the given mode."""
    gate = {"name": "errors", "ratio": ratio, "min_difference": min_difference}
    settings = JudgeRules.parse({"mode": mode, "alpha": peers.ALPHA, "gates": [gate]})
    return lambda setting, runs: Fleet(settings, runs, *setting.totals)


def share_gate(*, ratio: float, min_difference: float = 0.0) -> Gate:
    """Return the shipped rules of a gate of the share form; with a `ratio` below 1, fewer events are worse."""
    gate = GateRule(
        name="share", kind=Kind.SHARE, ratio=ratio, min_difference=min_difference,
        direction=Direction.LOWER_IS_WORSE if ratio < 1 else Direction.HIGHER_IS_WORSE,
    )  # fmt: skip
    return Gate(gate, JudgeRules(gates=(gate,), alpha=peers.ALPHA))


def peer(rule: type[peers.Rule]) -> MakeRule:
    """Return another system's rule."""
    return lambda setting, runs: rule(runs, *setting.totals)


def told_both_rates(setting: Setting, runs: int) -> Decides:
    """Return the test that is told both true rates."""
    worse = setting.effect * setting.rate
    return peers.ToldBothRates(runs, *setting.totals, stable_rate=setting.rate, canary_rate=worse)


EXACT = "gate, exact"
ROBUST = "gate, robust, ratio 1"
SHIPPED = "gate, robust, ratio 1.25 (the default)"

SEQUENTIAL: dict[str, MakeRule] = {
    EXACT: ours("exact"),
    ROBUST: ours("robust"),
    "Turner-Grünwald safe test": peer(peers.TurnerGrunwald),
    "Lindon-Malek (Netflix)": peer(peers.LindonMalek),
    "asymptotic normal mixture": peer(peers.AsymptoticMixture),
    "O'Brien-Fleming for a day": peer(peers.OBrienFleming),
    "z-test looked at each minute": peer(peers.ZTest),
}
UNBOUNDED: dict[str, MakeRule] = {
    "Mann-Whitney each minute (Kayenta)": peer(peers.MannWhitney),
    "alarm at 1 % errors in a minute": peer(peers.FixedThreshold),
}
DEFAULT: MakeRule = ours("robust", SHIPPED_RATIO, SHIPPED_DIFFERENCE)
