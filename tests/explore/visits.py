"""A visit of the page of `jaxdiode explore` by a headless Chromium."""

WAIT = 180_000  # milliseconds: the first page compiles


class Visit:
    """One tab, and what went wrong in it."""

    def __init__(self, browser, address, width=1280):
        self._browser, self._address = browser, address
        self.page = browser.new_page(viewport={"width": width, "height": 1200})
        self.page.set_default_timeout(WAIT)
        self.errors, self.elsewhere = [], []
        self.page.on("console", self._heard)
        self.page.on("request", self._asked)
        self.page.goto(address, timeout=WAIT)
        self.page.wait_for_selector("#eta", timeout=WAIT)
        self.page.wait_for_function("document.readyState == 'complete'")
        self.wait(lambda: self.page.locator(".value-flux-0 input").count() == 1)
        self.rest()

    def again(self):
        """Another tab of the same page."""
        return Visit(self._browser, self._address)

    def _heard(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def _asked(self, request):
        if not request.url.startswith(("http://127.0.0.1", "data:", "blob:", "ws://127.0.0.1")):
            self.elsewhere.append(request.url)

    def wait(self, happened, seconds=60):
        for _ in range(20 * seconds):
            if happened():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("it did not happen")

    def busy(self):
        """The sign is on the page, and drawn."""
        drawn = "x => x.length === 1 && getComputedStyle(x[0]).opacity === '1'"
        return self.page.locator("#busy").evaluate_all(drawn)

    def rest(self, seconds=180):
        self.wait(lambda: self.page.locator("#busy").count() == 0, seconds)

    def number(self, name):
        return float(self.page.locator(f"#{name}").get_attribute("data-value"))

    def eta(self):
        return self.number("eta")

    def box(self, name):
        return self.page.locator(f".value-{name.replace('.', '-')} input")

    def choose(self, system):
        self.page.locator("select").first.select_option(system)

    def load(self, path):
        self.page.locator("input[type=file]").nth(0).set_input_files(path)

    def type(self, name, value):
        box = self.box(name)
        box.fill(str(value))
        box.press("Enter")

    def message(self):
        found = self.page.locator("#message")
        return found.inner_text() if found.count() else ""

    def press(self, name):
        self.page.get_by_text(name, exact=True).click()
