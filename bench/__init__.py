"""Measures of the bot beside something comparable, both in one run: `python -m bench [NAME…]`."""
