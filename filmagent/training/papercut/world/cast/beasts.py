"""The four-legged kinds as data: bodies, tails and heads. Draws nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from filmagent.training.papercut.world.cast import heads
from filmagent.training.papercut.world.cast.four_legged import Beast, Tail
from filmagent.training.papercut.world.cast.heads import Head
from filmagent.training.papercut.world.cast.look import DARK, ROSE, WHITE, Look
from filmagent.training.papercut.world.palette import Colour, mix
from filmagent.training.papercut.world.pen import Pen
from filmagent.training.papercut.world.poses import Pose


def _main(look: Look) -> Colour:
    return look.main


def _dark(look: Look) -> Colour:
    return look.dark


def _light(look: Look) -> Colour:
    return look.light


def _sock(look: Look) -> Colour:
    return mix(look.dark, DARK, 0.6)


def _pink(look: Look) -> Colour:
    return mix(look.main, ROSE, 0.7)


def _round(head: Head) -> Callable[[Pen, Look, Pose], None]:
    return partial(heads.draw_round_head, head=head)


BEASTS = {
    "cat": Beast(
        body_at=(-0.12, 0.36),
        body=(0.33, 0.175),
        leg=0.1,
        head_at=(0.22, 0.66),
        head=(0.28, 0.235),
        tail=Tail(
            ((0.02, 0.0), (-0.14, 0.06), (-0.17, 0.26), (-0.06, 0.42), (-0.13, 0.5)), (0.11, 0.1, 0.1, 0.09), _main
        ),
        draw_head=_round(
            Head(
                radii=(0.28, 0.235),
                ear=((0.03, 0.19), (0.27, 0.04), (0.26, 0.4)),
                inner=((0.12, 0.19), (0.23, 0.13), (0.235, 0.31)),
                inner_tone=_pink,
                face=heads.cat_face,
            )
        ),
        foot=_light,
    ),
    "dog": Beast(
        body_at=(-0.1, 0.38),
        body=(0.35, 0.185),
        leg=0.115,
        head_at=(0.22, 0.7),
        head=(0.25, 0.25),
        tail=Tail(((0.03, -0.02), (-0.1, 0.1), (-0.13, 0.27)), (0.13, 0.11, 0.08), _dark),
        draw_head=_round(
            Head(
                radii=(0.25, 0.26),
                ear=((0.15, 0.22), (0.28, 0.2), (0.36, 0.02), (0.33, -0.2), (0.23, -0.17), (0.19, 0.05)),
                inner=(),
                inner_tone=_dark,
                face=heads.dog_face,
                eyes_apart=0.1,
                round_ears=True,
                ears_in_front=True,
            )
        ),
        foot=_light,
        hat=(0.0, 0.21),
        sit_at=(0.1, 0.72),
        lie_at=(0.3, 0.33),
    ),
    "fox": Beast(
        body_at=(-0.08, 0.36),
        body=(0.32, 0.15),
        leg=0.085,
        head_at=(0.24, 0.64),
        head=(0.29, 0.2),
        tail=Tail(((0.06, -0.04), (-0.1, -0.02), (-0.24, 0.13), (-0.28, 0.33)), (0.1, 0.24, 0.27, 0.05), _main, WHITE),
        draw_head=_round(
            Head(
                radii=(0.29, 0.2),
                ear=((0.03, 0.14), (0.29, 0.0), (0.3, 0.44)),
                inner=((0.2, 0.3), (0.295, 0.26), (0.3, 0.44)),
                inner_tone=lambda look: DARK,
                face=heads.fox_face,
                eyes_apart=0.125,
            )
        ),
        foot=_sock,
        lie_at=(0.3, 0.32),
        mouth=(0.16, -0.22),
        collar=(-0.05, -0.21),
        hat=(0.0, 0.14),
    ),
    "rabbit": Beast(
        body_at=(-0.1, 0.29),
        body=(0.29, 0.215),
        leg=0.105,
        head_at=(0.15, 0.57),
        head=(0.22, 0.21),
        tail=Tail(((-0.02, 0.0), (-0.07, 0.03)), (0.19, 0.2), lambda look: WHITE),
        draw_head=_round(
            Head(
                radii=(0.225, 0.21),
                ear=((0.02, 0.14), (0.02, 0.36), (0.1, 0.56), (0.2, 0.54), (0.22, 0.36), (0.14, 0.12)),
                inner=((0.08, 0.2), (0.075, 0.36), (0.12, 0.49), (0.165, 0.47), (0.17, 0.34), (0.12, 0.2)),
                inner_tone=_pink,
                face=heads.rabbit_face,
                eyes_apart=0.1,
                round_ears=True,
            )
        ),
        foot=_light,
        sit_at=(0.08, 0.56),
        lie_at=(0.26, 0.25),
        collar=(-0.02, -0.2),
        hat=(0.0, 0.17),
    ),
    "bear": Beast(
        body_at=(-0.1, 0.41),
        body=(0.42, 0.285),
        leg=0.18,
        head_at=(0.2, 0.72),
        head=(0.28, 0.25),
        tail=Tail(((0.0, 0.02), (-0.06, 0.05)), (0.13, 0.14), _dark),
        draw_head=_round(
            Head(
                radii=(0.28, 0.25),
                ear=((0.12, 0.2), (0.15, 0.31), (0.25, 0.34), (0.33, 0.26), (0.32, 0.15), (0.23, 0.08)),
                inner=((0.18, 0.21), (0.2, 0.27), (0.25, 0.28), (0.28, 0.23), (0.26, 0.18), (0.22, 0.16)),
                inner_tone=_light,
                face=heads.bear_face,
                eyes_apart=0.11,
                round_ears=True,
            )
        ),
        foot=_dark,
        sit_at=(0.06, 0.72),
        collar=(-0.04, -0.24),
        hat=(0.0, 0.2),
    ),
    "mouse": Beast(
        body_at=(-0.1, 0.24),
        body=(0.25, 0.18),
        leg=0.075,
        head_at=(0.12, 0.48),
        head=(0.21, 0.195),
        tail=Tail(
            ((0.04, -0.08), (-0.14, -0.12), (-0.25, 0.04), (-0.2, 0.24), (-0.3, 0.38)),
            (0.06, 0.05, 0.045, 0.036),
            _pink,
        ),
        draw_head=_round(
            Head(
                radii=(0.21, 0.195),
                ear=((0.05, 0.14), (0.07, 0.32), (0.22, 0.43), (0.38, 0.37), (0.42, 0.2), (0.32, 0.07), (0.16, 0.04)),
                inner=(
                    (0.12, 0.18),
                    (0.13, 0.29),
                    (0.23, 0.36),
                    (0.33, 0.32),
                    (0.35, 0.21),
                    (0.28, 0.13),
                    (0.18, 0.12),
                ),
                inner_tone=_pink,
                face=heads.mouse_face,
                eyes_apart=0.095,
                round_ears=True,
            )
        ),
        foot=lambda look: ROSE,
        sit_at=(0.06, 0.54),
        lie_at=(0.24, 0.22),
        mouth=(0.16, -0.12),
        collar=(-0.03, -0.18),
        hat=(0.0, 0.15),
    ),
    "horse": Beast(
        body_at=(-0.12, 0.47),
        body=(0.34, 0.17),
        leg=0.1,
        head_at=(0.3, 0.86),
        head=(0.2, 0.2),
        tail=Tail(((0.04, 0.04), (-0.12, 0.06), (-0.2, -0.1), (-0.22, -0.32)), (0.1, 0.15, 0.16, 0.08), _sock),
        draw_head=heads.draw_horse_head,
        foot=_sock,
        neck=0.2,
        sit_at=(0.12, 0.84),
        lie_at=(0.24, 0.4),
        mouth=(0.2, -0.26),
        collar=(-0.1, -0.28),
        hat=(-0.02, 0.17),
    ),
}
"""Every four-legged kind."""
