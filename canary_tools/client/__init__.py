"""What an application uses beside the SageMaker runtime: who is in a cohort, and what converted. boto3 alone."""

from canary_tools.client.answers import AnsweredBy
from canary_tools.client.buckets import CANARY, STABLE, bucket_header, bucket_of, choose_variant
from canary_tools.client.cohort import Cohort, MalformedCohort
from canary_tools.client.cohort_rules import CohortRules
from canary_tools.client.conversions import Conversions
from canary_tools.client.publishing import MetricDataPublisher, print_documents

__all__ = [
    "CANARY",
    "STABLE",
    "AnsweredBy",
    "Cohort",
    "CohortRules",
    "Conversions",
    "MalformedCohort",
    "MetricDataPublisher",
    "bucket_header",
    "bucket_of",
    "choose_variant",
    "print_documents",
]
