"""Actions of one page of `jaxdiode explore`, away from the loop that serves all pages."""

import threading
from collections import deque
from collections.abc import Callable


class Worker:
    """Runs jobs one after the other in a thread of its own, which ends when there is none.

    Args:
        rested: called in that thread when the last job is done.

    Attributes:
        working: whether there is a job.
    """

    def __init__(self, rested: Callable[[], None]):
        self._jobs: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self.working = False
        self._rested = rested

    def submit(self, job: Callable[[], None]) -> None:
        """Have a job done after those before it; it must not raise."""
        with self._lock:
            self._jobs.append(job)
            if self.working:
                return
            self.working = True
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self.working = False
                    self._rested()
                    return
                job = self._jobs.popleft()
            job()
