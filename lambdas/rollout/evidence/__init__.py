"""What CloudWatch counted of both slots, period by period, as the gates take it."""

from rollout.evidence.reader import Evidence, EvidenceReader, Window
from rollout.evidence.sources import SlotCount

__all__ = ["Evidence", "EvidenceReader", "SlotCount", "Window"]
