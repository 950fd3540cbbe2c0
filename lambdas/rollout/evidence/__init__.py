"""What CloudWatch counted of both slots, period by period, as the gates take it."""

from rollout.evidence.reader import Evidence, EvidenceReader, Window

__all__ = ["Evidence", "EvidenceReader", "Window"]
