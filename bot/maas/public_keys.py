"""SSH public keys: reading what people paste, and telling keys apart as people do. Nothing here asks a region."""

from __future__ import annotations

from dataclasses import dataclass

import asyncssh

#: Kinds that MAAS takes (maasserver/models/sshkey.py); DSA keys no current sshd accepts.
_KINDS = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")


class KeyFault(ValueError):  # noqa: N818 - it is the fault that is named, and its text is for people
    """Why a text is no public key, in a sentence without its full stop. It quotes nothing of the text."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key in one line, as MAAS stores it."""

    line: str
    kind: str
    fingerprint: str
    comment: str

    @property
    def told(self) -> str:
        """`ssh-ed25519 SHA256:… olga@laptop`."""
        return f"{self.kind} {self.fingerprint} {self.comment}".strip()


def read_public_key(text: str) -> PublicKey:
    """The public key that was pasted.

    Raises:
        KeyFault: it is none, or it is a private one.
    """
    line = " ".join(text.split())
    if "PRIVATE KEY" in line:
        raise KeyFault(
            "that is a private key: it must not be posted anywhere. Make a new pair and add the public one, whose "
            "file ends in .pub"
        )
    kind = line.partition(" ")[0]
    if kind not in _KINDS:
        raise KeyFault(f"that is no public key; one line that begins with {', '.join(_KINDS[:2])} or ecdsa-… is")
    try:
        key = asyncssh.import_public_key(line)
    except (asyncssh.KeyImportError, ValueError):
        raise KeyFault(f"that {kind} key is cut off or mistyped; copy the whole line of the .pub file") from None
    comment = " ".join(line.split(" ")[2:])
    return PublicKey(line, kind, key.get_fingerprint(), comment)


def told_key(line: str) -> str:
    """A key that MAAS has, for people; what can't be read is shown by its beginning."""
    try:
        return read_public_key(line).told
    except KeyFault:
        return f"{line[:40]}…"


def kind_and_fingerprint(line: str) -> str:
    """`ssh-ed25519 SHA256:…`; what can't be read is shown by its beginning."""
    try:
        key = read_public_key(line)
    except KeyFault:
        return f"{line[:40]}…"
    return f"{key.kind} {key.fingerprint}"


def short_key(line: str) -> str:
    """What people call a key: its comment, or the end of its fingerprint where it has none."""
    try:
        key = read_public_key(line)
    except KeyFault:
        return f"{line[:20]}…"
    return key.comment or f"…{key.fingerprint[-8:]}"


def fingerprint_of(line: str) -> str:
    """What tells a key from others, whatever its comment and end of line; "" where it can't be read."""
    try:
        return read_public_key(line).fingerprint
    except KeyFault:
        return ""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A new key. Whoever holds `private` gives it to one person and lets go of it; its repr does not show it."""

    private: str
    public: PublicKey

    def __repr__(self) -> str:
        return f"KeyPair({self.public.told!r})"


def new_key_pair(comment: str) -> KeyPair:
    """Make an Ed25519 pair without a passphrase. Takes a millisecond."""
    key = asyncssh.generate_private_key("ssh-ed25519", comment=comment)
    private = key.export_private_key("openssh").decode()
    return KeyPair(private, read_public_key(key.export_public_key("openssh").decode()))
