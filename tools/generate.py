"""Write what is generated from the command tree: shell completions and man pages.

usage: python tools/generate.py [--check]    --check writes nothing and fails where a file is stale
"""

import sys
from pathlib import Path

from completions import completions
from describe import describe
from man import man_pages

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Write the files, or with ``--check`` compare them with what is there."""
    tree = describe()
    wanted = {ROOT / "completions" / name: text for name, text in completions(tree).items()}
    wanted |= {ROOT / "man" / name: text for name, text in man_pages(tree).items()}
    found = {path for folder in ("completions", "man") for path in (ROOT / folder).glob("dfdetect*")}
    stale = {p for p, text in wanted.items() if p not in found or p.read_text(encoding="utf-8") != text}
    stale |= found - set(wanted)
    if "--check" in sys.argv[1:]:
        for path in sorted(stale):
            print(f"stale: {path.relative_to(ROOT)}; run: make generate", file=sys.stderr)
        return 1 if stale else 0
    for path in sorted(stale):
        if path in wanted:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
