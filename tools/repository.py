"""Set the public repository's address where the book takes it from, and the README's badges.

python tools/repository.py https://github.com/OWNER/NAME      (an empty string takes it out again)
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- badges -->", "<!-- /badges -->"


def badges(url):
    """The README's badge lines for a GitHub repository; nothing for an empty address."""
    if not url:
        return ""
    name = url.removeprefix("https://github.com/")
    pages = "https://{}.github.io/{}/".format(*name.split("/"))
    return (
        f"**[Read the book and hear it]({pages})**\n\n"
        f"[![book]({url}/actions/workflows/book.yml/badge.svg)]({url}/actions/workflows/book.yml)\n"
        f"[![Binder](https://mybinder.org/badge_logo.svg)]"
        f"(https://mybinder.org/v2/gh/{name}/main?urlpath=lab/tree/book/00_index.ipynb)\n"
    )


def with_badges(readme, url):
    """The README's text with the badges for `url` between its two markers."""
    head, rest = readme.split(START)
    return head + START + "\n" + badges(url) + END + rest.split(END)[1]


def configured(config):
    """The address in the text of _config.yml."""
    return re.search(r'^repository:\n  url: "(.*)"$', config, re.MULTILINE).group(1)


def main():
    address = r"(https://github\.com/[\w.-]+/[\w.-]+)?"
    if len(sys.argv) != 2 or not re.fullmatch(address, sys.argv[1]):
        sys.exit(__doc__)
    url = sys.argv[1]
    config = ROOT / "_config.yml"
    text = config.read_text(encoding="utf8")
    config.write_text(
        text.replace(f'repository:\n  url: "{configured(text)}"', f'repository:\n  url: "{url}"'),
        encoding="utf8",
    )
    readme = ROOT / "README.md"
    readme.write_text(with_badges(readme.read_text(encoding="utf8"), url), encoding="utf8")


if __name__ == "__main__":
    main()
