"""AWS's own description of the ELBv2 API, as botocore carries it."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

SERVICE = "elbv2"
# The name in a signature's credential scope (botocore's endpointPrefix of the service).
SIGNING_NAME = "elasticloadbalancing"


@cache
def service_model() -> ServiceModel:
    """Returns the model of the newest API version that the installed botocore knows."""
    description: Any = Loader().load_service_model(SERVICE, "service-2")
    return ServiceModel(description, SERVICE)


@cache
def operation_model(name: str) -> OperationModel:
    """Returns the model of one operation, such as ``CreateRule``."""
    return service_model().operation_model(name)
