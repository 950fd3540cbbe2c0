"""What an application uses beside the SageMaker runtime: who is in a cohort, and what converted. boto3 alone."""

from canary_construct_client.answers import AnsweredBy
from canary_construct_client.buckets import CANARY, STABLE, bucket_header, bucket_of, choose_variant
from canary_construct_client.cohort import Cohort, MalformedCohort
from canary_construct_client.cohort_rules import CohortRules
from canary_construct_client.conversions import Conversions
from canary_construct_client.publishing import MetricDataPublisher, print_documents

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
