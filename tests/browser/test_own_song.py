"""The page "Your own song" in Chromium: what a reader drops on it, and what comes out."""

import base64
import io

import numpy as np
import pytest
import soundfile
from conftest import site_folder, until

from hpss_lib.audio import load_excerpt
from hpss_lib.separation import separate
from hpss_lib.stft import SAMPLE_RATE

PAGE = "book/own_song.html"
PHONE = {"width": 390, "height": 844}


def song(seconds=3.0):
    """A few seconds of stereo: (n, 2) float32."""
    n = round(seconds * SAMPLE_RATE)
    rock, funk = (sum(load_excerpt(name))[:n] for name in ("rock", "funk"))
    return np.stack([rock, 0.5 * rock + 0.4 * funk], axis=1).astype(np.float32)


def wav(x, rate=SAMPLE_RATE, subtype="FLOAT"):
    """The bytes of a WAV file."""
    buffer = io.BytesIO()
    soundfile.write(buffer, x, rate, format="WAV", subtype=subtype)
    return buffer.getvalue()


def open_page(page, site):
    page.goto(site + PAGE)
    page.wait_for_selector("#own-song[data-state=idle]")


def drop(page, name, data):
    """Drop a file on the page, as from the reader's desktop."""
    page.evaluate(
        """([name, data]) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], name));
            document.body.dispatchEvent(new DragEvent("drop",
                { dataTransfer, bubbles: true, cancelable: true })); }""",
        [name, base64.b64encode(data).decode()],
    )


def choose(page, name, data):
    page.set_input_files(
        "#own-song input[type=file]", {"name": name, "mimeType": "audio/wav", "buffer": data}
    )


def ready(page, way):
    """Wait until the song has been separated in this way, and is heard so."""
    page.wait_for_selector(f"#own-song [value={way}]:checked:enabled", state="attached")
    page.wait_for_selector("#own-song[data-state=ready]")


def saved(page, what):
    """What the page saves: its name, its samples (n, channels)."""
    with page.expect_download() as download:
        page.click(f".hpss-own-save [value={what}]")
    with open(download.value.path(), "rb") as file:
        x, rate = soundfile.read(file, dtype="float32", always_2d=True)
    assert rate == SAMPLE_RATE
    return download.value.suggested_filename, x


def problem(page):
    """The words of complaint, once there are any."""
    page.wait_for_selector(".hpss-own-problem:not([hidden])")
    return page.inner_text(".hpss-own-problem")


@pytest.mark.parametrize("way", ["median", "mad", "pu"])
def test_a_song_is_separated_as_by_the_library(site, page, way):
    x = song()
    open_page(page, site)
    drop(page, "My song.wav", wav(x))
    ready(page, "median")
    if way != "median":
        size = page.inner_text(".hpss-own-size")
        assert "MB, once" in size, "said before the click"
        page.click(".hpss-own-network")
        ready(page, "mad")
    if way == "pu":
        page.check("[value=pu]", force=True)  # under its own label
        ready(page, "pu")
    name, p = saved(page, "percussive")
    assert name == "My song.percussive.wav"
    name, h = saved(page, "harmonic")
    assert name == "My song.harmonic.wav"
    np.testing.assert_allclose(p + h, x, rtol=0, atol=1e-6)
    options = {"median": {"method": "median"}, "mad": {}, "pu": {"phase": "pu"}}[way]
    expected, _ = separate(x, SAMPLE_RATE, **options)
    np.testing.assert_allclose(p, expected, rtol=0, atol=1e-4)


def weights_heard(page):
    return page.evaluate("document.querySelector('.hpss-stems').hpss.gains()")


def test_the_player(site, page):
    """Solo, mute, faders, another way of separating at the same place, the remix on disk."""
    x = song()
    open_page(page, site)
    choose(page, "song.wav", wav(x))
    ready(page, "median")
    assert "Song" not in page.inner_text(".hpss-heard")
    page.click(".hpss-own .hpss-loop")  # or a slow machine might reach the song's end
    page.click(".hpss-own .hpss-play-button")
    until(page, "document.querySelector('.hpss-stems').hpss.time > 0.2")
    full = weights_heard(page)
    assert full[0] == 0 and full[1] == full[2] > 0
    page.click("[aria-label='Solo Drums']")
    assert weights_heard(page) == [0, full[1], 0]
    page.click("[aria-label='Solo Drums']")
    page.click("[aria-label='Mute Rest']")
    assert weights_heard(page) == [0, full[1], 0]
    page.click("[aria-label='Mute Rest']")
    page.locator(".hpss-own-fader input").nth(1).fill("0.5")
    assert weights_heard(page) == [0, full[1], full[2] / 2]
    assert page.locator(".hpss-own-fader output").nth(1).inner_text() == "−6.0 dB"
    page.click(".hpss-own .hpss-play-button")
    at = page.evaluate("document.querySelector('.hpss-stems').hpss.time")
    page.click(".hpss-own-network")
    ready(page, "mad")
    page.check("[value=median]", force=True)
    page.check("[value=mad]", force=True)
    assert page.evaluate("document.querySelector('.hpss-stems').hpss.time") == at
    name, remix = saved(page, "remix")
    expected, rest = separate(x, SAMPLE_RATE)
    assert name == "song.remix.wav"
    np.testing.assert_allclose(remix, expected + rest / 2, rtol=0, atol=1e-4)


def test_pictures_follow_the_theme_and_the_sound(site, page):
    open_page(page, site)
    choose(page, "song.wav", wav(song()))
    ready(page, "median")
    drawn = "[...document.querySelectorAll('.hpss-own canvas')].map(c => c.toDataURL())"
    until(page, f"new Set({drawn}).size === 3")
    light = page.evaluate(drawn)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    until(page, f"(before) => {drawn}.every((c, i) => c !== before[i])", light)


def test_cancelled_and_another_song(site, page):
    open_page(page, site)
    choose(page, "long.wav", wav(np.tile(song(6), (8, 1))))
    until(page, "document.querySelector('.hpss-own-doing').textContent.startsWith('Median')")
    page.click(".hpss-own-cancel")
    page.wait_for_selector("#own-song[data-state=ready]")
    assert page.inner_text(".hpss-own-said") == "Cancelled"
    assert page.locator(".hpss-own-save button").first.is_visible()
    choose(page, "long.wav", wav(np.tile(song(6), (8, 1))))
    page.wait_for_selector("#own-song[data-state=working]")
    x = song(2)
    choose(page, "second.wav", wav(x))  # while the first is still being worked on
    ready(page, "median")
    assert page.locator(".hpss-stems").count() == 1
    name, p = saved(page, "percussive")
    assert name == "second.percussive.wav"
    expected, _ = separate(x, SAMPLE_RATE, method="median")
    np.testing.assert_allclose(p, expected, rtol=0, atol=1e-4)


NAN = song(0.2)
NAN[100] = np.nan


@pytest.mark.parametrize(
    "name, data, words",
    [
        ("notes.txt", b"no sound at all", "there is no sound that this browser can play"),
        ("empty.wav", b"", "there is no sound"),
        ("nothing.wav", wav(np.zeros((0, 1))), "there is no sound"),
        ("rest.wav", wav(np.zeros((SAMPLE_RATE, 2))), "silent from beginning to end"),
        ("broken.wav", wav(NAN), "no numbers"),
    ],
)
def test_bad_files_are_refused_in_words(site, page, name, data, words):
    open_page(page, site)
    choose(page, name, data)
    said = problem(page)
    assert words in said and name in said
    assert page.locator(".hpss-stems").count() == 0
    assert page.inner_text(".hpss-own-said") == ""  # nothing is being read any more
    choose(page, "song.wav", wav(song(1)))  # and the next one is taken all the same
    ready(page, "median")
    assert not page.is_visible(".hpss-own-problem")


@pytest.mark.parametrize(
    "rate, channels, words",
    [
        (44100, 1, "One channel."),
        (8000, 2, "Recorded at 8 kHz"),
        (96000, 2, "Recorded at 96 kHz"),
        (44100, 6, "6 channels, mixed down to two."),
    ],
)
def test_unusual_files_are_separated_with_a_remark(site, page, rate, channels, words):
    rng = np.random.default_rng(0)
    x = 0.1 * rng.standard_normal((rate, channels)).astype(np.float32)
    open_page(page, site)
    choose(page, "noise.wav", wav(x, rate))
    ready(page, "median")
    assert words in page.inner_text(".hpss-own-notes")
    _, p = saved(page, "percussive")
    _, h = saved(page, "harmonic")
    assert p.shape == h.shape and p.shape[1] == min(channels, 2)
    assert abs(len(p) - SAMPLE_RATE) <= 1  # as the browser's resampler rounds
    assert np.abs(p + h).max() > 0.01


def test_a_long_track_is_announced_before_anything_begins(site, page):
    open_page(page, site)
    hour = wav(np.zeros(3600 * 8000, np.float32), 8000, "PCM_U8")
    choose(page, "hour.wav", hour)
    page.wait_for_selector("#own-song[data-state=asking]")
    text = page.inner_text(".hpss-own-question p")
    assert "lasts 1 h 0 min" in text and "GB of memory" in text
    page.click("text=Nothing >> nth=-1")
    page.wait_for_selector("#own-song[data-state=idle]")
    # The beginning of a long song alone; what counts as long is said by the page.
    page.evaluate("document.getElementById('own-song').dataset.long = '2'")
    x = song(8)
    choose(page, "long.wav", wav(x))
    page.click("text=The first 2 s")
    ready(page, "median")
    _, p = saved(page, "percussive")
    assert len(p) == 2 * SAMPLE_RATE
    expected, _ = separate(x[: len(p)], SAMPLE_RATE, method="median")
    np.testing.assert_allclose(p, expected, rtol=0, atol=1e-4)


@pytest.fixture
def lame(browser, site):
    """Opens the page in a browser that lacks something; errors on its console are expected."""
    contexts = []

    def start(script="", cut=""):
        context = browser.new_context()
        contexts.append(context)
        context.add_init_script(script)
        tab = context.new_page()
        if cut:
            tab.route(cut, lambda route: route.abort())
        tab.goto(site + PAGE)
        return tab

    yield start
    for context in contexts:
        context.close()


def test_without_workers(lame):
    assert "no workers" in problem(lame("delete window.Worker"))


def test_without_simd_the_median_filter_works(lame):
    page = lame("WebAssembly.validate = () => false")
    page.wait_for_selector("#own-song[data-state=idle]")
    choose(page, "song.wav", wav(song(1)))
    ready(page, "median")
    assert "SIMD" in problem(page)
    assert not page.is_visible(".hpss-own-network")


def test_without_a_connection_the_median_filter_stays(lame):
    page = lame(cut="**/compact-percussive.safetensors*")
    page.wait_for_selector("#own-song[data-state=idle]")
    choose(page, "song.wav", wav(song(1)))
    ready(page, "median")
    page.click(".hpss-own-network")
    assert "could not be loaded" in problem(page)
    assert page.is_visible(".hpss-own-network"), "to try again"
    saved(page, "percussive")


def test_without_memory(lame):
    page = lame(
        "window.AudioBuffer = function () { throw new RangeError('Array allocation failed') }"
    )
    page.wait_for_selector("#own-song[data-state=idle]")
    choose(page, "song.wav", wav(song(1)))
    assert "not enough memory for song.wav" in problem(page)


def test_the_microphone_is_asked_for_on_a_click_only(lame):
    page = lame(
        """window.asked = 0;
        navigator.mediaDevices.getUserMedia = async () => {
            window.asked += 1;
            if (window.denied) throw new DOMException("no", "NotAllowedError");
            const context = new AudioContext(), source = context.createOscillator();
            const end = context.createMediaStreamDestination();
            source.connect(end);
            source.start();
            return end.stream;
        };"""
    )
    page.wait_for_selector("#own-song[data-state=idle]")
    assert page.evaluate("window.asked") == 0
    page.click(".hpss-own-record")
    until(page, "document.querySelector('.hpss-own-record').textContent.includes('Stop')")
    page.wait_for_timeout(700)
    page.click(".hpss-own-record")
    ready(page, "median")
    assert page.inner_text(".hpss-own .hpss-stems .hpss-title") == "Recording"
    page.evaluate("window.denied = true")
    page.click(".hpss-own-record")
    assert "microphone" in problem(page)
    assert page.evaluate("window.asked") == 2


def test_the_weights_are_kept(site, page):
    """The second visit says so, and asks the server for nothing that it has."""
    open_page(page, site)
    choose(page, "song.wav", wav(song(1)))
    ready(page, "median")
    page.click(".hpss-own-network")
    ready(page, "mad")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector("#own-song[data-state=idle]")
    choose(page, "song.wav", wav(song(1)))
    ready(page, "median")
    until(page, "document.querySelector('.hpss-own-size').textContent.includes('already')")
    page.click(".hpss-own-network")
    ready(page, "mad")
    assert not [url for url in asked if "compact-percussive" in url]


def test_the_policy(site, page):
    """It stands in the page, lets all of it work (the fixture sees errors), and holds."""
    open_page(page, site)
    policy = page.get_attribute("meta[http-equiv=Content-Security-Policy]", "content")
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["connect-src"] == "'self'" and parts["default-src"] == "'self'"
    assert (
        "'unsafe-inline'" not in parts["script-src"] and "'unsafe-eval'" not in parts["script-src"]
    )
    page.select_option(".hpss-own-excerpt", index=1)
    ready(page, "median")


def test_the_policy_holds(lame):
    page = lame()
    page.wait_for_selector("#own-song[data-state=idle]")
    outcome = page.evaluate(
        """async () => {
            const seen = [];
            addEventListener("securitypolicyviolation", (e) => seen.push(e.effectiveDirective));
            await fetch("http://127.0.0.2:9/").catch(() => seen.push("refused"));
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            await new Promise((resolve) => setTimeout(resolve, 100));
            return [seen, window.ran ?? false]; }"""
    )
    assert set(outcome[0]) == {"connect-src", "refused", "script-src-elem"} and not outcome[1]


def test_by_keyboard_alone(site, page):
    open_page(page, site)
    page.locator(".hpss-own-choose").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "hpss-own-excerpt"
    page.keyboard.press("ArrowDown")
    ready(page, "median")
    for _ in range(6):  # Record, links in the words between, the network's button
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.hpss-own-network')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#own-song[data-state=working]")
    ready(page, "mad")
    reached = []
    page.locator("[value=mad]").focus()
    page.keyboard.press("ArrowLeft")
    assert page.is_checked("[value=median]")
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "(e => e.getAttribute('aria-label') || e.closest('label')?.innerText.trim()"
                " || e.innerText)(document.activeElement)"
            )
        )
    wanted = ["Play", "Position", "Solo Song", "Mute Song", "Solo Drums", "Mute Drums"]
    assert reached[:6] == wanted
    assert reached[-2:] == ["Drums", "Rest"], reached
    said = page.locator(".hpss-own-said")
    assert said.get_attribute("aria-live") == "polite"
    assert page.locator(".hpss-own-problem").get_attribute("role") == "alert"


def test_on_a_phone(site, page):
    page.set_viewport_size(PHONE)
    open_page(page, site)
    choose(page, "A song with a rather long name, recorded live.wav", wav(song(1)))
    ready(page, "median")
    small = page.evaluate(
        """() => [...document.querySelectorAll('.hpss-own button, .hpss-own select, '
            + '.hpss-own-methods span, .hpss-own input[type=range]')].map(e => [e.className,
            e.getBoundingClientRect()]).filter(([_, box]) => box.width && box.height < 44)
            .map(([name, box]) => [name, box.height])"""
    )
    assert small == [], "targets smaller than a thumb"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_from_disk_one_sentence_says_what_to_do(page):
    page.goto((site_folder() / PAGE).resolve().as_uri())
    assert "make serve" in problem(page)
