"""Policy: who may do what, where, when, and who decides. Deny by default; every decision names its rule."""

from __future__ import annotations

from bot.policy.asking import (
    ROLE_FOR_RISK,
    SETTING_OF,
    Approvers,
    Ask,
    AskTarget,
    Decision,
    Grant,
    GroupMembers,
    GroupUnknownError,
    Risk,
    Role,
    Standings,
)
from bot.policy.file import PolicyFileError, misnamed, read_policy
from bot.policy.policy import Identify, Policy
from bot.policy.rules import Effect, Rule, Rules

__all__ = [
    "ROLE_FOR_RISK",
    "SETTING_OF",
    "Approvers",
    "Ask",
    "AskTarget",
    "Decision",
    "Effect",
    "Grant",
    "GroupMembers",
    "GroupUnknownError",
    "Identify",
    "Policy",
    "PolicyFileError",
    "Risk",
    "Role",
    "Rule",
    "Rules",
    "Standings",
    "misnamed",
    "read_policy",
]
