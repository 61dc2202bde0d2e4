"""A headless Chromium, told what to do over the WebDriver protocol."""

import base64
import json
import re
import shutil
import subprocess
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

DRIVER = shutil.which("chromedriver")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class Browser:
    """A session of a browser.

    Parameters
    ----------
    address : str
        Of the driver.

    arguments : list of str
        Of the browser.
    """

    def __init__(self, address, arguments):
        self._address, self._session = address, ""
        options = {"binary": CHROMIUM, "args": arguments}
        capabilities = {"alwaysMatch": {"goog:chromeOptions": options}}
        answer = self._send("POST", "", {"capabilities": capabilities})
        self._session = f"/{answer['sessionId']}"

    def _send(self, method, path, content=None):
        request = Request(
            f"{self._address}/session{self._session}{path}",
            None if content is None else json.dumps(content).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        # the driver is on this machine
        opener = build_opener(ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from error

    def open(self, address, width, height, dark=False):
        """Show a page in a window of some size, in light or dark colours."""
        for command, params in (
            (
                "Emulation.setDeviceMetricsOverride",
                {
                    "width": width,
                    "height": height,
                    "deviceScaleFactor": 1,
                    "mobile": False,
                },
            ),
            (
                "Emulation.setEmulatedMedia",
                {
                    "features": [
                        {
                            "name": "prefers-color-scheme",
                            "value": "dark" if dark else "light",
                        }
                    ]
                },
            ),
        ):
            self._send("POST", "/goog/cdp/execute", {"cmd": command, "params": params})
        self._send("POST", "/url", {"url": address})

    def run(self, script):
        """What a script in the page returns, after the next frame is drawn."""
        script = (
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => done((() => {"
            f"{script}}})())));"
        )
        return self._send("POST", "/execute/async", {"script": script, "args": []})

    def drag(self, places):
        """Press the mouse at the first place, move along the others, and let go."""
        moves = [
            {"type": "pointerMove", "x": x, "y": y, "duration": 20} for x, y in places
        ]
        actions = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:]]
        actions.append({"type": "pointerUp", "button": 0})
        mouse = {"type": "pointer", "id": "mouse", "actions": actions}
        self._send("POST", "/actions", {"actions": [mouse]})

    def picture(self):
        """The window, as PNG."""
        return base64.b64decode(self._send("GET", "/screenshot"))

    def close(self):
        self._send("DELETE", "")


@contextmanager
def browser():
    """Start a driver and a browser, and end them."""
    driver = subprocess.Popen(
        [DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        started = re.compile(r"started successfully on port (\d+)")
        port = next(filter(None, map(started.search, driver.stdout)))[1]
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu"]
        opened = Browser(f"http://127.0.0.1:{port}", arguments)
        try:
            yield opened
        finally:
            opened.close()
    finally:
        driver.terminate()
        driver.wait(10)
