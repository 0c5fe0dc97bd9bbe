"""All that somebody has written, and what is kept of them, as a file to take home: `export-messages`, a kind of tasks.

`rows` reads it, `as_json` and `as_html` write it, each in a walk of its own, into what `archive` zips on the way.
Nothing is held in memory but a page of rows, whatever the size; what the file has in it: docs/export.md.
"""
