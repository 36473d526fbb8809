"""A model of an approval's life: any order of clicks, expiries, crashes, policy changes and replays keeps the promises.

No effect without a valid word on that very plan; at most one effect; never approved by the requester; every end is
in the audit, and the chain is whole.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant

from bot.operations.records import OperationState
from tests.approvals.stories import Stories
from tests.approvals.switch import recorded

ENDS = {
    OperationState.WITHDRAWN: "operation.withdrawn",
    OperationState.EXPIRED: "operation.expired",
    OperationState.DENIED: "operation.denied",
    OperationState.VOID: "operation.void",
    OperationState.DONE: "operation.ended",
    OperationState.FAILED: "operation.ended",
}
WORDS = {"confirmed": "operation.confirmed", "approved": "operation.approved", "glass": "break_glass"}


class ApprovalLife(Stories):
    """The acts and stories, and what holds after each of them."""

    @invariant()
    def no_effect_without_a_word_and_at_most_one(self) -> None:
        for operation_id, count in self.effects.items():
            assert count == 1
            assert operation_id in self.legal

    @invariant()
    def all_is_in_the_audit_and_an_end_is_an_end(self) -> None:
        said, approvals = self.run(self.database.run(recorded))
        for operation in self.run(self.operations.recent(500)):
            kinds = said[operation.id]
            assert kinds[0] == "operation.planned"
            if operation.state.ended:
                assert self.ends.setdefault(operation.id, operation.state) is operation.state
                assert kinds.count(ENDS[operation.state]) == 1, kinds
            assert operation.broke_glass == ("break_glass" in kinds)
            if operation.confirmed_at is not None:
                assert WORDS[self.legal[operation.id]] in kinds
            lapsed = kinds.count("operation.lapsed")
            assert approvals.get(operation.id, 0) == kinds.count("operation.approved") - lapsed


TestApprovalLife = ApprovalLife.TestCase
TestApprovalLife.settings = settings(
    max_examples=50, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
