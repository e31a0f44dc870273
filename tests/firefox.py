"""Firefox through WebDriver BiDi, which it speaks by itself: a page, and expressions evaluated in it."""

import contextlib
import json
import shutil
import subprocess
import tempfile
import time


def found():
    """The path of a Firefox, or None."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


@contextlib.contextmanager
def opened(address, width=1280, height=1000):
    """The page at this address: yields a function that evaluates an expression in it (and waits for a promise)."""
    from browsers import PATIENCE, free_port
    from websocket import create_connection

    with tempfile.TemporaryDirectory(prefix="lstm-firefox-") as profile:
        port = free_port()
        browser = subprocess.Popen([found(), "--headless", "--no-remote", "--profile", profile, "--width", str(width),
                                    "--height", str(height), f"--remote-debugging-port={port}"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    socket = create_connection(f"ws://127.0.0.1:{port}/session", timeout=PATIENCE, suppress_origin=True)
                    break
                except OSError:
                    if time.monotonic() > deadline or browser.poll() is not None:
                        raise
                    time.sleep(0.2)
            yield Page(socket, address)
        finally:
            browser.terminate()
            browser.wait(20)


class Page:
    def __init__(self, socket, address):
        self.socket, self.sent = socket, 0
        self.tell("session.new", capabilities={})
        self.context = self.tell("browsingContext.create", type="tab")["context"]
        self.tell("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def tell(self, method, **parameters):
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": parameters}))
        while (answer := json.loads(self.socket.recv())).get("id") != self.sent:
            pass  # an event
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['error']}: {answer['message']}")
        return answer["result"]

    def __call__(self, expression):
        code = f"Promise.resolve({expression}).then((value) => JSON.stringify(value ?? null))"
        result = self.tell("script.evaluate", expression=code, target={"context": self.context}, awaitPromise=True)
        if result["type"] != "success":
            raise RuntimeError(result["exceptionDetails"]["text"])
        return json.loads(result["result"]["value"])

    def until(self, expression, expected, seconds=30):
        """Wait until the expression has the value that is expected."""
        deadline = time.monotonic() + seconds
        while (value := self(expression)) != expected:
            assert time.monotonic() < deadline, f"Firefox shows {value}, and expected was {expected}"
            time.sleep(0.1)
