"""Whether IAM policies allow an action: a small evaluator, for roles that schedules use and for tests of generated policies.

AWS: "Policy evaluation logic": an explicit Deny wins, else one Allow is enough, else no. What this one doesn't know (an
operator, a kind of principal) is an error, never a guess. Boundaries, session policies and policies of resources or of the
organization are not looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Context = Mapping[str, str | list[str]]
Document = Mapping[str, Any]


class PolicyError(ValueError):
    """The policy holds what this evaluator does not know, or what IAM would refuse."""


def allowed(
    documents: Iterable[Document | str], action: str, resource: str, context: Context | None = None
) -> bool:
    """context: the request's condition keys ("aws:ResourceTag/curfew:job": "digits"); their names' case does not matter."""
    found = _lowered(context or {})
    effects = {
        statement.get("Effect")
        for document in documents
        for statement in _statements(document)
        if _names(statement, "Action", action, ignore_case=True)
        and _names(statement, "Resource", resource, context=found)
        and _conditions_hold(statement, found)
    }
    return "Allow" in effects and "Deny" not in effects


def may_assume(trust: Document | str, service: str, context: Context | None = None) -> bool:
    """Whether a role's trust policy lets an AWS service ("scheduler.amazonaws.com") assume it."""
    found = _lowered(context or {})
    effects = {
        statement.get("Effect")
        for statement in _statements(trust)
        if _names(statement, "Action", "sts:AssumeRole", ignore_case=True)
        and _is_principal(statement.get("Principal"), service)
        and _conditions_hold(statement, found)
    }
    return "Allow" in effects and "Deny" not in effects


def _lowered(context: Context) -> dict[str, list[str]]:
    return {key.lower(): _list(value) for key, value in context.items()}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple | set) else [value]


def _statements(document: Document | str) -> list[dict[str, Any]]:
    read = json.loads(document) if isinstance(document, str) else document
    statements = _list(read.get("Statement", []))
    for statement in statements:
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise PolicyError(f"a statement's Effect is Allow or Deny, not {statement.get('Effect')!r}")
    return statements


def _is_principal(principal: Any, service: str) -> bool:
    if principal == "*":
        return True
    return isinstance(principal, dict) and service in _list(principal.get("Service", []))


def _names(
    statement: Mapping[str, Any],
    key: str,
    value: str,
    context: Mapping[str, list[str]] | None = None,
    ignore_case: bool = False,
) -> bool:
    """By Action or NotAction, Resource or NotResource. Trust policies have no Resource."""
    for name, wanted in ((key, True), ("Not" + key, False)):
        if name in statement:
            patterns = [_filled(str(pattern), context or {}) for pattern in _list(statement[name])]
            return any(_like(value, pattern, ignore_case) for pattern in patterns) is wanted
    raise PolicyError(f"a statement has neither {key} nor Not{key}")


def _filled(pattern: str, context: Mapping[str, list[str]]) -> str:
    """Policy variables: ${ec2:InstanceID}, ${*}. One that the request has no value for matches nothing."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in ("*", "?", "$"):
            return f"\0{name}"
        values = context.get(name.lower(), [])
        return values[0].replace("*", "\0*").replace("?", "\0?") if len(values) == 1 else "\0none"

    return re.sub(r"\$\{([^}]+)\}", value, pattern)


def _like(value: str, pattern: str, ignore_case: bool = False) -> bool:
    """IAM's own wildcards: * and ?, and no others. A character behind a NUL is meant as it stands."""
    parts = re.findall(r"\0none|\0.|.", pattern, re.DOTALL)
    translated = "".join(
        {"*": ".*", "?": ".", "\0none": "(?!)"}.get(part, re.escape(part.removeprefix("\0")))
        for part in parts
    )
    return re.fullmatch(translated, value, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def _arn_like(value: str, pattern: str) -> bool:
    """Each of an ARN's six parts by itself: a wildcard does not reach over a colon, except in the last."""
    values, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(values) == len(patterns) == 6 and all(map(_like, values, patterns))


def _plain(value: str, wanted: str) -> bool:
    return value == wanted.replace("\0", "")


def _numeric(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: compare(float(value), float(wanted))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _plain,
    "StringEqualsIgnoreCase": lambda value, wanted: _plain(value.lower(), wanted.lower()),
    "StringLike": _like,
    "ArnEquals": _arn_like,  # AWS: the same as ArnLike
    "ArnLike": _arn_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "NumericEquals": _numeric(lambda a, b: a == b),
    "NumericLessThan": _numeric(lambda a, b: a < b),
    "NumericLessThanEquals": _numeric(lambda a, b: a <= b),
    "NumericGreaterThan": _numeric(lambda a, b: a > b),
    "NumericGreaterThanEquals": _numeric(lambda a, b: a >= b),
}


def _conditions_hold(statement: Mapping[str, Any], context: Mapping[str, list[str]]) -> bool:
    return all(
        _condition_holds(operator, key, _list(wanted), context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _condition_holds(operator: str, key: str, wanted: list[Any], context: Mapping[str, list[str]]) -> bool:
    quantifier, _, name = operator.rpartition(":")
    if quantifier not in ("", "ForAnyValue", "ForAllValues"):
        raise PolicyError(f"the condition operator {operator} is not known here")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    values = context.get(key.lower())
    if name == "Null":
        return any((values is None) is (str(each).lower() == "true") for each in wanted)
    negated = "Not" in name
    compare = _OPERATORS.get(name.replace("Not", "", 1))
    if compare is None:
        raise PolicyError(f"the condition operator {operator} is not known here")
    if values is None:  # AWS: the negated ones hold where the key is missing, and so does ForAllValues
        return if_exists or negated or quantifier == "ForAllValues"
    patterns = [_filled(str(each), context) for each in wanted]
    held = [any(compare(value, pattern) for pattern in patterns) is not negated for value in values]
    if not quantifier and len(values) > 1:
        raise PolicyError(f"{key} has several values: {operator} needs ForAnyValue or ForAllValues")
    return all(held) if quantifier == "ForAllValues" else any(held)
