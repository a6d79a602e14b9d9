#!/usr/bin/env python3
"""Every code block of docs/extending.md that names a file must be that file, word for word."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
text = (root / "docs/extending.md").read_text()
blocks = re.findall(r"`(tests/extending/[\w./]+)`[^`]*```cpp\n(.*?)```", text, re.S)
squeeze = lambda code: " ".join(code.split())
bad = [name for name, code in blocks if squeeze((root / name).read_text()) != squeeze(code)]
for name in bad:
    print(f"docs/extending.md shows {name} differently from the file that is built")
if not blocks:
    print("docs/extending.md: no code block names a file")
print(f"{len(blocks) - len(bad)} of {len(blocks)} code blocks are what is built")
sys.exit(1 if bad or not blocks else 0)
