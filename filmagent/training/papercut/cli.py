"""Words typed by a person -> one training of the papercut model -> an exit code. Knows no mathematics.

`filmagent train papercut vae`, then `dit` (the denoiser), then `export`: every word goes on where its folder stands.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filmagent.errors import UsageError

PARTS = ("world", "vae", "dit", "checkup", "decoder", "export", "filming", "clip", "probe", "sequences")
GO_ON = {"stills_only_until": 0.0, "rate": 6e-4, "matrix_rate": 9e-4}
"""How a VAE trains on: it knows single frames already, and steps as large as at first would undo what it knows."""
LOOK_ON = {"rate": 1.5e-3, "close_until": 0.0}
"""How a CLIP model trains on: it knows how figures look from near, and learns how these weights draw them."""


READ_ON = {"close_from": 0.0}
"""How a probe trains on: it knows pictures already, and looks closely at figures for all of the time."""


def main(words: Sequence[str] | None = None) -> int:
    """Parse the words after `train papercut` and run them."""
    parser = argparse.ArgumentParser(prog="filmagent train papercut", description=__doc__)
    _add_arguments(parser)
    return run(parser.parse_args(words))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "part",
        choices=PARTS,
        help="world draws a sheet of what is learned from; vae, then dit (the denoiser; checkup prints what it knows), "
        "then decoder (refines the VAE's), then export, then filming (an adapter for what comes behind a shot's first "
        "picture); clip and probe stand alone; sequences renders what `train "
        "memory` learns from",
    )
    parser.add_argument("--minutes", type=float, help="how long to train, all runs together (default: the part's own)")
    parser.add_argument("--data", type=Path, default=Path("papercut-training"), help="checkpoints, caches and logs")
    parser.add_argument("--seed", type=int, help="seed of the world and of the weights (default: the part's own)")
    parser.add_argument(
        "--out", type=Path, help="world: picture; export, filming, probe: weights; sequences: folder (default: in DATA)"
    )
    parser.add_argument("--stories", type=int, default=200, help="sequences: how many stories (default: 200)")
    parser.add_argument("--from-weights", type=Path, help="vae, dit, clip, probe: begin with exported weights")
    parser.add_argument("--compile", action="store_true", help="vae, dit: compile; needs a C++ compiler")
    parser.add_argument("--device", default="cpu", help="where to compute: cpu or cuda (default: cpu)")
    parser.add_argument("--workers", type=int, default=0, help="dit, clip, probe: processes that draw ahead")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: as many as torch takes)")


def run(args: argparse.Namespace) -> int:
    """Train or export what the arguments say."""
    import torch

    if args.threads:
        torch.set_num_threads(args.threads)
    chosen = {name: value for name in ("minutes", "seed") if (value := getattr(args, name)) is not None}
    weights: Path = args.out or args.data / "weights"
    if args.device == "cuda" and not torch.cuda.is_available():
        raise UsageError("this PyTorch sees no CUDA device: leave --device out to train on the CPU")
    how = {"compiled": args.compile, "device": args.device}
    if args.part == "world":
        _draw_world(args.out or args.data / "world.png", **({} if args.seed is None else {"seed": args.seed}))
    elif args.part == "sequences":
        _write_sequences(args.out or args.data / "sequences", args.stories, args.seed or 0)
    elif args.part == "vae":
        start = {**GO_ON, "start_from": args.from_weights / "vae"} if args.from_weights else {}
        _train_vae(args.data, {**chosen, **how, **start})
    elif args.part == "dit":
        start = {"start_from": args.from_weights} if args.from_weights else {}
        _train_denoiser(args.data, {**how, **start, **chosen}, args.workers)
    elif args.part == "checkup":
        _check_up(args.data)
    elif args.part == "decoder":
        _refine_decoder(args.data, chosen)
    elif args.part == "probe":
        _train_probe(args, chosen)
    elif args.part == "filming":
        _train_filming(args.data, weights, chosen)
    elif args.part == "export":
        _export(args.data, weights, chosen)
    else:
        from filmagent.training.papercut.clip.train import ClipTraining, train_clip

        start = {**LOOK_ON, "start_from": args.from_weights} if args.from_weights else {}
        train_clip(ClipTraining(**{**start, **chosen}, workers=args.workers), args.data)
    return 0


def _draw_world(path: Path, **chosen: int) -> None:
    from filmagent.training.papercut.sheet import world_sheet

    path.parent.mkdir(parents=True, exist_ok=True)
    world_sheet(**chosen).quantize(256).save(path, optimize=True)
    _say(str(path))


def _write_sequences(folder: Path, stories: int, seed: int) -> None:
    from tqdm import tqdm

    from filmagent.training.papercut.sequences import write_sequences

    with tqdm(total=stories, unit="story", file=sys.stderr, dynamic_ncols=True) as bar:

        def on_story(done: int, of: int) -> None:
            bar.update(done - bar.n)

        write_sequences(folder, stories, seed, on_story)
    _say(str(folder))


def _train_vae(data: Path, chosen: dict[str, Any]) -> None:
    from filmagent.training.papercut.export import export_vae, held_out_shots, measure_vae
    from filmagent.training.papercut.vae import VaeTraining, train_vae

    vae = train_vae(VaeTraining(**chosen), data)
    measure, _ = measure_vae(vae, held_out_shots(48))
    export_vae(vae, measure, data / "weights" / "vae")
    _say(f"VAE: {measure.psnr} dB on held-out shots, {measure.psnr_first_frames} dB on their first frames")


def _refine_decoder(data: Path, chosen: dict[str, float]) -> None:
    from filmagent.training.papercut.export import export_decoder, held_out_shots, measure_vae
    from filmagent.training.papercut.vae import VaeTraining, train_vae

    vae = train_vae(VaeTraining(**{**GO_ON, "minutes": 10.0, "seed": 2, **chosen}, decoder_only=True), data)  # type: ignore[arg-type]
    export_decoder(vae, data / "weights" / "vae")
    measure, _ = measure_vae(vae, held_out_shots(48))
    _say(f"VAE: {measure.psnr} dB on held-out shots, {measure.psnr_first_frames} dB on their first frames")


def _train_denoiser(data: Path, chosen: dict[str, Any], workers: int) -> None:
    from filmagent.training.papercut.drawn import StoryShape
    from filmagent.training.papercut.latents import StoryCache, open_encoder, unknown_condition
    from filmagent.training.papercut.trainer import FILM_ON, DenoiserTraining, Material, train_denoiser

    settings = DenoiserTraining(**{**(FILM_ON if "start_from" in chosen else {}), **chosen})
    encoder = open_encoder(data / "weights" / "vae", settings.device)
    stills = StoryCache(data, encoder, settings.seed, StoryShape(settings.stills_a_story, 0), workers)
    moving = StoryShape(settings.stills_beside_shots, settings.shots_a_story)
    shots = StoryCache(data, encoder, settings.seed + 1, moving, workers)
    run = train_denoiser(settings, data, Material(stills, shots, unknown_condition(encoder)))
    _say(f"denoiser: {run.step} steps, {run.samples} examples, losses {run.losses}")


def _check_up(data: Path) -> None:
    from filmagent.training.papercut.checkup import as_markdown, check_up, read_models
    from filmagent.training.papercut.latents import open_encoder

    sys.stdout.write(as_markdown(check_up(read_models(data), open_encoder(data / "weights" / "vae"))))


def _train_probe(args: argparse.Namespace, chosen: dict[str, Any]) -> None:
    from filmagent.training.papercut.probe.train import ProbeTraining, export_probe, train_probe

    start = {**READ_ON, "start_from": args.from_weights} if args.from_weights else {}
    settings = ProbeTraining(**{**start, **chosen}, device=args.device, workers=args.workers)
    measured = export_probe(train_probe(settings, args.data), settings, args.out or args.data / "weights" / "probe")
    _say(", ".join(f"{name} {share:.1%}" for name, share in measured.items()))


def _train_filming(data: Path, weights: Path, chosen: dict[str, Any]) -> None:
    from filmagent.training.papercut.filming import FilmingTraining, export_filming, train_filming
    from filmagent.training.papercut.latents import open_encoder

    run = train_filming(FilmingTraining(**chosen), weights, open_encoder(weights / "vae"), data)
    _say(f"filming: {run.step} steps, {run.samples} examples, loss {run.loss:.3f}")
    _say(str(export_filming(run, weights)))


def _export(data: Path, weights: Path, chosen: dict[str, float]) -> None:
    from filmagent.training.papercut.export import export_all

    for path in export_all(data, weights):
        _say(str(path))


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
