"""How Sphinx builds these pages: sphinx-build -W --keep-going docs site"""

from durablectl.version import __version__

project = "durablectl"
author = "The durablectl maintainers"
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns: list[str] = []
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure"]  # console blocks show what is left out as `...`

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "undoc-members": True}
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "durablectl"
html_copy_source = False
html_show_sourcelink = False
