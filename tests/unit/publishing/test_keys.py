"""The keys of publishers: which are right, how often somebody may be wrong, and what the settings refuse."""

from __future__ import annotations

import pytest

from thywill.core.attempts import SECONDS, WRONG
from thywill.errors import BadKey, Forbidden, SettingsError, TooMany
from thywill.publishing.keys import Caller, Keys
from thywill.publishing.settings import KeySettings, PublishingSettings

SETTINGS = {"shop": "a key for all", "cron": KeySettings("a key for one", ["chat"])}
ELSEWHERE = "192.0.2.1"


def caller(authorization: str, address: str = ELSEWHERE) -> Caller:
    return Caller(address, forwarded=False, authorization=authorization)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_right_key_is_found_by_its_name(scheme: str) -> None:
    keys = Keys(SETTINGS)
    assert keys.find(caller(f"{scheme} a key for all"), 0.0).name == "shop"
    assert keys.find(caller(f"{scheme} a key for one "), 0.0).name == "cron"
    assert keys.wrong == 0


@pytest.mark.parametrize("authorization", ["", "a key for all", "Basic YTpi", "Bearer", "Bearerx"])
def test_a_missing_key(authorization: str) -> None:
    with pytest.raises(BadKey, match="missing"):
        Keys(SETTINGS).find(caller(authorization), 0.0)


@pytest.mark.parametrize("key", ["a key for al", "a key for all.", "A key for all", "ä", "shop"])
def test_a_wrong_key_is_counted(key: str) -> None:
    keys = Keys(SETTINGS)
    with pytest.raises(BadKey, match="this key is not in"):
        keys.find(caller(f"Bearer {key}"), 0.0)
    assert keys.wrong == 1


def test_without_keys_nobody_publishes() -> None:
    with pytest.raises(BadKey):
        Keys({}).find(caller("Bearer "), 0.0)


def test_an_address_that_was_wrong_too_often_has_to_wait() -> None:
    keys = Keys(SETTINGS)
    for _ in range(WRONG):
        with pytest.raises(BadKey):
            keys.find(caller("Bearer x"), 0.0)
    with pytest.raises(TooMany):
        keys.find(caller("Bearer a key for all"), SECONDS - 1)
    assert keys.find(caller("Bearer a key for all", "192.0.2.2"), 1.0).name == "shop"
    assert keys.find(caller("Bearer a key for all"), SECONDS).name == "shop"


def test_a_key_is_for_the_applications_that_it_names() -> None:
    keys = Keys(SETTINGS)
    keys.find(caller("Bearer a key for all"), 0.0).check("echo")
    cron = keys.find(caller("Bearer a key for one"), 0.0)
    cron.check("chat")
    with pytest.raises(Forbidden, match="'cron' is not for the application 'echo'"):
        cron.check("echo")


@pytest.mark.parametrize("key", ["", "two\nlines", " blank", "blank ", "nul\0"])
def test_keys_that_cannot_be_sent_are_refused(key: str) -> None:
    with pytest.raises(SettingsError, match=r"\[publishing\] keys: the key of 'shop'"):
        PublishingSettings(keys={"shop": key})
    with pytest.raises(SettingsError):
        PublishingSettings(keys={"shop": KeySettings(key, ["chat"])})


def test_two_names_have_two_keys() -> None:
    with pytest.raises(SettingsError, match="has the same key as another name"):
        PublishingSettings(keys={"shop": "the same", "cron": KeySettings("the same", ["chat"])})


def test_no_key_is_shown() -> None:
    assert "a key" not in repr(PublishingSettings(keys=SETTINGS))
    assert "a key" not in repr(SETTINGS["cron"])
