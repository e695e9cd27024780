"""How long a film takes, from one sentence to `film.mp4`: seconds per shot and per stage, on this machine.

    python benchmarks/film.py --runs 3

Every run makes the same film anew in a folder that is removed afterwards. The model is loaded once, in the first run.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

from filmagent import Settings, make_film
from filmagent.delivery.manifest import Manifest, read_manifest


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logline", default="a cat's journey home")
    parser.add_argument("--generator", default="papercut")
    parser.add_argument("--shots", type=int)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    settings = Settings(generator=options.generator, shots=options.shots)
    films: list[tuple[float, Manifest]] = []
    for number in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            make_film(options.logline, out=Path(folder) / "film", settings=settings)
            films.append((time.perf_counter() - started, read_manifest(Path(folder) / "film" / "film.json")))
        print(f"run {number + 1}: {films[-1][0]:.1f} s")
    _report(films)


def _report(films: list[tuple[float, Manifest]]) -> None:
    manifest = films[-1][1]
    takes = sum(len(record.attempts) for record in manifest.shots)
    whole = statistics.median(seconds for seconds, _ in films)
    print(
        f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"torch {manifest.packages.get('torch', '?')}"
    )
    film = manifest.film
    print(f"{film.shots} shots, {takes} takes, {film.seconds:.1f} s of film, status {film.status}")
    print(f"whole film, median of {len(films)}: {whole:.1f} s ({whole / manifest.film.shots:.2f} s a shot)")
    for stage in manifest.seconds:
        spent = statistics.median(entry.seconds[stage] for _, entry in films)
        print(f"  {stage:<10} {spent:7.2f} s   {spent / takes:6.2f} s a take")


if __name__ == "__main__":
    main()
