"""Where moto lacks what SNS and Budgets do for billing alarms, by AWS's API references; nothing here is ever delivered.

SNS: an address is "PendingConfirmation" until its owner has followed the link; here ConfirmSubscription with the address
in place of the mail's token is that. Budgets: UpdateBudget, subscribers of notifications, and records that are there twice
or not at all.
"""

from __future__ import annotations

import json
from typing import Any

import moto.budgets.models as budgets
import moto.budgets.responses as budget_responses
import moto.sns.models as topics
import moto.sns.responses as topic_responses
from moto.budgets.exceptions import DuplicateRecordException, NotFoundException
from moto.core.responses import ActionResult
from moto.sns.exceptions import SNSNotFoundError

_respond_subscribe = topic_responses.SNSResponse.subscribe
_respond_list = topic_responses.SNSResponse.list_subscriptions_by_topic


def install() -> None:
    for name, method in (
        ("subscribe", _subscribe),
        ("list_subscriptions_by_topic", _list_subscriptions_by_topic),
        ("confirm_subscription", _confirm_subscription),
    ):
        setattr(topic_responses.SNSResponse, name, method)
    for respond in (
        update_budget,
        describe_notifications_for_budget,
        describe_subscribers_for_notification,
        create_notification,
        create_subscriber,
    ):
        setattr(budget_responses.BudgetsResponse, respond.__name__, respond)


def _is_pending(subscription: topics.Subscription) -> bool:
    return subscription.protocol == "email" and not subscription.confirmed


def _subscribe(self: Any) -> ActionResult:
    answer = _respond_subscribe(self)
    arn = answer.result["SubscriptionArn"]  # type: ignore[index]
    if _is_pending(self.backend.subscriptions[arn]):
        return ActionResult({"SubscriptionArn": "pending confirmation"})
    return answer


def _list_subscriptions_by_topic(self: Any) -> ActionResult:
    answer = _respond_list(self)
    result: Any = answer.result
    shown = [
        {
            "SubscriptionArn": "PendingConfirmation" if _is_pending(one) else one.arn,
            "Owner": one.owner,
            "Protocol": one.protocol,
            "Endpoint": one.endpoint,
            "TopicArn": one.topic_arn,
        }
        for one in result["Subscriptions"]
    ]
    return ActionResult(result | {"Subscriptions": shown})


def _confirm_subscription(self: Any) -> ActionResult:
    topic, token = self._get_param("TopicArn"), self._get_param("Token")
    for one in self.backend.subscriptions.values():
        if one.topic_arn == topic and one.endpoint == token:
            one.confirmed = True
            return ActionResult({"SubscriptionArn": one.arn})
    raise SNSNotFoundError("Topic does not exist")


def _budget(self: Any) -> budgets.Budget:
    name = self._get_param("BudgetName")
    found = self.backend.budgets[self._get_param("AccountId")].get(name)
    if not found:
        raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
    return found  # type: ignore[no-any-return]


def _key(notification: dict[str, Any]) -> tuple[Any, ...]:
    kind = notification.get("ThresholdType", "PERCENTAGE")
    return (
        notification["NotificationType"],
        notification["ComparisonOperator"],
        float(notification["Threshold"]),
        kind,
    )


def _notification(self: Any) -> budgets.Notification:
    wanted = _key(self._get_param("Notification"))
    for one in _budget(self).notifications:
        if _key(one.details) == wanted:
            return one
    raise NotFoundException("Unable to find the notification")


def update_budget(self: Any) -> str:
    """Replaces the budget; its notifications stay."""
    new = self._get_param("NewBudget")
    kept = self.backend.budgets[self._get_param("AccountId")]
    before = kept.get(new["BudgetName"])
    if not before:
        raise NotFoundException(f"Unable to update budget: {new['BudgetName']} - the budget doesn't exist.")
    after = budgets.Budget(new, [])
    after.notifications = before.notifications
    kept[new["BudgetName"]] = after
    return json.dumps({})


def describe_notifications_for_budget(self: Any) -> str:
    return json.dumps({"Notifications": [one.details for one in _budget(self).notifications]})


def describe_subscribers_for_notification(self: Any) -> str:
    return json.dumps({"Subscribers": _notification(self).subscribers})


def create_notification(self: Any) -> str:
    budget, wanted = _budget(self), self._get_param("Notification")
    if any(_key(one.details) == _key(wanted) for one in budget.notifications):
        raise DuplicateRecordException("notification", str(wanted))
    budget.add_notification(wanted, self._get_param("Subscribers"))
    return json.dumps({})


def create_subscriber(self: Any) -> str:
    subscribers: Any = _notification(self).subscribers
    if self._get_param("Subscriber") in subscribers:
        raise DuplicateRecordException("subscriber", str(self._get_param("Subscriber")))
    subscribers.append(self._get_param("Subscriber"))
    return json.dumps({})
