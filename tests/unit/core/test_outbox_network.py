"""Polls over a network that loses, repeats, delays and reorders everything."""

from __future__ import annotations

from hypothesis import settings

from tests.support.outbox_network import Delivery
from tests.support.steady import STEADY

TestDelivery = Delivery.TestCase
TestDelivery.settings = settings(STEADY, stateful_step_count=40)
