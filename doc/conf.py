"""Configuration of the documentation: sphinx-build -W --keep-going doc doc/_build."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import os

# Set before NumPy is loaded: the networks that the examples train depend on the number
# of BLAS threads.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import matplotlib

import skcoreset
from skcoreset.displays import palette

matplotlib.use("Agg")

project = "skcoreset"
author = "the skcoreset developers"
copyright = author
version = release = skcoreset.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    # MathJax itself, so that the pages need no network
    "sphinx-mathjax-offline",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]

# The second inventory is empty: without a network the build lacks these links only.
intersphinx_mapping = {
    name: (url, (None, "offline.inv"))
    for name, url in {
        "python": "https://docs.python.org/3",
        "numpy": "https://numpy.org/doc/stable",
        "scipy": "https://docs.scipy.org/doc/scipy",
        "sklearn": "https://scikit-learn.org/stable",
        "matplotlib": "https://matplotlib.org/stable",
    }.items()
}
intersphinx_timeout = 10

# copy code without prompts and output
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

# the gallery's configuration contains a function, which cannot be cached
suppress_warnings = ["config.cache"]

exclude_patterns = ["_build", "_templates", "auto_examples/**/*.ipynb"]
templates_path = ["_templates"]
default_role = "literal"

extlinks = {"arxiv": ("https://arxiv.org/abs/%s", "arXiv:%s")}
extlinks_detect_hardcoded_links = False

autosummary_generate = True
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
# like scikit-learn: name and type of a parameter or return value may be enough
numpydoc_validation_checks = {"all"} | {
    *("SA01", "SA04", "ES01", "EX01", "GL01", "GL02", "PR07", "RT02", "RT03", "SS05")
}
# results, which users never construct: their fields are attributes; and classes with
# the parameters of scikit-learn's
numpydoc_validation_exclude = {
    *("Certificate$", "Bound$", "Program$", "PathPromises$", "Comparison$"),
    *("SparseMLPClassifier$", "SparseMLPRegressor$"),
}
numpydoc_use_plots = False


def style_of_figures(gallery_conf, fname):
    """Use colours that can be read on the light and on the dark theme."""
    from matplotlib import pyplot

    grey = palette.GREY
    colored = ("text.color", "axes.labelcolor", "axes.edgecolor")
    colored += ("axes.titlecolor", "xtick.color", "ytick.color")
    pyplot.rcParams.update(dict.fromkeys(colored, grey))
    transparent = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
    pyplot.rcParams.update(dict.fromkeys(transparent, "none"))
    pyplot.rcParams["legend.frameon"] = False
    pyplot.rcParams["axes.prop_cycle"] = pyplot.cycler(color=palette.CYCLE)


# The first cell of every notebook.
INSTALL = """\
# Installs skcoreset if it is missing: from a folder "stick" of wheels next to this
# notebook if there is one, otherwise from its repository.
from importlib.util import find_spec
from pathlib import Path

if find_spec("skcoreset") is None:
    if Path("stick").is_dir():
        %pip install --quiet --no-index --find-links stick "skcoreset[plots]"
    else:
        %pip install --quiet "skcoreset[plots] @ git+https://github.com/skcoreset/skcoreset"
%matplotlib inline
"""

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_\w+\.py$",
    "ignore_pattern": r"(__init__\.py|[/\\](paper|arduino)[/\\])",
    "backreferences_dir": "generated/backreferences",
    "capture_repr": (),
    "doc_module": ("skcoreset",),
    "first_notebook_cell": INSTALL,
    "reference_url": {"skcoreset": None},
    "download_all_examples": False,
    "reset_modules": ("matplotlib", style_of_figures),
    "within_subsection_order": "ExampleTitleSortKey",
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skcoreset {version}"
html_static_path = ["_static"]
html_favicon = LOGO = "_static/logo.svg"
html_css_files = ["skcoreset.css"]
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {
    "index": [],
    "when_to_use": [],
    "pitfalls": [],
    "install": [],
    "quick_start": [],
    "lesson": [],
    "benchmarks": [],
    "paper": [],
    "glossary": [],
    "changelog": [],
    "contributing": [],
}
html_theme_options = {
    "github_url": "https://github.com/skcoreset/skcoreset",
    "logo": {"text": "skcoreset", "image_light": LOGO, "image_dark": LOGO},
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher", "navbar-icon-links"],
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
}
