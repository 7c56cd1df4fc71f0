"""Somebody who can sign in to the page of the local platform."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Developer:
    """A user whose password is known to everybody: the platform listens on the loopback address alone.

    Attributes:
        email: what they sign in with.
        password: fits the user pool's rules.
        tenant: whose photos they see; the one that `memorability upload` uses by itself.
    """

    email: str = "developer@example.org"
    password: str = "Memorability-1"
    tenant: str = "default"


def ensure_user(cognito: Any, pool_id: str, user: Developer) -> dict[str, str]:
    """Creates a user, unless it is there; returns what clients need to know.

    Args:
        cognito: a client of `cognito-idp`.
        pool_id: the user pool.
        user: who.
    """
    attributes = {"email": user.email, "email_verified": "true", "custom:tenant": user.tenant}
    try:
        cognito.admin_create_user(
            UserPoolId=pool_id,
            Username=user.email,
            UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
            MessageAction="SUPPRESS",
        )
    except cognito.exceptions.UsernameExistsException:
        return asdict(user)
    cognito.admin_set_user_password(UserPoolId=pool_id, Username=user.email, Password=user.password, Permanent=True)
    return asdict(user)
