"""How long SageMaker takes, as a rehearsal assumes. AWS documents none of these times."""

FLEET_UPDATE_SECONDS = 600.0
WEIGHT_UPDATE_SECONDS = 30.0
