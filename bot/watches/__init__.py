"""Watches: channels that are told, without being asked, what happens in a region. Knows nothing of Slack."""
