"""Print which rooms of `canary_construct` import which, as a Mermaid diagram: what CONTRIBUTING.md shows.

Needs `pip install grimp` beside the pins of this repository.
"""

from __future__ import annotations

import sys

import grimp

TOP = "canary_construct"


def room_of(module: str) -> str:
    """Return the folder of a module, or the module itself where it is in no folder."""
    return module.split(".")[1]


def arrows() -> list[tuple[str, str]]:
    """Return importing and imported room, imports for type checking included."""
    graph = grimp.build_graph(TOP, cache_dir=None)
    pairs = {
        (room_of(importer), room_of(imported))
        for importer in graph.modules - {TOP}
        for imported in graph.find_modules_directly_imported_by(importer)
    }
    return sorted(pair for pair in pairs if pair[0] != pair[1])


if __name__ == "__main__":
    lines = [f"  {importer} --> {imported}" for importer, imported in arrows()]
    sys.stdout.write("\n".join(["graph TD", *lines, ""]))
