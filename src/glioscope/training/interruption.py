"""How processes that train together end together, when Ctrl-C or SIGTERM asks one of them, or all."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from types import FrameType, TracebackType

from glioscope.training.machine import launched

__all__ = ["Interruption", "interruptible"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_EXIT_CODE = 130
_GRACE_SECONDS = 20.0  # for the step in hand and its checkpoint
_SAME_SECONDS = 1.0  # a terminal or `timeout` may signal the process and its group: that is one wish


class Interruption:
    """Whether one of the processes that train together is asked to end.

    A signal is only noted, and granted when all of them know of it: one that left alone would have the others wait for it.
    """

    def __init__(self) -> None:
        self._noted, self._at_once = False, False

    @property
    def asked(self) -> bool:
        """Whether this process was asked to end, or the one that started it is gone."""
        parent = multiprocessing.parent_process()
        return self._noted or (parent is not None and not parent.is_alive())

    def listen(self, *, at_once: bool = False) -> None:
        """Note signals from here on, also one that came while they were blocked; or end with them, as `at_once` does."""
        self._at_once = at_once
        if _can_listen():
            for number in _SIGNALS:
                signal.signal(number, self._note)
            _unblock()

    @staticmethod
    def ignore() -> None:
        """Leave signals unanswered from here on: there is nothing left to break off."""
        if _can_listen():
            _block()

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """End at the signal itself, with SystemExit: for work of minutes in which no process waits for another."""
        self._at_once = True
        try:
            if self._noted:
                raise SystemExit(_EXIT_CODE)
            yield
        finally:
            self._at_once = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        first, self._noted = not self._noted, True
        if first and self._at_once:
            raise SystemExit(_EXIT_CODE)


@contextlib.contextmanager
def interruptible(processes: int) -> Iterator[None]:
    """Train within this context in several processes, which end together when this one is asked to end.

    Raises:
        KeyboardInterrupt: that was asked, instead of whatever else came of it.
    """
    if processes == 1 or not _can_listen():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    signals = _PassedOn()
    try:
        with contextlib.nullcontext() if launched() else signals:
            yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        _unblock()
        if signals.came:
            raise KeyboardInterrupt from None


class _PassedOn:
    """In the process that starts the others: what asks it to end is passed on to those that it starts within this context.

    They are born with SIGINT and SIGTERM blocked, until they listen. Where they have not ended after a while, or the signal
    comes a second time, they are killed, which loses no more than the steps since the last checkpoint.

    Attributes:
        came: Whether a signal came.
    """

    def __init__(self) -> None:
        self.came = False

    def __enter__(self) -> _PassedOn:
        self._others = set(multiprocessing.active_children())
        # Python unblocks the signals when it starts its tracker of semaphores: that has to be behind us.
        multiprocessing.get_context("spawn").Lock()
        self._ours, self._pythons = socket.socketpair()
        self._pythons.setblocking(False)
        for number in _SIGNALS:
            signal.signal(number, self._note)
        self._descriptor = signal.set_wakeup_fd(self._pythons.fileno(), warn_on_full_buffer=False)
        # Begun before the signals are blocked, so that there is a thread that they can reach.
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        _block()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        signal.set_wakeup_fd(self._descriptor)
        self._pythons.send(b"\0")
        self._thread.join()
        self._ours.close()
        self._pythons.close()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.came = True

    def _follow(self) -> None:
        since: float | None = None
        while True:
            try:
                number = self._ours.recv(1)[0]
            except TimeoutError:
                self._send(signal.SIGKILL)
                self._ours.settimeout(None)
                continue
            if not number:
                return
            if number not in _SIGNALS:
                continue
            self.came = True
            if since is None:
                since = time.monotonic()
                self._ours.settimeout(_GRACE_SECONDS)
                self._send(signal.SIGINT)
            elif time.monotonic() - since > _SAME_SECONDS:
                self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        for process in set(multiprocessing.active_children()) - self._others:
            if process.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, number)


def _can_listen() -> bool:
    return os.name == "posix" and threading.current_thread() is threading.main_thread()


def _block() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
