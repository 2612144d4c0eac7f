"""The page at `/` in a real browser: from a photograph to a video, and what can go wrong."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fal_client
import httpx
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser, Page, expect

from tests.browser import WAIT_MS, Behaviour, chromium
from tests.films import write_film
from tests.service import KEY, Part, Service

pytestmark = pytest.mark.slow

HARBOUR = Path(__file__).parents[2] / "examples" / "harbour.jpg"
DONE = "#stage[data-mode=done]"
PLAYING = """new Promise((done) => {
    video.addEventListener('timeupdate', () => video.currentTime > 0.2 && done());
})"""
PROMPT = 'Boats at a quay <img src=x onerror="document.title=\'broken\'"> it\'s "still", 100 %'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def behaviour(service: Service) -> Iterator[Behaviour]:
    """Whatever a test is about: its page keeps to its origin and makes no mistake."""
    behaviour = Behaviour(service.url)
    yield behaviour
    assert behaviour.strangers == []
    assert behaviour.errors == []


@pytest.fixture
def page(browser: Browser, service: Service, behaviour: Behaviour) -> Iterator[Page]:
    """The page with a good key and its form drawn."""
    context = browser.new_context()
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    behaviour.watch(page)
    page.goto(f"{service.url}/#key={KEY}")
    page.wait_for_selector("#fields [data-field=prompt]")
    yield page
    context.close()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph that is quick to upload, alone in its folder."""
    path = tmp_path_factory.mktemp("photograph") / "small boat.jpg"
    with Image.open(HARBOUR) as harbour:
        harbour.resize((640, 369)).save(path)
    return path


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A file that only its name calls a photograph."""
    path = tmp_path / "photograph.jpg"
    path.write_text("not a photograph")
    return path


@pytest.fixture(scope="module")
def memory(browser: Browser, service: Service, small: Path) -> dict[str, str]:
    """What a browser remembers after one request that went well."""
    page = browser.new_page()
    page.goto(f"{service.url}/#key={KEY}")
    page.fill("#input-zoom_in_strength", "0.3")
    send(page, small)
    page.wait_for_selector(DONE, timeout=WAIT_MS)
    remembered: dict[str, str] = page.evaluate("({...localStorage})")
    page.close()
    return remembered


@pytest.fixture
def finished(page: Page, memory: dict[str, str]) -> Page:
    """The page of somebody who comes back to a finished request."""
    page.evaluate("(memory) => Object.assign(localStorage, memory)", memory)
    page.reload()
    page.locator("#request-list .open").click()
    page.wait_for_selector(DONE)
    return page


def send(page: Page, photograph: Path, prompt: str = PROMPT) -> None:
    page.set_input_files("#photo-file", photograph)
    page.fill("#input-prompt", prompt)
    page.click("#generate")


def kept(page: Page) -> list[dict[str, object]]:
    """The requests that the browser remembers."""
    entries: list[dict[str, object]] = json.loads(
        page.evaluate("localStorage.getItem('lyra-zoom.requests') ?? '[]'")
    )
    return entries


class TestTheFiles:
    def test_the_page_has_a_strict_policy(self, service: Service):
        policy = httpx.get(service.url).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy

    def test_every_file_is_known_by_its_tag(self, service: Service):
        script = httpx.get(f"{service.url}/playground/app.js")
        again = httpx.get(str(script.url), headers={"If-None-Match": script.headers["etag"]})
        assert script.headers["content-type"].startswith("text/javascript")
        assert (again.status_code, again.content) == (304, b"")

    @pytest.mark.parametrize("name", ["nothing.js", "..%2Fpage.py", "%2e%2e/page.py"])
    def test_no_other_file_is_sent(self, service: Service, name: str):
        assert httpx.get(f"{service.url}/playground/{name}").status_code == 404


class TestTheJourney:
    def test_a_photograph_becomes_a_video(self, page: Page):
        page.locator("[data-field=zoom_in_trajectory]").get_by_role(
            "radio", name="Spiral"
        ).check()
        send(page, HARBOUR)
        page.wait_for_selector(DONE)
        page.evaluate(PLAYING)
        size = page.evaluate("(({videoWidth: w, videoHeight: h}) => [w, h])(video)")
        assert size == [832, 480]
        expect(page.locator("#facts")).to_contain_text("81")

    def test_the_percentage_and_the_log_are_live(self, page: Page):
        page.evaluate(
            """new MutationObserver(() => {
                (window.seen ??= new Set()).add(document.title);
            }).observe(document.querySelector('title'), {childList: true})"""
        )
        send(page, HARBOUR)
        page.wait_for_selector(DONE)
        titles = page.evaluate("[...window.seen]")
        assert [title for title in titles if re.match(r"\d+ %", title)]
        page.click("#logs summary")
        expect(page.locator("#log-lines li").first).to_be_visible()

    def test_the_video_can_be_downloaded(self, finished: Page, tmp_path: Path):
        page = finished
        with page.expect_download() as started:
            page.get_by_role("link", name="Download").click()
        started.value.save_as(tmp_path / "video.mp4")
        assert (tmp_path / "video.mp4").read_bytes()[4:8] == b"ftyp"

    def test_use_again_fills_the_form(self, finished: Page):
        finished.fill("#input-prompt", "other words")
        finished.get_by_role("button", name="Use again").click()
        assert finished.input_value("#input-prompt") == PROMPT
        assert finished.input_value("#input-zoom_in_strength") == "0.3"

    def test_a_reload_finds_a_running_request_again(self, page: Page):
        page.locator("[data-field=num_frames]").get_by_role("radio", name="161").check()
        send(page, HARBOUR)
        page.wait_for_selector("#stage[data-mode=queued], #stage[data-mode=running]")
        page.reload()
        page.wait_for_selector(DONE)
        assert [entry["state"] for entry in kept(page)] == ["done"]

    def test_a_cancelled_request_says_so(self, page: Page):
        page.locator("[data-field=num_frames]").get_by_role("radio", name="481").check()
        send(page, HARBOUR)
        page.wait_for_selector("#stage[data-mode=queued], #stage[data-mode=running]")
        page.get_by_role("button", name="Cancel").click()
        page.wait_for_selector("#stage[data-mode=cancelled]")
        expect(page.locator("[data-state=cancelled]")).to_have_count(1)

    def test_a_request_in_the_list_says_its_move(self, finished: Page):
        expect(finished.locator(".request-facts")).to_have_text(re.compile("^In"))

    def test_a_deleted_request_stays_deleted(self, finished: Page):
        finished.get_by_role("button", name="Delete from the list").click()
        expect(finished.locator("#requests")).to_be_hidden()
        assert kept(finished) == []

    def test_what_people_write_is_never_markup(self, finished: Page):
        assert finished.locator("img[src=x]").count() == 0
        expect(finished.locator("#request-list")).to_contain_text("<img src=x")

    def test_a_video_that_is_gone_says_so(self, page: Page, memory: dict[str, str]):
        gone = {
            name: re.sub("/cdn/files/b/[^/]+/", "/cdn/files/b/gone/", kept)
            for name, kept in memory.items()
        }
        page.evaluate("(memory) => Object.assign(localStorage, memory)", gone)
        page.reload()
        page.locator("#request-list .open").click()
        expect(page.locator("#failure")).to_contain_text("no longer has this video")


@pytest.fixture
def red_to_blue(service: Service, tmp_path: Path) -> str:
    """The address of a video of both directions: red, for one frame green, blue."""
    red, green, blue = (np.full((480, 832, 3), 0, np.uint8) for _ in range(3))
    red[..., 0], green[..., 1], blue[..., 2] = 200, 200, 200
    film = write_film(tmp_path / "a.mp4", [red] * 10 + [green] + [blue] * 10)
    upload = httpx.post(
        f"{service.url}/rest/storage/upload/initiate?storage_type=fal-cdn-v3",
        json={"file_name": "a.mp4", "content_type": "video/mp4"},
        headers={"Authorization": f"Key {KEY}"},
    ).json()
    httpx.put(upload["upload_url"], content=film.read_bytes()).raise_for_status()
    address: str = upload["file_url"]
    return address


def entry_of(video: str, image: str) -> str:
    """What the browser remembers of a video of both directions, as JSON."""
    request = {"image_url": image, "prompt": "a harbour", "zoom_direction": "both"}
    output = {"video": {"url": video}, "seed": 7}
    entry = {"id": "a", "submittedAt": 0, "input": request, "state": "done", "output": output}
    return json.dumps([entry])


class TestTheStillPicture:
    """A film of both directions begins and ends far from the photograph."""

    def open(self, page: Page, entries: str) -> None:
        page.evaluate("(all) => localStorage.setItem('lyra-zoom.requests', all)", entries)
        page.reload()
        page.locator("#request-list .open").click()
        page.wait_for_selector(DONE)

    def test_a_thumbnail_made_of_a_video_is_the_photograph(self, page: Page, red_to_blue: str):
        self.open(page, entry_of(red_to_blue, "https://example.com/photo.jpg"))
        picture = page.locator("#request-list img").get_attribute("src") or ""
        with Image.open(io.BytesIO(base64.b64decode(picture.split(",")[1]))) as thumbnail:
            middle = thumbnail.convert("RGB").getpixel((thumbnail.width // 2, 50))
        assert isinstance(middle, tuple)
        assert np.argmax(middle) == 1, f"not green: {middle}"

    def test_a_video_shows_the_photograph_until_it_plays(
        self, page: Page, red_to_blue: str, small: Path
    ):
        page.emulate_media(reduced_motion="reduce")
        photograph = fal_client.encode_file(small)
        self.open(page, entry_of(red_to_blue, photograph))
        assert page.evaluate("video.paused")
        assert page.locator("#video").get_attribute("poster")


class TestWhatGoesWrong:
    def test_a_wrong_key_is_named(self, page: Page, small: Path):
        page.click("#key-button")
        page.fill("#key", "wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#key-problem")).to_contain_text("does not accept this key")
        page.fill("#key", KEY)
        page.keyboard.press("Enter")
        expect(page.locator("#key-form")).to_be_hidden()

    def test_the_key_leaves_the_address_bar(self, page: Page):
        assert "#" not in page.evaluate("location.href")
        assert page.evaluate("localStorage.getItem('lyra-zoom.key')") == KEY

    def test_a_photograph_is_asked_for(self, page: Page):
        page.click("#generate")
        expect(page.locator("#photo-problem")).to_have_text("Give a photograph first.")

    def test_a_number_out_of_range_is_named_at_its_field(self, page: Page, small: Path):
        page.fill("#input-zoom_in_strength", "9")
        send(page, small)
        problem = page.locator("[data-field=zoom_in_strength] .problem")
        expect(problem).to_have_text("has to be at most 2")

    def test_what_only_the_server_refuses_is_named_at_its_field(self, page: Page, text: Path):
        send(page, text)
        page.wait_for_selector("#stage[data-mode=failed]")
        expect(page.locator("#photo-problem")).to_contain_text("not an image")


class TestTheForm:
    def test_every_field_of_the_schema_is_there(self, page: Page, service: Service):
        schemas = httpx.get(f"{service.url}/openapi.json").json()["components"]["schemas"]
        drawn = page.locator("[data-field]").evaluate_all(
            "all => all.map(a => a.dataset.field)"
        )
        assert {*drawn, "image_url"} == set(schemas["ZoomInput"]["properties"])

    def test_a_field_that_the_page_does_not_know_appears(
        self, browser: Browser, service: Service
    ):
        schema = httpx.get(f"{service.url}/openapi.json").json()
        new = {"type": "string", "enum": ["never", "always"], "default": "never"}
        schema["components"]["schemas"]["ZoomInput"]["properties"]["loop_mode"] = new
        page = browser.new_page()
        page.route("**/openapi.json", lambda route: route.fulfill(json=schema))
        page.goto(service.url)
        page.click("#more summary")
        expect(page.get_by_role("radiogroup", name="Loop mode")).to_be_visible()
        page.close()

    def test_fields_without_effect_are_disabled(self, page: Page):
        out = page.locator("[data-field=zoom_out_strength] input").first
        expect(out).to_be_disabled()
        page.locator("[data-field=zoom_direction]").get_by_role("radio", name="both").check()
        expect(out).to_be_enabled()

    def test_every_control_has_a_name(self, page: Page):
        page.click("#more summary")
        nameless = page.evaluate(
            """[...document.querySelectorAll('input, select, textarea, button')].filter(
                (control) => !control.labels?.length && !control.textContent.trim() &&
                    !control.ariaLabel && !control.getAttribute('aria-labelledby')
            ).map((control) => control.outerHTML)"""
        )
        assert nameless == []

    def test_the_keyboard_reaches_every_control_in_sight(self, page: Page):
        reached = set()
        for _ in range(40):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id"))
        assert {"key-button", "photo-file", "input-prompt", "generate", "copy"} <= reached

    @pytest.mark.parametrize("width", [320, 390, 820, 1920])
    def test_nothing_is_wider_than_the_window(self, page: Page, width: int):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_result_that_cannot_be_had_just_now_is_asked_for_again(page: Page, small: Path):
    results = re.compile(r"/requests/[0-9a-f-]{36}$")
    trouble = {"detail": "try again soon", "error_type": "internal_error"}
    page.route(results, lambda route: route.fulfill(status=503, json=trouble), times=2)
    send(page, small)
    page.wait_for_selector(DONE)


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Service]:
    """A server of its own, to be killed."""
    service = Service(tmp_path / "data")
    service.start()
    yield service
    service.stop()


def test_a_request_is_followed_through_a_restart(browser: Browser, mortal: Service):
    page = browser.new_page()
    page.goto(f"{mortal.url}/#key={KEY}")
    page.locator("[data-field=num_frames]").get_by_role("radio", name="161").check()
    send(page, HARBOUR)
    page.wait_for_selector("#stage[data-mode=running]", timeout=WAIT_MS)
    mortal.kill(Part.EVERYTHING)
    mortal.start()
    page.wait_for_selector(DONE, timeout=2 * WAIT_MS)
    page.close()


class TestThePrograms:
    """The page's programs, run as they are copied, beside the photograph they name."""

    def program(self, page: Page, language: str, photograph: Path) -> str:
        page.set_input_files("#photo-file", photograph)
        page.fill("#input-prompt", PROMPT)
        page.get_by_role("tab", name=language).click()
        text = page.inner_text("#program")
        assert KEY not in text
        return text

    def run(self, folder: Path, *command: str) -> str:
        environment = os.environ | {"FAL_KEY": KEY}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def failure(self, folder: Path, *command: str) -> str:
        """What a program that cannot succeed says on stderr."""
        environment = os.environ | {"FAL_KEY": KEY}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode != 0, done.stdout + done.stderr
        return done.stderr

    @pytest.mark.parametrize("language", ["curl", "Python", "JavaScript"])
    def test_a_program_is_in_sight_to_its_last_line(
        self, page: Page, small: Path, language: str
    ):
        page.locator("[data-field=zoom_direction]").get_by_role("radio", name="both").check()
        self.program(page, language, small)
        assert page.evaluate("program.scrollHeight <= program.clientHeight")

    def test_curl(self, page: Page, small: Path):
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        said = self.run(small.parent, "sh", "-c", self.program(page, "curl", small))
        assert json.loads(said)["video"]["content_type"] == "video/mp4"

    def test_curl_says_why_a_request_was_refused(self, page: Page, text: Path):
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        said = self.failure(text.parent, "sh", "-c", self.program(page, "curl", text))
        assert "422" in said
        assert "not an image" in said

    def test_curl_says_that_no_server_is_there(
        self, page: Page, service: Service, small: Path, nobody: str
    ):
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        program = self.program(page, "curl", small).replace(service.url, nobody)
        said = self.failure(small.parent, "sh", "-c", program)
        assert re.fullmatch(r"curl: \(7\) .*\n+", said)

    def test_python(self, page: Page, small: Path):
        program = self.program(page, "Python", small)
        assert self.run(small.parent, sys.executable, "-c", program).strip().endswith(".mp4")

    def test_javascript(self, page: Page, small: Path):
        packages = Path(__file__).parents[1] / "clients" / "node_modules"
        if shutil.which("node") is None or not packages.is_dir():
            pytest.skip("Node.js or fal's client for it is not installed")
        (small.parent / "node_modules").symlink_to(packages.resolve())
        (small.parent / "zoom.mjs").write_text(self.program(page, "JavaScript", small))
        assert self.run(small.parent, "node", "zoom.mjs").strip().endswith(".mp4")
