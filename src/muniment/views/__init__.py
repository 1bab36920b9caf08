"""How things are shown: one description of each thing, which the terminal, a notebook and JSON draw.

A module makes the views of one kind of thing, by pure functions over proven records and verified claims
(`version`, `gate`, `model`). `view` is the shape of a view; `values` are what its facts hold; `documents` and
`html` draw it, and so does `cli.drawing`.
"""
