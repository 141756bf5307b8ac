import threading

from landscape_gui.ui.mailbox import Chute, Mailbox
from landscape_gui.ui.worker import Task, Worker


def test_only_the_last_of_a_slot_is_delivered_and_one_event_is_under_way(qtbot):
    box, got, events = Mailbox(), [], []
    box.received.connect(got.append)
    box.called.activated.connect(lambda *_: events.append(1))

    def work():
        for number in range(1000):
            box.chute.put(number, slot="progress")
        box.chute.put("end")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: "end" in got, timeout=5000)
    assert got == [999, "end"]
    assert len(events) == 1


def test_items_without_a_slot_all_arrive_in_order(qtbot):
    box, got = Mailbox(), []
    box.received.connect(got.append)
    for number in range(50):
        box.chute.put(number)
    qtbot.waitUntil(lambda: len(got) == 50, timeout=5000)
    assert got == list(range(50))


def test_what_is_put_at_once_does_not_wait_and_takes_along_what_does(qtbot):
    box, got = Mailbox(), []
    box._timer.setInterval(60_000)
    box.received.connect(got.append)
    box.chute.put("waits")
    box.chute.put("hurries", at_once=True)
    assert got == []  # never inside the caller
    qtbot.waitUntil(lambda: len(got) == 2, timeout=5000)
    assert got == ["waits", "hurries"]


def test_tasks_run_one_after_another_in_another_thread_and_errors_are_outcomes(qtbot):
    box, outcomes = Mailbox(), []
    worker = Worker(box)
    box.received.connect(lambda outcome: outcome.task.then(outcome))
    here = threading.current_thread()
    worker.submit(Task(lambda: threading.current_thread() is here, outcomes.append))
    worker.submit(Task(lambda: 1 / 0, outcomes.append))
    worker.submit(Task(lambda: 3, outcomes.append))
    qtbot.waitUntil(lambda: len(outcomes) == 3, timeout=5000)
    assert outcomes[0].value is False
    assert isinstance(outcomes[1].error, ZeroDivisionError)
    assert outcomes[2].value == 3
    assert worker.shut()


def test_a_waiting_task_can_be_withdrawn_and_shutting_waits_for_the_running_one(qtbot):
    box = Mailbox()
    worker, begun, go, ran = Worker(box), threading.Event(), threading.Event(), []
    first = Task(lambda: (begun.set(), go.wait(5), ran.append("first")), lambda outcome: None)
    second = Task(lambda: ran.append("second"), lambda outcome: None)
    worker.submit(first)
    worker.submit(second)
    assert begun.wait(5)
    assert worker.withdraw(second)
    assert not worker.withdraw(first)
    assert not worker.shut(20)
    go.set()
    assert worker.shut(5000)
    assert ran == ["first"]


class Told:
    """Something of the window's that a task holds: says in which thread it ended."""

    def __init__(self, ends):
        self.ends = ends

    def __del__(self):
        self.ends.append(threading.current_thread() is threading.main_thread())


class Lingering(Chute):
    """The thread that has put an outcome still holds it when the window's thread is done with it."""

    def __init__(self):
        super().__init__()
        self.taken = threading.Event()

    def put(self, item, slot=None, *, at_once=False):
        super().put(item, slot, at_once=at_once)
        if at_once:
            assert self.taken.wait(5)
            self.taken.clear()


def test_what_a_task_holds_ends_in_the_thread_of_the_window(qtbot, monkeypatch):
    monkeypatch.setattr("landscape_gui.ui.mailbox.Chute", Lingering)
    box, ends = Mailbox(), []
    worker = Worker(box)

    def take(outcome):
        outcome.task.then(outcome)
        del outcome
        box.chute.taken.set()

    box.received.connect(take)

    def work(number, held):
        return Task(lambda: 1 // (number % 2), lambda outcome: held)

    for number in range(6):
        worker.submit(work(number, Told(ends)))
    qtbot.waitUntil(lambda: len(ends) == 6, timeout=5000)
    assert ends == [True] * 6
    withdrawn = work(1, Told(ends))
    worker.submit(Task(lambda: 1, lambda outcome: None))
    worker.submit(withdrawn)
    if worker.withdraw(withdrawn):
        del withdrawn
        assert ends == [True] * 7
    assert worker.shut()
