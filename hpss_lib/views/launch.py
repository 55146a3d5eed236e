"""From a page to its notebook: a download, the lines that open it, and services that run it.

The services follow from the repository's address alone; while it is unset there are none, since
each link would lead nowhere.
"""

from urllib.parse import quote, urlencode

from hpss_lib.views import output

ANCHOR = "run-this-chapter"
_FOLDER = "pulling-music-apart"


def launch_html(notebook: str, url: str = "", branch: str = "main") -> str:
    """How to run a page's notebook, folded.

    Parameters
    ----------
    notebook
        Its file name in book/, which the page finds beside itself.
    url
        The repository's address on GitHub, or "".
    branch
        The branch that the links lead to.

    Returns
    -------
    str
        HTML, a closed <details>; a link to ANCHOR opens it.

    Examples
    --------
    >>> "mybinder.org" in launch_html("02_stft.ipynb", "https://github.com/a/b")
    True
    >>> "://" in launch_html("02_stft.ipynb")
    False
    """
    name = output.escape(notebook)
    steps = [
        "python3 -m venv .venv",
        ".venv/bin/pip install -e '.[book]'",
        f".venv/bin/jupyter lab book/{name}",
    ]
    where = "In the folder of this book's files:"
    if url:
        where = "On your own machine:"
        steps.insert(0, f"git clone {output.escape(url)} {_FOLDER} && cd {_FOLDER}")
    return (
        '<details class="hpss-run"><summary>Run this chapter</summary>'
        f'<div id="{ANCHOR}"><p><a href="{quote(notebook)}" download>Download {name}</a>, without '
        "its outputs. It reads what lies beside it in the book's folder.</p>"
        f"{_services(notebook, url, branch)}<p>{where}</p><pre>" + "\n".join(steps) + "</pre>"
        "<p>Where <code>make</code> is there, <code>make lab</code> does it all, with the versions "
        "that this book was made with and no CUDA. On Windows, <code>.venv\\Scripts</code>.</p>"
        "</div></details>"
    )


def _services(notebook: str, url: str, branch: str) -> str:
    """Links to Binder and Colab, and how a JupyterHub is asked; nothing without an address."""
    if not url:
        return ""
    name = url.removeprefix("https://github.com/")
    path = f"book/{quote(notebook)}"
    binder = f"https://mybinder.org/v2/gh/{name}/{quote(branch, safe='')}?" + urlencode(
        {"urlpath": f"lab/tree/book/{notebook}"}
    )
    colab = f"https://colab.research.google.com/github/{name}/blob/{quote(branch)}/{path}"
    query = {
        "repo": url,
        "branch": branch,
        "urlpath": f"lab/tree/{name.split('/')[-1]}/book/{notebook}",
    }
    hub = output.escape("/hub/user-redirect/git-pull?" + urlencode(query))
    install = output.escape(
        f"!git clone {url} {_FOLDER}\n%pip install -q './{_FOLDER}[book]'\n%cd {_FOLDER}/book"
    )
    return (
        f'<p><a href="{output.escape(binder)}" rel="external">Binder</a>: nothing to install; it '
        "may take minutes to start.</p>"
        f'<p><a href="{output.escape(colab)}" rel="external">Colab</a>: run this in a cell of its '
        f"own first.</p><pre>{install}</pre>"
        "<p>JupyterHub with nbgitpuller: your hub's address, followed by</p>"
        f"<pre>{hub}</pre>"
    )
