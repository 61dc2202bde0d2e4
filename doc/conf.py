"""Configuration of the documentation: sphinx-build -W --keep-going doc doc/_build."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import os

import matplotlib

import skcoreset

matplotlib.use("Agg")

# Also for the programs that the examples start.
os.environ.setdefault("MPLBACKEND", "Agg")

project = "skcoreset"
author = "the skcoreset developers"
copyright = author
version = release = skcoreset.__version__

# No intersphinx: the build must not need a network.
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]

exclude_patterns = ["_build", "_templates", "auto_examples/**/*.ipynb"]
templates_path = ["_templates"]
default_role = "literal"

extlinks = {"arxiv": ("https://arxiv.org/abs/%s", "arXiv:%s")}
extlinks_detect_hardcoded_links = False

autosummary_generate = True
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
# as scikit-learn: a return value has a name, which may say all
numpydoc_validation_checks = {"all"} | {
    *("SA01", "SA04", "ES01", "EX01", "GL01", "GL02", "RT02", "RT03", "SS05")
}
# results, which nobody makes: their fields are attributes
numpydoc_validation_exclude = {"Certificate$", "Bound$", "CProgram$"}
numpydoc_use_plots = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_\w+\.py$",
    "ignore_pattern": r"(__init__\.py|[/\\](paper|arduino)[/\\])",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("skcoreset",),
    "reference_url": {"skcoreset": None},
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skcoreset {version}"
html_static_path = ["_static"]
html_css_files = ["skcoreset.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {
    "index": [],
    "install": [],
    "quick_start": [],
    "benchmarks": [],
    "paper": [],
    "changelog": [],
    "contributing": [],
}
html_theme_options = {
    "logo": {"text": "skcoreset"},
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
}
