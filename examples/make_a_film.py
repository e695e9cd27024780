"""A film from Python: one call, the built-in model, no key and no GPU.

python examples/make_a_film.py
"""

from __future__ import annotations

from pathlib import Path

from filmagent import Settings, make_film


def main(out: str = "runs/example", generator: str = "papercut", shots: int = 6) -> Path:
    """Make a film and return its file."""
    result = make_film(
        "a cat's journey home",
        out=out,
        settings=Settings(generator=generator, shots=shots, seed=1),
        on_event=lambda event: print(event["event"], event.get("shot", "")) if event["event"] == "accepted" else None,
    )
    for decision in result.decisions:
        print("-", decision)
    return result.film_path


if __name__ == "__main__":
    print(main())
