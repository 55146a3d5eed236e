"""The built pages in Chromium: whole without a network, and every control and player at work."""

import re
from pathlib import Path

import pytest
from conftest import ROOT, Watch, new_context, site_folder, site_pages, until

PAGES = site_pages() or ["(no built book)"]

STILL = """async () => {
    if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
    return true;
}"""
# All pictures have been asked for, those far below too.
PICTURES = """async () => {
    for (const image of document.images) image.loading = "eager";
    await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
    return true;
}"""


@pytest.fixture(scope="module")
def context(browser):
    """One for all tests of this module: what a page has loaded once stays in the cache."""
    shared = new_context(browser)
    yield shared
    shared.close()


def open_page(page, address):
    page.goto(address, wait_until="load")
    until(page, "window.hpss !== undefined")


def open_still(page, address):
    """With all equations set, after which nothing moves any more."""
    open_page(page, address)
    assert page.evaluate(STILL)


def check_content(page):
    """Pictures have come and have alt texts; equations are set; the theme's script runs."""
    assert page.evaluate(PICTURES)
    images = page.evaluate(
        """() => [...document.images].map(i => ({
            src: i.src.slice(0, 90), alt: i.alt, width: i.naturalWidth,
            again: i.classList.contains("hpss-again"),
            shown: getComputedStyle(i).display !== "none" }))"""
    )
    mute = [i for i in images if not i["alt"].strip() and not i["again"]]
    assert mute == [], "pictures without alt text (a piece of one, shown again, needs none)"
    assert not any(i["shown"] and i["again"] for i in images), "pieces are for narrow screens"
    assert [i for i in images if i["shown"] and not i["width"]] == [], "pictures that did not load"
    check_equations(page)
    ids = page.evaluate("[...document.querySelectorAll('.hpss[id]')].map(e => e.id)")
    repeated = sorted({one for one in ids if ids.count(one) > 1})
    assert repeated == [], "ids that stand twice on the page"


def check_equations(page):
    unset = page.evaluate(
        "[...document.querySelectorAll('.math')].filter(m => !m.querySelector('mjx-container'))"
        ".map(m => m.textContent)"
    )
    assert unset == [], "equations that MathJax did not set"
    assert page.evaluate("document.querySelectorAll('mjx-merror').length") == 0


@pytest.mark.parametrize("name", PAGES)
def test_page_is_whole_and_fits_a_phone(site, page, name):
    open_still(page, site + name)
    check_content(page)
    page.set_viewport_size({"width": 390, "height": 844})
    formulas = page.evaluate(
        """() => [...document.querySelectorAll('mjx-container[display]')]
            .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.scrollWidth)"""
    )
    assert formulas == [], "formulas wider than a phone's column"
    page.set_viewport_size({"width": 360, "height": 740})
    wide = page.evaluate(
        """() => [...document.querySelectorAll('.hpss, .hpss *')].filter(e => {
            const box = e.getBoundingClientRect();
            return box.width && box.right > innerWidth + 1
                && !e.closest('.hpss-picture:not(.hpss-panels), .hpss-table table')  // (scroll)
                && !e.parentElement.closest('mjx-container'); })  // (and formulas)
            .map(e => e.className).slice(0, 5)"""
    )
    assert wide == [], "parts wider than the screen"
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert all("hpss-dark" in classes for classes in page.evaluate(VISIBLE))
    check_paper(page)


def check_paper(page):
    """Paper does not scroll: on A4 every column of a table and every line of code is there."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 791, "height": 1120})  # as `make pdf` prints: 178 mm at 0.85
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.evaluate("document.querySelectorAll('.toggle-hidden').forEach(e => e.click())")
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.hpss-table table, .bd-article pre')].filter(e => {
            const box = e.getBoundingClientRect(), room = e.parentElement.getBoundingClientRect();
            return box.right > room.right + 1 || e.scrollWidth > e.clientWidth + 1; })
            .map(e => e.textContent.slice(0, 60))"""
    )
    assert cut == [], "cut off on paper"
    page.emulate_media(media="screen")


def test_nothing_leaves_unseen(context, site):
    """What the fixture notices: a picture, a script's request, one of a worker's."""
    tab = context.new_page()
    watch = Watch(tab)
    tab.goto(site + site_pages()[0], wait_until="load")
    tab.evaluate(
        """() => {
            new Image().src = "http://example.org/picture.png";
            fetch("http://192.0.2.1/script").catch(() => null);
            const script = 'fetch("https://example.com/worker").catch(() => postMessage(1))';
            const worker = new Worker(URL.createObjectURL(new Blob([script])));
            return new Promise((resolve) => { worker.onmessage = () => resolve(true); }); }"""
    )
    until(tab, "performance.getEntriesByName('http://example.org/picture.png').length === 1")
    tab.close()
    names = {"http://example.org/picture.png", "http://192.0.2.1/script"}
    assert set(watch.foreign) == {*names, "https://example.com/worker"}
    assert len(watch.failed) == 3 and watch.errors


@pytest.mark.parametrize("name", PAGES)
def test_page_is_no_heavier_than_a_phone_may_load(site, name):
    """Text and pictures, of both themes; sounds are loaded only when they are played."""
    page = site_folder() / name
    html = page.read_text(encoding="utf8")
    pictures = set(re.findall(r"assets/[0-9a-f]+\.(?:webp|png|svg)", html))
    size = page.stat().st_size + sum((page.parent / p).stat().st_size for p in pictures)
    assert size < 5e6


@pytest.mark.parametrize("name", PAGES)
def test_page_from_disk(site, page, name):
    """Opened straight from disk, a page loads without an error and its stem player plays."""
    open_page(page, (site_folder() / name).resolve().as_uri())
    if page.locator(".math").count():
        page.locator("mjx-container").first.wait_for(state="attached")
    player = page.locator(".hpss-stems").first
    if player.count():
        player.locator(".hpss-play-button").click()
        advances(page, player)
        solo = player.locator(".hpss-solo").nth(0)
        solo.click()
        gains = player.evaluate("e => e.hpss.gains()")
        assert gains[0] > 0 and not any(gains[1:])


def advances(page, player):
    """The player's time runs; returns it."""
    player.evaluate("e => { e.dataset.before = e.hpss.time }")
    page.wait_for_function(
        "e => e.hpss.playing && Math.abs(e.hpss.time - Number(e.dataset.before)) > 0.3",
        arg=player.element_handle(),
    )
    return player.evaluate("e => e.hpss.time")


def audible(page, player, expected):
    """Wait until exactly the expected rows have gain: the measured value of each gain node."""
    page.wait_for_function(
        "([e, expected]) => e.hpss.gains().every((g, i) => expected[i] ? g > 0.5 : g < 1e-3)",
        arg=[player.element_handle(), expected],
    )


@pytest.mark.parametrize("name", PAGES)
def test_stem_players(site, page, name):
    open_page(page, site + name)
    players = page.locator(".hpss-stems")
    for i in range(players.count()):
        check_player(page, players.nth(i))
    # One at a time: the last one plays, all others are silent.
    playing = page.evaluate(
        "[...document.querySelectorAll('.hpss-stems')].map(e => e.hpss.playing)"
    )
    assert playing[:-1] == [False] * len(playing[:-1])


def check_player(page, player):
    player.scroll_into_view_if_needed()
    rows = player.locator(".hpss-row")
    n = rows.count()
    start = [rows.nth(i).get_attribute("data-muted") is None for i in range(n)]
    repeat = player.locator(".hpss-loop")
    repeat.click()  # or a slow machine might reach the end of the sound before that of the test
    assert repeat.get_attribute("aria-pressed") == "true"
    play = player.locator(".hpss-play-button")
    left = player.locator(".hpss-playhead").bounding_box()["x"]
    play.click()
    advances(page, player)
    assert player.evaluate("e => e.hpss.mode") == "buffers"
    assert play.get_attribute("aria-label") == "Pause"
    audible(page, player, start)
    for i in range(n):  # solo moves from row to row, and makes a muted row audible
        solo = rows.nth(i).locator(".hpss-solo")
        solo.click()
        assert solo.get_attribute("aria-pressed") == "true"
        audible(page, player, [k == i for k in range(n)])
    player.evaluate("e => e.hpss.seek(0.3 * e.hpss.duration)")
    # Behind the gains: the level that really comes out of the row heard, and of the others.
    page.wait_for_function(
        "([e, i]) => { const l = e.hpss.levels(); "
        "return l.every((x, k) => k === i ? x > 1e-5 : x < 1e-6); }",
        arg=[player.element_handle(), n - 1],
    )
    assert player.locator(".hpss-playhead").bounding_box()["x"] > left
    # The keyboard: digits solo, space pauses and plays.
    player.locator(".hpss-seek").focus()
    page.keyboard.press("1")
    audible(page, player, [k == 0 for k in range(n)])
    page.keyboard.press("1")
    audible(page, player, start)
    page.keyboard.press("Space")
    assert player.evaluate("e => e.hpss.playing") is False
    before = player.evaluate("e => e.hpss.time")
    page.keyboard.press("ArrowLeft")
    assert player.evaluate("e => e.hpss.time") < before
    page.keyboard.press("Space")
    advances(page, player)
    # A click on a strip seeks.
    box = rows.nth(n - 1).locator(".hpss-strip").bounding_box()
    page.mouse.click(box["x"] + 0.1 * box["width"], box["y"] + box["height"] / 2)
    time, duration = player.evaluate("e => [e.hpss.time, e.hpss.duration]")
    assert 0.05 * duration < time < 0.1 * duration + 1.5
    mute = rows.nth(0).locator(".hpss-mute")
    mute.click()
    audible(page, player, [not start[0], *start[1:]])
    mute.click()
    audible(page, player, start)


INPUTS = ".hpss-inputs input, .hpss-inputs select"


def shown(control):
    """Address of the visible picture, its alt text, the line of text, and the sounds' addresses."""
    return control.evaluate(
        """e => { const image = [...e.querySelectorAll('.hpss-picture img')].find(
            i => getComputedStyle(i).display !== 'none');
            return { picture: image.currentSrc || image.src, alt: image.alt,
                text: e.querySelector('.hpss-text').textContent,
                sounds: [...e.querySelectorAll('audio')].map(
                    a => a.dataset.src || a.getAttribute('src')) }; }"""
    )


def states(control):
    return control.evaluate("e => JSON.parse(e.querySelector('script.hpss-states').textContent)")


def moved(page, control, before):
    """What is shown after the picture has changed and come."""
    page.wait_for_function(
        """([e, before]) => { const image = [...e.querySelectorAll('.hpss-picture img')].find(
            i => getComputedStyle(i).display !== 'none');
            return image.src !== before && image.complete && image.naturalWidth > 0; }""",
        arg=[control.element_handle(), before["picture"]],
    )
    now = shown(control)
    assert now["picture"] != before["picture"]
    shows = control.get_attribute("data-shows")
    assert shows.strip() and now["text"] and now["alt"] == f"{shows} {now['text']}"
    assert control.locator(".hpss-text").get_attribute("aria-live") == "polite"
    return now


@pytest.mark.parametrize("name", PAGES)
def test_controls(site, page, name):
    """Each parameter of each control, moved to both of its ends: picture, text and sound follow."""
    open_still(page, site + name)
    # One that the page computes moves between the states: test_players.py.
    for control in page.locator("[data-hpss=control]:not([data-computed])").all():
        control.scroll_into_view_if_needed()
        for k, widget in enumerate(control.locator(INPUTS).all()):
            start = widget.input_value()
            for how in ("mouse", "keyboard"):
                check_parameter(page, control, k, how)
            # Back: at the end of one parameter another may have nothing to change.
            if widget.input_value() != start:
                before = shown(control)
                widget.evaluate(
                    "(e, at) => { e.value = at; e.dispatchEvent(new Event('input')) }", start
                )
                moved(page, control, before)


def check_parameter(page, control, k, how):
    widget = control.locator(INPUTS).nth(k)
    label = page.locator(f"label[for='{widget.get_attribute('id')}']")
    assert label.inner_text().strip()
    slider = widget.evaluate("e => e.tagName") == "INPUT"
    last = int(widget.get_attribute("max")) if slider else widget.locator("option").count() - 1
    seen = []
    for position in (last, 0) if int(widget.input_value()) != last else (0, last):
        before = shown(control)
        if slider:
            to_end(page, widget, "last" if position else "first", how)
        elif how == "keyboard":
            widget.focus()
            page.keyboard.press("End" if position else "Home")
        else:
            widget.select_option(index=position)
        assert widget.input_value() == str(position)
        seen.append(moved(page, control, before))
        if slider:
            texts = widget.evaluate("e => JSON.parse(e.dataset.texts)")
            assert widget.get_attribute("aria-valuetext") == texts[position]
            assert control.locator("output").nth(0).inner_text()
    if any(state["sounds"] != states(control)[0]["sounds"] for state in states(control)):
        along = states_along(control, k)
        if along[0]["sounds"] != along[-1]["sounds"]:
            assert seen[0]["sounds"] != seen[1]["sounds"], "the sound did not change"


def states_along(control, k):
    """The states at the two ends of parameter k, the others as they stand."""
    everything = states(control)
    sizes, values = control.evaluate(
        """e => { const q = ".hpss-inputs input, .hpss-inputs select";
            const inputs = [...e.querySelectorAll(q)];
            return [inputs.map(i => i.tagName === 'SELECT' ? i.options.length : Number(i.max) + 1),
                inputs.map(i => Number(i.value))]; }"""
    )
    ends = []
    for value in (0, sizes[k] - 1):
        at = 0
        for j, size in enumerate(sizes):
            at = at * size + (value if j == k else values[j])
        ends.append(everything[at])
    return ends


def to_end(page, slider, end, how):
    if how == "keyboard":
        slider.focus()
        page.keyboard.press("End" if end == "last" else "Home")
        return
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    steps = int(slider.get_attribute("max"))
    thumb = 18  # as in hpss.css: the middle of the thumb never reaches the edges
    x = box["x"] + thumb / 2 + int(slider.input_value()) / steps * (box["width"] - thumb)
    y = box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(box["x"] + (box["width"] if end == "last" else 0), y, steps=4)
    page.mouse.up()


def control_whose_sound_moves(page):
    """The first control of which every step of the first parameter changes the first sound."""
    for control in page.locator(".hpss-control:has(audio):has(.hpss-inputs input)").all():
        sounds = [state["sounds"][0] for state in states(control)]
        if len(set(sounds)) == len(sounds):
            return control
    return None


def test_sound_goes_on_at_the_same_time(site, page):
    """Moving a control while its sound plays leads to the new sound at the same place."""
    for name in site_pages():
        open_page(page, site + name)
        control = control_whose_sound_moves(page)
        if control is None:
            continue
        audio = control.locator("audio").first
        audio.evaluate("a => a.play()")
        page.wait_for_function("a => a.currentTime > 0.4", arg=audio.element_handle())
        before = shown(control)
        slider = control.locator(".hpss-inputs input").first
        slider.focus()
        page.keyboard.press("ArrowRight" if slider.input_value() == "0" else "ArrowLeft")
        after = moved(page, control, before)
        assert after["sounds"] != before["sounds"]
        page.wait_for_function(
            "a => !a.paused && a.currentTime > 0.4 && a.currentTime < 3", arg=audio.element_handle()
        )
        return
    pytest.fail("no page has a control with a sound")


def test_one_sound_at_a_time(site, page):
    """A plain player stops the stem player, and the stem player stops it."""
    for name in site_pages():
        open_page(page, site + name)
        player = page.locator(".hpss-stems").first
        audio = page.locator(".hpss-sound audio").first
        if not (player.count() and audio.count()):
            continue
        player.locator(".hpss-play-button").click()
        advances(page, player)
        audio.evaluate("a => a.play()")
        page.wait_for_function("e => !e.hpss.playing", arg=player.element_handle())
        player.locator(".hpss-play-button").click()
        page.wait_for_function("a => a.paused", arg=audio.element_handle())
        return
    pytest.fail("no page has both a stem player and a plain player")


@pytest.mark.parametrize("name", PAGES)
def test_page_without_script(site, browser, name):
    """Without JavaScript: pictures, captions and plain, labelled players are there."""
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(site + name, wait_until="load")
    for audio in tab.locator(".hpss audio").all():
        assert audio.is_visible()
        assert audio.get_attribute("aria-label")
    for control in tab.locator("[data-hpss=control]").all():
        assert control.locator(".hpss-picture img").first.is_visible()
        assert control.locator("figcaption").inner_text().strip()
        assert not control.locator(".hpss-inputs").is_visible()
    context.close()


VISIBLE = """() => [...document.querySelectorAll('.hpss img')].filter(
    i => getComputedStyle(i).display !== 'none').map(i => i.className)"""


def test_a_dark_page_shows_dark_pictures(site, browser):
    context = browser.new_context()
    context.add_init_script(
        "localStorage.setItem('mode', 'dark'); localStorage.setItem('theme', 'dark')"
    )
    tab = context.new_page()
    tab.goto(site + "book/02_stft.html", wait_until="load")
    visible = tab.evaluate(VISIBLE)
    assert visible and all("hpss-dark" in classes for classes in visible)
    context.close()


@pytest.mark.parametrize("name", ["book/00_index.html", "book/10_your_own_separator.html"])
def test_the_files_to_fill_in_are_there_to_take_away(site, page, name):
    page.goto(site + name)
    page.get_by_text("Run this chapter").first.click()
    # The one file, and the page's own notebook
    links = [page.locator("a.download"), page.locator(".hpss-run a[download]")]
    for link, given in zip(links, ("my_separator.py", f"{Path(name).stem}.ipynb"), strict=True):
        with page.expect_download() as saved:
            link.click()
        assert saved.value.suggested_filename == given
        got = Path(saved.value.path()).read_bytes()
        assert got == (ROOT / "book" / given).read_bytes()
