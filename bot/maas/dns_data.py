"""What MAAS takes as a record of its DNS: checked before it is asked. The rules are those of MAAS's own model. Pure."""

from __future__ import annotations

import re

#: The types besides A and AAAA that MAAS keeps, and how their data is written.
FORMS = {
    "CNAME": "NAME",
    "MX": "PREFERENCE NAME",
    "NS": "NAME",
    "SRV": "PRIORITY WEIGHT PORT NAME",
    "SSHFP": "ALGORITHM TYPE FINGERPRINT",
    "TXT": "TEXT",
}
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)*{_LABEL}\.?", re.IGNORECASE)
_HEX = re.compile(r"([0-9a-f]{2}){8,64}", re.IGNORECASE)
_SRV_NAME = re.compile(r"_[a-z0-9-]+\._[a-z0-9-]+(\.[a-z0-9-]+)?")
_NUMBERS = {"MX": 1, "SRV": 3, "SSHFP": 2}
_MOST = 65535
#: Longest TXT data that is taken: what fits into one record of a zone file without being cut in pieces.
_TEXT = 255


def record_data(rrtype: str, words: list[str], domain: str) -> str:
    """The data as MAAS is to store it, for a name in `domain`.

    MAAS writes it into the zone as it is, where a name without a dot at its end counts from the domain: a whole name in
    that domain is given without it, and any other with the dot.

    Raises:
        ValueError: it is none, and why.
    """
    text = " ".join(words).strip()
    form = f"{rrtype} is written as {FORMS[rrtype]}"
    if rrtype == "TXT":
        if not text or len(text) > _TEXT or not text.isprintable() or not text.isascii() or "\\" in text:
            raise ValueError(f"The text of a TXT record has 1 to {_TEXT} plain characters, and no backslash.")
        return f'"{text.strip(chr(34)).replace(chr(34), chr(92) + chr(34))}"'
    count = _NUMBERS.get(rrtype, 0)
    numbers, rest = words[:count], words[count:]
    if len(rest) != 1 or len(numbers) != count:
        raise ValueError(f"{form}.")
    bad = next((one for one in numbers if not (one.isascii() and one.isdecimal() and int(one) <= _MOST)), None)
    if bad is not None:
        raise ValueError(f"{bad[:40]} is no number from 0 to {_MOST}; {form}.")
    if rrtype == "SSHFP":
        if not _HEX.fullmatch(rest[0]):
            raise ValueError(f"{rest[0][:40]} is no fingerprint; {form}, the fingerprint in hexadecimal digits.")
        return " ".join([*numbers, rest[0].lower()])
    if rest[0] == "." and rrtype == "SRV":
        return " ".join([*numbers, "."])
    if not _HOST.fullmatch(rest[0]) or re.fullmatch(r"[0-9.]+", rest[0]):
        raise ValueError(f"{rest[0][:80]} is no name; {form}.")
    return " ".join([*numbers, _in_zone(rest[0].lower(), domain.lower())])


def label_fault(label: str, rrtype: str, domain: str) -> str:
    """Why MAAS can't have this name before `domain`; "" when it can. "" is the domain's own name."""
    if rrtype == "SRV":
        fits = _SRV_NAME.fullmatch(label) is not None
        return "" if fits else f"an SRV record's name begins with _SERVICE._PROTOCOL, as _ldap._tcp.{domain}"
    if not label and rrtype in {"", "CNAME"}:
        return f"it is the name of a whole domain, which has no {rrtype or 'address'} of its own"
    if "." in label:
        rest = label.partition(".")[2]
        return f"MAAS has no domain {rest}.{domain}, and a name has one part before its domain"
    return ""


def _in_zone(name: str, domain: str) -> str:
    whole = name.rstrip(".")
    if "." not in whole and not name.endswith("."):
        return whole
    return whole.removesuffix(f".{domain}") if whole.endswith(f".{domain}") else f"{whole}."
