"""Who may see metrics and the status page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thywill.core.attempts import SECONDS, WRONG, WRONG_FORWARDED, Attempts
from thywill.core.signing import Signer
from thywill.errors import BadKey, NotLocal, SettingsError, TooMany
from thywill.monitoring.gate import HOURS, Gate, Requester
from thywill.monitoring.settings import MonitoringSettings

KEY = "a key of the tests"
SIGNER = Signer(b"a secret of the tests")
LOCAL = Requester("127.0.0.1", "localhost:8080", "", "", "")
ELSEWHERE = Requester("192.0.2.1", "chat.example.org", "", "", "")


class Clocks:
    """Both clocks of a gate."""

    def __init__(self) -> None:
        self.now = 1000.0

    def gate(self, key: str = KEY) -> Gate:
        """Return a gate that goes by them."""
        return Gate(key, SIGNER, monotonic=lambda: self.now, wall=lambda: self.now)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"host": "127.0.0.1:8080"},
        {"peer": "::1", "host": "[::1]:8080"},
        {"peer": "::ffff:127.0.0.1"},
        {"forwarded": "127.0.0.1"},
    ],
)
def test_without_a_key_this_machine_may_look(clocks: Clocks, fields: dict[str, str]) -> None:
    clocks.gate("").check(LOCAL._replace(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"peer": "192.0.2.1"},
        {"peer": ""},
        {"forwarded": "192.0.2.1"},  # a proxy on this machine that is not trusted
        {"forwarded": "nonsense"},
        {"host": "rebound.example.org"},
        {"host": ""},
        {"host": "[::1"},
        {"authorization": f"Bearer {KEY}", "peer": "192.0.2.1"},
    ],
)
def test_without_a_key_nobody_else_may(clocks: Clocks, fields: dict[str, str]) -> None:
    with pytest.raises(NotLocal):
        clocks.gate("").check(LOCAL._replace(**fields))


@pytest.mark.parametrize("word", ["Bearer", "bearer"])
def test_the_key_lets_in(clocks: Clocks, word: str) -> None:
    clocks.gate().check(ELSEWHERE._replace(authorization=f"{word} {KEY}"))


@pytest.mark.parametrize("visitor", [LOCAL, ELSEWHERE])
def test_with_a_key_nobody_comes_in_without(clocks: Clocks, visitor: Requester) -> None:
    gate = clocks.gate()
    for authorization in ("", f"Basic {KEY}", "Bearer", "Bearer ", f"Bearer {KEY}!", "Bearer \xe4"):
        with pytest.raises(BadKey):
            gate.check(visitor._replace(authorization=authorization))


def test_too_many_wrong_keys_close_the_gate_to_their_address_for_a_while(clocks: Clocks) -> None:
    gate, right = clocks.gate(), ELSEWHERE._replace(authorization=f"Bearer {KEY}")
    for _ in range(WRONG):
        with pytest.raises(BadKey):
            gate.check(ELSEWHERE._replace(authorization="Bearer wrong"))
    with pytest.raises(TooMany) as raised:
        gate.check(right)
    assert raised.value.retry == SECONDS
    gate.check(right._replace(peer="192.0.2.2"))
    clocks.now += SECONDS
    gate.check(right)


def forwarded(number: int, key: str) -> Requester:
    address = f"192.0.2.{number}"
    return ELSEWHERE._replace(peer=address, forwarded=address, authorization=f"Bearer {key}")


def test_a_name_for_each_guess_in_x_forwarded_for_helps_nobody(clocks: Clocks) -> None:
    gate = clocks.gate()
    gate.check(forwarded(200, KEY))
    for number in range(WRONG_FORWARDED):
        with pytest.raises(BadKey):
            gate.check(forwarded(number, "wrong"))
    with pytest.raises(TooMany) as raised:
        gate.check(forwarded(100, KEY))
    assert raised.value.retry == SECONDS
    gate.check(forwarded(200, KEY))  # the operator was there before
    gate.check(ELSEWHERE._replace(authorization=f"Bearer {KEY}"))  # comes without a proxy
    clocks.now += SECONDS
    gate.check(forwarded(100, KEY))


def test_requests_without_a_key_are_not_counted(clocks: Clocks) -> None:
    gate = clocks.gate()
    for _ in range(WRONG + 1):
        with pytest.raises(BadKey):
            gate.check(ELSEWHERE)


def test_addresses_of_one_ipv6_network_count_together() -> None:
    attempts = Attempts()
    for number in range(WRONG):
        attempts.failed(f"2001:db8::{number}", 0.0)
    with pytest.raises(TooMany):
        attempts.check("2001:db8::ffff", 0.0)
    attempts.check("2001:db8:0:1::1", 0.0)


def test_a_cookie_lets_in_for_some_hours(clocks: Clocks) -> None:
    gate = clocks.gate()
    cookie = gate.cookie(secure=False).partition(";")[0]
    visitor = ELSEWHERE._replace(cookies=f"other=1; {cookie}")
    gate.check(visitor)
    clocks.now += HOURS * 3600 + 1
    with pytest.raises(BadKey):
        gate.check(visitor)


def test_a_cookie_is_good_for_its_key_alone(clocks: Clocks) -> None:
    cookie = clocks.gate().cookie(secure=False).partition(";")[0]
    with pytest.raises(BadKey):
        clocks.gate("another key of the tests").check(ELSEWHERE._replace(cookies=cookie))
    with pytest.raises(NotLocal):
        clocks.gate("").check(ELSEWHERE._replace(cookies=cookie))


@pytest.mark.parametrize("value", ["", "x", "x.1.y", f"x.{10**9:x}.aaaaaaaaaaaaaaaaaaaaaa"])
def test_a_forged_cookie_does_not(clocks: Clocks, value: str) -> None:
    with pytest.raises(BadKey):
        clocks.gate().check(ELSEWHERE._replace(cookies=f"thywill_operator={value}"))


def test_the_cookie_is_for_no_script_and_no_other_site(clocks: Clocks) -> None:
    assert clocks.gate().cookie(secure=True).endswith("; Path=/; HttpOnly; SameSite=Strict; Secure")
    assert "Secure" not in clocks.gate().cookie(secure=False)
    assert KEY not in clocks.gate().cookie(secure=True)


def test_a_key_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    (tmp_path / "marked").write_text(f"\ufeff{KEY}\r\n", encoding="utf-8")
    assert MonitoringSettings(keyfile="key").read_key(tmp_path) == KEY
    assert MonitoringSettings(keyfile="marked").read_key(tmp_path) == KEY
    assert MonitoringSettings(key=KEY, keyfile="key").read_key(tmp_path) == KEY
    assert MonitoringSettings(key=KEY).read_key(tmp_path) == KEY
    assert MonitoringSettings().read_key(tmp_path) == ""


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"key": "short"}, "[monitoring] key: the key must have 12 characters or more"),
        ({"keyfile": "empty"}, "[monitoring] keyfile: the key must have 12 characters or more"),
        ({"keyfile": "missing"}, "[monitoring] keyfile: {folder}/missing cannot be read: No such file"),
        ({"keyfile": "bytes"}, "[monitoring] keyfile: {folder}/bytes cannot be read: is not text"),
        ({"key": KEY, "keyfile": "other"}, "[monitoring] key and keyfile have two different keys"),
        ({"key": f"{KEY}\n{KEY}"}, "[monitoring] key: the key must be one line"),
        ({"key": f"{KEY} "}, "[monitoring] key: the key must not begin or end with a blank"),
    ],
)
def test_a_key_that_is_none_is_refused(tmp_path: Path, fields: dict[str, Any], text: str) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "bytes").write_bytes(b"\xff" * 20)
    (tmp_path / "other").write_text("another key of the tests")
    with pytest.raises(SettingsError) as raised:
        MonitoringSettings(**fields).read_key(tmp_path)
    assert str(raised.value).startswith(text.format(folder=tmp_path))


def test_a_key_does_not_show_in_what_is_printed() -> None:
    assert KEY not in repr(MonitoringSettings(key=KEY))
