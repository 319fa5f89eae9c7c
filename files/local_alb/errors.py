"""The errors that the API answers with."""

from __future__ import annotations


class ApiError(Exception):
    """A refusal in AWS's own words.

    ``code`` is the error code of the wire (``PriorityInUse``), ``message`` a sentence for people, ``status`` the HTTP
    status. Codes and statuses are those of botocore's ``elbv2`` service model and of "Common Errors" in the Elastic
    Load Balancing API reference.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status

    @property
    def is_from_sender(self) -> bool:
        """Whether the caller is to blame."""
        return self.status < 500


def validation_error(message: str) -> ApiError:
    """Returns what AWS answers to a request that is well-formed and yet not acceptable."""
    return ApiError("ValidationError", message)


def invalid_configuration(message: str) -> ApiError:
    """Returns what AWS answers to settings that contradict each other or the kind of the resource."""
    return ApiError("InvalidConfigurationRequest", message)
