"""What EC2 tells an instance about itself, by version 2 of its metadata service.

EC2 user guide, "Use the Instance Metadata Service to access instance metadata". Anywhere else nothing answers.
"""

import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import final

_ENDPOINT = "http://169.254.169.254"
_TOKEN_SECONDS = 6 * 3600  # the longest that the service gives
_TIMEOUT_SECONDS = 1.0  # it is on the same machine
_UNAUTHORISED, _NOT_FOUND = 401, 404


class NoMetadataError(OSError):
    """There is no metadata service here, or it does not answer."""


@final
class Metadata:
    """The metadata service."""

    def __init__(self, endpoint: str = _ENDPOINT) -> None:
        """Names it; nothing is asked yet.

        Args:
            endpoint: URL without a path.
        """
        self._endpoint = endpoint
        self._token: str | None = None
        # Without the proxies that the environment may name: the service is not behind any.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> "Metadata | None":
        """The service that AWS's own tools would ask; None where they are told not to."""
        if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
            return None
        return cls(environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", _ENDPOINT).rstrip("/"))

    def get(self, path: str) -> str | None:
        """The text at a path under `latest/meta-data/`; None where there is none.

        Raises:
            NoMetadataError: the service does not answer.
        """
        try:
            return self._get(path)
        except urllib.error.HTTPError as error:
            if error.code == _UNAUTHORISED:  # the token is too old
                self._token = None
                return self._get(path)
            raise

    def _get(self, path: str) -> str | None:
        if self._token is None:
            self._token = self._ask("PUT", "api/token", {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)})
        if self._token is None:
            raise NoMetadataError("the instance metadata service gives no token")
        return self._ask("GET", f"meta-data/{path}", {"X-aws-ec2-metadata-token": self._token})

    def _ask(self, method: str, path: str, headers: Mapping[str, str]) -> str | None:
        request = urllib.request.Request(f"{self._endpoint}/latest/{path}", method=method, headers=dict(headers))
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == _NOT_FOUND:
                return None
            if error.code == _UNAUTHORISED:
                raise
            raise NoMetadataError(f"the instance metadata service answers {error.code} to {path}") from error
        except OSError as error:  # no route, refused, too slow
            raise NoMetadataError(f"there is no instance metadata service: {error}") from error
