"""Who calls: API Gateway verifies the token and hands its claims on; nothing else says who it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.api.problems import ProblemError, ProblemKind
from model_store.uploads import BatchKey

TENANT_CLAIM = "custom:tenant"
MAX_TENANT_BYTES = 128


@dataclass(frozen=True)
class Caller:
    """A user, and the tenant that everything they may see belongs to."""

    tenant: str
    user: str

    def batch_key(self, batch: str) -> BatchKey:
        """The key of a batch with that id, if the tenant has one."""
        return BatchKey(self.tenant, batch)


def caller_of(event: Mapping[str, Any]) -> Caller:
    """Reads the claims of a verified token.

    Args:
        event: of API Gateway, payload 2.0.

    Raises:
        ProblemError: there are none, or the user belongs to no tenant.
    """
    claims = _claims(event)
    user, tenant = claims.get("sub"), claims.get(TENANT_CLAIM)
    if not isinstance(user, str) or not user:
        raise ProblemError(
            ProblemKind.NO_TOKEN, "This needs a token: sign in and send it as `Authorization: Bearer …`."
        )
    if not isinstance(tenant, str) or not _is_tenant(tenant):
        raise ProblemError(
            ProblemKind.NO_TENANT,
            "This user belongs to no tenant: send the id token (access tokens name none), or ask an administrator to "
            f"set the attribute {TENANT_CLAIM}.",
        )
    return Caller(tenant, user)


def _claims(event: Mapping[str, Any]) -> Mapping[str, Any]:
    match event:
        case {"requestContext": {"authorizer": {"jwt": {"claims": dict(claims)}}}}:
            return claims
    return {}


def _is_tenant(tenant: str) -> bool:
    """Whether keys can begin with it: see `model_store.items` and `model_store.uploads`."""
    fits = tenant.isprintable() and 0 < len(tenant.encode()) <= MAX_TENANT_BYTES
    return fits and tenant not in {".", ".."} and not {"/", "#"} & set(tenant)
