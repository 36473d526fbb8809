"""Stand-ins for Slack, a MAAS region and a host. Test equipment: nothing in bot or commands knows them."""
