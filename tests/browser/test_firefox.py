"""The laboratory in Firefox, in the book and in JupyterLab. Firefox speaks WebDriver BiDi by itself."""

import json
import shutil
import subprocess
import time
from contextlib import closing

import pytest
from browsers import PATIENCE, SMALL_TEXT, Shown, free_port, write_notebook
from websocket import create_connection

from lstmlib.explorers.where_to_divide import laboratory
from run import answers

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(FIREFOX is None, reason="no Firefox")]
CLICK = "document.querySelector('[data-edge=dz]').dispatchEvent(new MouseEvent('click', {bubbles: true}))"


class Firefox:
    """One page. Called with an expression, it gives the value in the page, or what it promises."""

    def __init__(self, socket):
        self.socket, self.sent = socket, 0
        self.tell("session.new", capabilities={})
        self.page = self.tell("browsingContext.create", type="tab")["context"]

    def tell(self, method, **parameters):
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": parameters}))
        while (answer := json.loads(self.socket.recv())).get("id") != self.sent:
            pass  # an event
        assert answer["type"] == "success", answer
        return answer["result"]

    def go(self, address):
        self.tell("browsingContext.navigate", context=self.page, url=address, wait="complete")

    def __call__(self, expression):
        code = f"Promise.resolve({expression}).then((value) => JSON.stringify(value ?? null))"
        result = self.tell("script.evaluate", expression=code, target={"context": self.page}, awaitPromise=True)
        assert result["type"] == "success", result
        return json.loads(result["result"]["value"])

    def shows(self, twin):
        """Wait until the page has the words of Python; no text in the explorer may be smaller than 11 pixels."""
        expected, deadline = twin.words.headline + twin.words.value, time.monotonic() + PATIENCE
        while (said := self("document.querySelector('.lstm-status')?.textContent")) != expected:
            assert time.monotonic() < deadline, f"Firefox shows {said}, and expected was {expected}"
            time.sleep(0.1)
        assert self(f"({SMALL_TEXT})('.lstm-explorer')") == []


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    port, profile = free_port(), tmp_path_factory.mktemp("firefox")
    browser = subprocess.Popen([FIREFOX, "--headless", "--no-remote", "--profile", profile, "--width", "1280",
                                "--height", "1000", f"--remote-debugging-port={port}"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(port):
            assert time.monotonic() < deadline and browser.poll() is None, "Firefox did not start"
            time.sleep(0.2)
        with closing(create_connection(f"ws://127.0.0.1:{port}/session", PATIENCE, suppress_origin=True)) as socket:
            yield Firefox(socket)
    finally:
        browser.terminate()
        browser.wait(20)


def test_the_laboratory_answers_in_the_book(firefox, small_book):
    twin = laboratory()
    firefox.go((small_book / "embed" / "laboratory.html").as_uri())
    firefox.shows(twin)
    firefox(CLICK)
    twin.set(edges=("dz",))
    firefox.shows(twin)


def test_the_laboratory_that_lives_in_chromium_answers_in_firefox(firefox, lab):
    """It is there as it was left in the other browser, and both follow either."""
    write_notebook(lab.folder / "both.ipynb", "from lstmlib.explorers.where_to_divide import laboratory\nlaboratory()")
    lab.open("both.ipynb")
    lab.run(0)
    shown = Shown(lab.page, laboratory())
    shown.press("At the end: dW")
    lab.page.evaluate("async () => { await panel.context.save(); }")
    firefox.go(lab.address.replace("/lab?", "/lab/workspaces/firefox/tree/both.ipynb?"))
    firefox.shows(shown.twin)
    firefox(CLICK)
    shown.both(lambda twin: twin.set(edges=("dz", "dW")))
    shown.press("Nowhere")
    firefox.shows(shown.twin)
    lab.close()
