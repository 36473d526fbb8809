"""What can go wrong between the bot and a region's host, each as its own error that says what to do.

Texts of the host are cut and cleaned before they get here, and none of them carries what was sent by stdin.
"""

# The names are the vocabulary of the product's messages, as in bot.maas.errors.
# ruff: noqa: N818

from __future__ import annotations

from bot.maas.errors import MaasError

_ADMIN = "Ask whoever runs the host"


class HostError(MaasError):
    """The host did not do what was asked of it, or nobody can tell whether it did."""

    source = "the host"
    default_remedy = "Try again; 'host check' looks at everything that the bot needs there."


# -- settings ------------------------------------------------------------------------------------------------------


class HostNotSetUp(HostError):
    """The region has no host in the settings, or a setting that the connection needs is missing."""

    default_remedy = (
        "Set MAAS_HOST, MAAS_SSH_USER, MAAS_SSH_KEY_FILE and MAAS_SSH_KNOWN_HOSTS for the bot, then start it again."
    )


class KeyFileBad(HostError):
    """The bot's own private key can't be used."""

    default_remedy = "Give MAAS_SSH_KEY_FILE a private key that the bot's user can read and that has no passphrase."


class KnownHostsBad(HostError):
    """The file of pinned host keys can't be read."""

    default_remedy = "Check that MAAS_SSH_KNOWN_HOSTS names a file in known_hosts format that the bot's user can read."


# -- reaching it ---------------------------------------------------------------------------------------------------


class HostUnreachable(HostError):
    """No connection came about; nothing was sent."""

    default_remedy = "Check MAAS_HOST, MAAS_SSH_PORT, the network and the firewall between the bot and the host."


class ConnectionRefused(HostUnreachable):
    """Nothing listens on that port."""

    default_remedy = "Check that sshd runs on the host and that MAAS_SSH_PORT is its port."


class NoRoute(HostUnreachable):
    """The network does not lead there."""

    default_remedy = "Check the network between the bot and the host: the host may be off, or a router is missing."


class NameUnknown(HostUnreachable):
    """The name has no address."""

    default_remedy = "Check MAAS_HOST and the bot's DNS."


class HostSilent(HostUnreachable):
    """Nobody answered in time."""

    default_remedy = "The host may be off, overloaded, or behind a firewall that drops packets. Look at its console."


class NotSsh(HostUnreachable):
    """What answers does not speak SSH as we do."""

    default_remedy = "Check MAAS_SSH_PORT: another service seems to listen there, or an sshd that is very old."


class _Distrusted(HostUnreachable):
    """The key that the host shows is not the pinned one; `fingerprint` is that of the key it shows."""

    def __init__(self, problem: str, remedy: str = "", *, fingerprint: str = "") -> None:
        super().__init__(problem, remedy)
        self.fingerprint = fingerprint


class HostKeyUnknown(_Distrusted):
    """No key of this host is pinned yet."""

    default_remedy = "An admin of the bot can show its fingerprint and pin it: /maas host enrol."


class HostKeyChanged(_Distrusted):
    """The host shows another key than the pinned one: a new host, or somebody in between. Nothing is sent."""

    default_remedy = (
        "Compare the fingerprint on the host's own console. Only if it is right, remove the old line from "
        "MAAS_SSH_KNOWN_HOSTS and pin the new key with /maas host enrol."
    )


class KeyRefused(HostUnreachable):
    """The host does not let the bot's user in with the bot's key. SSH does not say which of the two it is."""

    default_remedy = (
        "Check MAAS_SSH_USER, and that the bot's public key stands in that user's authorized_keys on the host; "
        "sshd's log there says more."
    )


class TooManyKeys(HostUnreachable):
    """The host ended the login after too many tries."""

    default_remedy = "The bot shows one key. Look at MaxAuthTries in the host's sshd_config."


class TooManySessions(HostError):
    """The host opens no further session on the connection. Nothing was sent."""

    default_remedy = "Wait for what runs there; MaxSessions in the host's sshd_config may be very small."


# -- while something runs --------------------------------------------------------------------------------------------


class ConnectionLost(HostError):
    """The connection ended before the answer was there. It is not known what the host did."""

    default_remedy = "The bot looks again when the host is back; do not repeat by hand what it began."


class HostStalled(ConnectionLost):
    """The connection is there and no answer came in time."""

    default_remedy = "Look at the host's load and at its console; the bot looks again."


class Killed(ConnectionLost):
    """What we started there was ended by a signal."""

    default_remedy = "Look at the host's log: it may be short of memory, or somebody ended it."


class AnswerTooLong(HostError):
    """The host sent more than can be a sensible answer; the rest was not read."""

    default_remedy = "Narrow it down, with --lines, --since or --grep."


# -- rights and the program there ------------------------------------------------------------------------------------


class SudoRefused(HostError):
    """sudo does not let the bot's user run the one program. It says the same for 'not allowed' and 'asks for it'."""

    default_remedy = f"{_ADMIN} to run the install script again: maasbot host-helper install-script prints it."


class SudoMissing(HostError):
    """There is no sudo on the host."""

    default_remedy = f"{_ADMIN} to install sudo, then the bot's helper."


class HelperMissing(HostError):
    """The bot's program is not installed on the host."""

    default_remedy = f"{_ADMIN} to run the script that 'maasbot host-helper install-script' prints."


class HelperVersion(HostError):
    """The program on the host is of another version than the bot."""

    default_remedy = f"{_ADMIN} to run the script that 'maasbot host-helper install-script' prints, with this bot."


class HelperBroken(HostError):
    """The program on the host gave an answer that it does not give."""

    default_remedy = f"{_ADMIN} to install it anew; 'host check' says whether it is whole."


class HelperRefused(HostError):
    """The program on the host did not accept the request; nothing was done."""

    default_remedy = "Correct what it names, then ask again."


class NotThere(HostError):
    """What was asked about is not installed, or does not run."""

    default_remedy = "/maas host check says what is installed, /maas host status what runs."


class ProgramFailed(HostError):
    """A program on the host (snap, psql, maas) failed on a question; nothing was changed."""

    default_remedy = "/maas host status and /maas logs show more."


class HostSlow(HostError):
    """A program on the host did not answer in time; nothing was changed."""

    default_remedy = "Look at the host's load; a hanging snapd or database makes such waits. Then ask again."


# -- work there ------------------------------------------------------------------------------------------------------


class HostBusy(HostError):
    """Another job runs on the host, of this bot or of another one; `holder` is its id."""

    default_remedy = "Wait for it to end; /maas host status shows it."

    def __init__(self, problem: str, remedy: str = "", *, holder: str = "") -> None:
        super().__init__(problem, remedy)
        self.holder = holder


class NoSuchJob(HostError):
    """The host knows no job of that id: it was never started."""


class JobFailed(HostError):
    """A job on the host ended badly. `tail` is the end of its log."""

    default_remedy = "Mend what it names, then take it up again: what was done stays done."

    def __init__(self, problem: str, remedy: str = "", *, tail: str = "") -> None:
        super().__init__(problem, remedy)
        self.tail = tail


class StepBlocked(JobFailed):
    """The host is in a state in which the step must not be done; nothing was changed."""


class JobUnseen(HostError):
    """The host went out of sight while a job of this order runs there, or may: it must not be taken as ended."""

    default_remedy = "The bot looks again until the host answers; do not begin anything else there by hand."


class JobLost(HostError):
    """A job on the host ended without a result: a reboot, or somebody killed it. The next look decides."""

    default_remedy = "The bot looks how far it came and goes on from there."
