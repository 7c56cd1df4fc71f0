"""A plan as Terraform tells it in JSON: what every resource is going to be."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Values = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """One planned deployment.

    Attributes:
        resources: the planned values by address; data sources that wait for the apply are among them.
        kinds: the resources' types by address.
    """

    resources: dict[str, Values]
    kinds: dict[str, str]

    def __getitem__(self, address: str) -> Values:
        """The values of one resource."""
        return self.resources[address]

    def of_type(self, kind: str) -> dict[str, Values]:
        """All resources of one type, such as `aws_sqs_queue`, by address."""
        return {address: self.resources[address] for address, found in self.kinds.items() if found == kind}

    def only(self, kind: str, **values: Any) -> Values:
        """The one resource of a type that has these values."""
        found = [one for one in self.of_type(kind).values() if values.items() <= one.items()]
        assert len(found) == 1, f"{len(found)} {kind} have {values}"
        return found[0]

    def statements(self, document: str) -> dict[str, Values]:
        """The statements of a policy document by their `sid`."""
        return {statement["sid"]: statement for statement in self[document]["statement"]}

    def all_statements(self) -> Iterator[tuple[str, Values]]:
        """Every statement of every policy document, with the document's address."""
        for address, document in self.of_type("aws_iam_policy_document").items():
            for statement in document["statement"] or []:
                yield address, statement


def read_plans(lines: str) -> dict[str, Plan]:
    """The plans in the output of `terraform test -json -verbose`, by the name of their run."""
    messages = (json.loads(line) for line in lines.splitlines())
    return {
        message["@testrun"]: _plan(message["test_plan"]["resource_changes"])
        for message in messages
        if message["type"] == "test_plan"
    }


def _plan(changes: list[Values]) -> Plan:
    planned = [change for change in changes if change["change"]["after"] is not None]
    return Plan(
        {change["address"]: change["change"]["after"] for change in planned},
        {change["address"]: change["type"] for change in planned},
    )
