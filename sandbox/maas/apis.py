"""Puts the parts of the API together."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.maas.account_api import AccountApi
from sandbox.maas.context import Context
from sandbox.maas.controllers_api import ControllersApi
from sandbox.maas.empty_api import EmptyApi
from sandbox.maas.events_api import EventsApi
from sandbox.maas.groups_api import GroupsApi
from sandbox.maas.images_api import ImagesApi
from sandbox.maas.interfaces_api import InterfacesApi
from sandbox.maas.machine_api import MachineApi
from sandbox.maas.machines_api import MachinesApi
from sandbox.maas.meta_api import MetaApi
from sandbox.maas.network_api import NetworkApi
from sandbox.maas.notifications_api import NotificationsApi
from sandbox.maas.ranges_api import RangesApi
from sandbox.maas.records_api import RecordsApi
from sandbox.maas.reserved_api import ReservedApi
from sandbox.maas.results_api import ResultsApi
from sandbox.maas.routing import Api
from sandbox.maas.scripts_api import ScriptsApi
from sandbox.maas.settings_api import SettingsApi
from sandbox.maas.subnets_api import SubnetsApi
from sandbox.maas.users_api import UsersApi


def all_apis(context: Context, root: Callable[[], str]) -> list[Api]:
    return [
        MetaApi(context, root),
        MachinesApi(context),
        MachineApi(context),
        ResultsApi(context),
        InterfacesApi(context),
        EventsApi(context),
        ImagesApi(context),
        ControllersApi(context),
        SettingsApi(context),
        AccountApi(context),
        UsersApi(context),
        GroupsApi(context),
        NetworkApi(context),
        SubnetsApi(context),
        RangesApi(context),
        ReservedApi(context),
        RecordsApi(context),
        NotificationsApi(context),
        ScriptsApi(context),
        EmptyApi(context),
    ]
