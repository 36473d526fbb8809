"""The helper that runs as root on a region's host. `bot/host/bundle.py` makes one file of these modules.

Standard library only, Python 3.8 on (Ubuntu 20.04 to 24.04), and nothing of the bot's: what is here ends up on a host
where none of it is installed. Its words to the outside are those of `bot/host/protocol.py`.
"""
