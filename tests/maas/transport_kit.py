"""What the tests of the transport share."""

from __future__ import annotations

import copy
import pickle

import pytest

from bot.maas.errors import (
    MaasError,
)
from tests.maas.wire import API_KEY

MACHINE = "machines/br3aen/"
SECRETS = (*API_KEY.split(":"), API_KEY)


async def fails(call, kind):
    """The error, after making sure that it is fit to be shown and can travel."""
    with pytest.raises(MaasError) as caught:
        await call
    error = caught.value
    assert type(error) is kind, repr(error)
    assert error.problem
    assert error.remedy
    shown = f"{error!s}{error!r}{error.args}{error.__dict__}{error.__cause__!r}{error.__context__!r}"
    assert not any(secret in shown for secret in SECRETS)
    assert all(character.isprintable() for character in error.problem + error.remedy)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(twin), twin.problem, twin.remedy) == (kind, error.problem, error.remedy)
        assert (twin.status, twin.endpoint, twin.outcome_unknown) == (
            error.status,
            error.endpoint,
            error.outcome_unknown,
        )
    return error
