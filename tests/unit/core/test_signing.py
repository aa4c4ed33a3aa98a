"""Signed texts: one that was changed, has expired, or was made for another purpose is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.steady import STEADY
from thywill.core.signing import Signer
from thywill.errors import BadToken

SECRET = b"sixteen bytes or more"
SIGNER = Signer(SECRET)
SIGNED = SIGNER.sign("client", "abc", 1_700_000_000.9)

FORGED = "this server did not issue the token, or the token was changed"

values = st.text(st.characters(codec="ascii", exclude_characters="."))


def refused(text: str, purpose: str = "client", now: float = 0) -> str:
    with pytest.raises(BadToken) as raised:
        SIGNER.verify(purpose, text, now)
    return str(raised.value)


def test_the_format_is_the_documented_one() -> None:
    # key=$(printf "$secret" | b2sum | cut -d " " -f 1)
    # printf client:abc.6553f100 | openssl mac -macopt hexkey:$key -macopt size:16 -binary BLAKE2BMAC | base64
    assert SIGNED == "abc.6553f100.jTJOugWi4KG1GGFXPYWqsw"


@STEADY
@given(value=values, purpose=st.text(st.characters(exclude_categories=["Cs"])), now=st.integers(0, 2**40))
def test_what_was_signed_is_returned(value: str, purpose: str, now: int) -> None:
    assert SIGNER.verify(purpose, SIGNER.sign(purpose, value, now), now) == value


def test_a_signed_text_is_valid_until_its_expiry() -> None:
    assert SIGNER.verify("client", SIGNED, 1_700_000_000) == "abc"
    assert refused(SIGNED, now=1_700_000_001) == "the token has expired"


def test_a_signed_text_is_valid_for_its_purpose_only() -> None:
    assert refused(SIGNED, purpose="session") == FORGED


def test_a_text_signed_with_another_secret_is_refused() -> None:
    other = Signer(b"sixteen bytes, other")
    assert refused(other.sign("client", "abc", 1_700_000_000)) == FORGED


@STEADY
@given(st.data())
def test_a_text_that_was_changed_is_refused(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(SIGNED) - 1))
    character = data.draw(st.characters().filter(lambda each: each != SIGNED[place]))
    refused(SIGNED[:place] + character + SIGNED[place + 1 :])


@pytest.mark.parametrize("length", range(len(SIGNED)))
def test_a_text_that_was_cut_is_refused(length: int) -> None:
    refused(SIGNED[:length])
    refused(SIGNED[-length:] if length else "")


@pytest.mark.parametrize("text", ["", ".", "..", "abc", "abc.6553f100", SIGNED[3:], "é.é.é", "\ud800.1.x"])
def test_a_text_that_was_never_signed_is_refused(text: str) -> None:
    refused(text)


@STEADY
@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    refused(text)
