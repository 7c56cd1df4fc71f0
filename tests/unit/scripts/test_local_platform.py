"""What a plan would change, and what a developer is given to sign in with."""

from typing import Any

import pytest

from scripts.local_platform.differences import differences
from scripts.local_platform.users import Developer, ensure_user


def plan(*changes: dict[str, Any]) -> dict[str, Any]:
    defaults = {"address": "aws_thing.one", "mode": "managed"}
    return {"resource_changes": [defaults | {"change": change} for change in changes]}


def test_attributes_that_differ_are_named() -> None:
    change = {
        "actions": ["update"],
        "before": {"name": "a", "policy": "x", "tags": {"a": "b"}, "dropped": 1},
        "after": {"name": "a", "policy": "y", "tags": {"a": "b"}, "added": 2},
        "after_unknown": {},
    }

    assert differences(plan(change)) == {"aws_thing.one": {"policy", "dropped", "added"}}


@pytest.mark.parametrize(
    ("marks", "differs"), [(True, True), ([], False), ([{}], False), ([{"id": [False, True]}], True), (False, False)]
)
def test_what_only_the_application_settles_differs(marks: object, differs: bool) -> None:
    change = {"actions": ["update"], "before": {"id": 1}, "after": {"id": 1}, "after_unknown": {"id": marks}}

    assert differences(plan(change)) == {"aws_thing.one": {"id"} if differs else set()}


def test_resources_that_come_or_go_differ_in_all_that_they_have() -> None:
    removed = {"actions": ["delete"], "before": {"id": 1}, "after": None, "after_unknown": {}}

    assert differences(plan(removed)) == {"aws_thing.one": {"id"}}


def test_resources_that_stay_do_not_differ() -> None:
    stays = {"actions": ["no-op"], "before": {"id": 1}, "after": {"id": 1}, "after_unknown": {}}

    assert differences(plan(stays)) == {}


class UserPool:
    """Cognito with one user pool."""

    class exceptions:  # noqa: N801 - as boto3 calls it
        class UsernameExistsException(Exception):  # noqa: N818 - as boto3 calls it
            """There is a user of that name."""

    def __init__(self) -> None:
        self.users: dict[str, dict[str, str]] = {}
        self.passwords: dict[str, str] = {}

    def admin_create_user(self, **asked: Any) -> None:
        if asked["Username"] in self.users:
            raise self.exceptions.UsernameExistsException
        self.users[asked["Username"]] = {found["Name"]: found["Value"] for found in asked["UserAttributes"]}

    def admin_set_user_password(self, **asked: Any) -> None:
        assert asked["Permanent"]
        self.passwords[asked["Username"]] = asked["Password"]


def test_developer_belongs_to_a_tenant_and_may_sign_in_at_once() -> None:
    pool, user = UserPool(), Developer()

    told = [ensure_user(pool, "pool", user) for _ in range(2)]

    assert told == [{"email": user.email, "password": user.password, "tenant": user.tenant}] * 2
    assert pool.users[user.email]["custom:tenant"] == user.tenant
    assert pool.passwords == {user.email: user.password}
