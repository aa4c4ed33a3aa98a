"""The timer wheel, compared with a model that looks at every deadline."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.support.steady import STEADY
from thywill.core.wheel import NEVER, Timed, TimerWheel

TICK = 0.5


class Task(Timed):
    """An item for the wheel."""

    __slots__ = ("name",)

    def __init__(self, name: str = "task") -> None:
        super().__init__()
        self.name = name

    def __repr__(self) -> str:
        return self.name


def wheel_at(now: float) -> TimerWheel[Task]:
    return TimerWheel(TICK, now)


def test_nothing_is_due_in_an_empty_wheel() -> None:
    assert wheel_at(0).advance(1000) == []


def test_a_new_item_is_never_due() -> None:
    task = Task()
    assert task.deadline == NEVER
    assert task.slot is None


def test_an_item_is_due_once_at_the_tick_after_its_deadline() -> None:
    wheel, task = wheel_at(10), Task()
    wheel.schedule(task, 11.2)
    assert wheel.advance(11.0) == []
    assert wheel.advance(11.4) == []
    assert wheel.advance(11.5) == [task]
    assert wheel.advance(20) == []
    assert len(wheel) == 0


def test_an_item_is_due_at_most_a_tick_late() -> None:
    wheel, task = wheel_at(0), Task()
    wheel.schedule(task, 1.0)
    assert wheel.advance(1.49) == []
    assert wheel.advance(1.5) == [task]


def test_items_are_returned_in_the_order_of_their_slots() -> None:
    wheel = wheel_at(0)
    last, first, second = tasks = Task("last"), Task("first"), Task("second")
    for task, deadline in zip(tasks, (9, 1, 5), strict=True):
        wheel.schedule(task, deadline)
    assert wheel.advance(100) == [first, second, last]


def test_items_of_one_slot_are_returned_in_the_order_of_their_deadlines() -> None:
    wheel = wheel_at(0)
    tasks = [Task(str(number)) for number in range(20)]
    for number, task in enumerate(tasks):
        wheel.schedule(task, 1.3 - number / 100)
    assert wheel.advance(2) == tasks[::-1]


@pytest.mark.parametrize("now", [5.5, 5.6, 1000.0])
def test_a_deadline_that_has_passed_is_due_at_the_next_tick(now: float) -> None:
    wheel, task = wheel_at(5), Task()
    wheel.schedule(task, 1)
    assert wheel.advance(5.4) == []
    assert wheel.advance(now) == [task]


def test_a_deadline_that_moves_later_leaves_its_item_in_its_slot() -> None:
    wheel, task = wheel_at(0), Task()
    wheel.schedule(task, 1)
    wheel.schedule(task, 3)
    assert len(wheel) == 1
    assert wheel.advance(2.9) == []
    assert wheel.advance(3.4) == []
    assert wheel.advance(3.5) == [task]


def test_a_deadline_may_move_earlier() -> None:
    wheel, task = wheel_at(0), Task()
    wheel.schedule(task, 30)
    wheel.schedule(task, 1)
    assert len(wheel) == 1
    assert wheel.advance(1.5) == [task]
    assert wheel.advance(40) == []
    assert len(wheel) == 0


def test_an_item_may_be_scheduled_again_while_its_old_place_is_in_the_wheel() -> None:
    wheel, task = wheel_at(0), Task()
    wheel.schedule(task, 30)
    wheel.schedule(task, 1)
    assert wheel.advance(1.5) == [task]
    wheel.schedule(task, 30)
    assert wheel.advance(30.4) == []
    assert wheel.advance(31) == [task]
    assert wheel.advance(1000) == []


def test_a_cancelled_item_is_never_due_and_is_removed() -> None:
    wheel, task = wheel_at(0), Task()
    wheel.schedule(task, 1)
    wheel.cancel(task)
    assert len(wheel) == 0
    assert task.slot is None
    assert wheel.advance(1.5) == []


def test_a_cancelled_item_may_be_scheduled_again() -> None:
    wheel, task = wheel_at(0), Task()
    wheel.schedule(task, 1)
    wheel.cancel(task)
    wheel.schedule(task, 2)
    assert wheel.advance(1.5) == []
    assert wheel.advance(2.5) == [task]


def test_an_item_that_is_due_leaves_the_wheel() -> None:
    wheel, task = wheel_at(0), Task()
    wheel.schedule(task, 1)
    assert task.slot is not None
    wheel.advance(2)
    assert task.slot is None


def test_a_clock_that_jumps_back_makes_nothing_due_and_forgets_nothing() -> None:
    wheel, task = wheel_at(100), Task()
    wheel.advance(200)
    wheel.schedule(task, 150)
    assert wheel.advance(100) == []
    assert wheel.advance(200.4) == []
    assert wheel.advance(200.5) == [task]


def test_a_long_sleep_does_not_cost_a_step_for_each_tick() -> None:
    wheel, task = wheel_at(0), Task()
    wheel.schedule(task, 1)
    assert wheel.advance(1e15) == [task]


def test_deadlines_that_move_later_for_an_hour_stand_in_one_slot_each() -> None:
    wheel = wheel_at(0)
    tasks = [Task() for _ in range(10)]
    for step in range(36_000):
        now = step / 10
        for task in tasks:
            wheel.schedule(task, now + 25)
        assert wheel.advance(now) == []
        assert len(wheel) == len(tasks)


def test_a_past_deadline_that_is_set_repeatedly_stands_in_one_slot() -> None:
    wheel, task = wheel_at(100), Task()
    for _ in range(1000):
        wheel.schedule(task, 1)
    assert len(wheel) == 1


def test_a_browser_that_polls_for_an_hour_leaves_few_old_slots() -> None:
    wheel, task = wheel_at(0), Task()
    for step in range(7200):
        now = step / 2
        wheel.schedule(task, now + (5 if step % 2 else 25))
        assert wheel.advance(now) == []
        assert len(wheel) <= 25 / 5 + 2


class Deadlines(RuleBasedStateMachine):
    """Deadlines are set, moved and cancelled at any time; the model remembers each, and when it was set."""

    numbers = st.integers(0, 3)

    @initialize(tick=st.sampled_from([0.5, 0.1, 1.0, 0.3]), now=st.floats(0, 1e6))
    def begin(self, tick: float, now: float) -> None:
        self.tick, self.now = tick, now
        self.wheel: TimerWheel[Task] = TimerWheel(tick, now)
        self.tasks = [Task(f"task {number}") for number in range(4)]
        self.waiting: dict[Task, float] = {}
        self.set_at: dict[Task, float] = {}

    @rule(number=numbers, seconds=st.floats(-3, 30) | st.sampled_from([0.0, 0.5, 1.0, 25.0]))
    def schedule(self, number: int, seconds: float) -> None:
        task, deadline = self.tasks[number], max(0.0, self.now + seconds)
        self.wheel.schedule(task, deadline)
        self.waiting[task], self.set_at[task] = deadline, self.now

    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        self.wheel.cancel(self.tasks[number])
        self.waiting.pop(self.tasks[number], None)

    @rule(seconds=st.floats(0, 2) | st.floats(0, 100) | st.sampled_from([0.5, 0.1, 1.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def advance(self) -> None:
        due = self.wheel.advance(self.now)
        assert len(due) == len(set(due)), "an item came twice"
        for task in due:
            assert self.waiting.pop(task, NEVER) <= self.now, "an item came too early, or was not waited for"
        # At most a tick late, up to the precision of floats.
        latest = self.now - self.tick - 1e-9 * max(1.0, self.now)
        for task, deadline in self.waiting.items():
            assert max(deadline, self.set_at[task]) > latest, "an item was forgotten"

    @invariant()
    def every_item_with_a_deadline_stands_in_a_slot(self) -> None:
        for task in self.waiting:
            assert task.slot is not None

    def teardown(self) -> None:
        self.now += 1000
        self.advance()
        assert self.waiting == {}
        assert len(self.wheel) == 0, "something is left behind"


TestDeadlines = Deadlines.TestCase
TestDeadlines.settings = settings(STEADY, stateful_step_count=40)
