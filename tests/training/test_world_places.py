from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from filmagent.generation.papercut.vocabulary import INDOORS, PLACES, SIZES, TIMES, WEATHERS
from filmagent.training.papercut.world.places import draw_place, draw_weather
from filmagent.training.papercut.world.places.weather import PERIOD
from filmagent.training.papercut.world.script import Setting
from filmagent.training.papercut.world.stage import FPS, FRAMES, HEIGHT, WIDTH, Stage

OUTDOORS = tuple(place for place in PLACES if place not in INDOORS)
WIDE = Stage("wide")
LAST = (FRAMES - 1) / FPS
stages = st.builds(
    Stage, st.sampled_from(SIZES), st.sampled_from(("still", "left", "right", "in")), st.floats(0.0, LAST)
)


def pixels(
    place: str, layout: int = 0, time: str = "day", weather: str = "clear", stage: Stage = WIDE
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(draw_place(Setting(place, layout), time, weather, stage), dtype=np.float64)


@given(st.sampled_from(PLACES), st.integers(0, 10**9), st.sampled_from(TIMES), st.sampled_from(WEATHERS), stages)
@settings(max_examples=25, deadline=None)
def test_a_place_has_the_frame_s_size_and_comes_out_the_same_twice(
    place: str, layout: int, time: str, weather: str, stage: Stage
) -> None:
    first, second = (draw_place(Setting(place, layout), time, weather, stage) for _ in range(2))
    assert (first.size, first.mode) == ((WIDTH, HEIGHT), "RGB")
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("time", TIMES)
def test_every_two_places_differ_clearly(time: str) -> None:
    pictures = {place: pixels(place, time=time) for place in PLACES}
    for one, other in combinations(PLACES, 2):
        assert np.abs(pictures[one] - pictures[other]).mean() > 8, (one, other)


@pytest.mark.parametrize("place", PLACES)
def test_layouts_are_different_pictures_of_one_place(place: str) -> None:
    pictures = [pixels(place, layout) for layout in range(8)]
    apart = [np.abs(one - other).mean() for one, other in combinations(pictures, 2)]
    assert np.median(apart) > 6
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


@pytest.mark.parametrize("place", PLACES)
def test_it_grows_darker_from_day_to_evening_to_night(place: str) -> None:
    morning, day, evening, night = (pixels(place, time=time).mean() for time in TIMES)
    assert day > evening + 10
    assert morning > evening + 5
    assert evening > night + 20


@pytest.mark.parametrize("place", PLACES)
def test_weather_changes_a_place_only_where_there_is_no_roof(place: str) -> None:
    clear = pixels(place)
    for weather in WEATHERS[1:]:
        apart = np.abs(pixels(place, weather=weather) - clear).mean()
        assert apart > 6 if place in OUTDOORS else apart == 0


@pytest.mark.parametrize("place", OUTDOORS)
def test_snow_makes_the_ground_the_palest(place: str) -> None:
    ground = {weather: pixels(place, weather=weather)[-20:].mean() for weather in WEATHERS}
    assert max(ground, key=lambda weather: ground[weather]) == "snow"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", SIZES)
def test_no_camera_uncovers_the_bare_canvas(place: str, size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = (255, 0, 255)

    new = Image.new
    monkeypatch.setattr(Image, "new", lambda mode, frame: new(mode, frame, bare))
    for camera in ("left", "right", "in"):
        seen = pixels(place, 3, stage=Stage(size, camera, LAST))
        edges = np.concatenate([seen[0], seen[-1], seen[:, 0], seen[:, -1]])
        assert (np.abs(edges - bare).sum(axis=1) > 60).all()


@pytest.mark.parametrize("place", PLACES)
def test_a_pan_moves_the_near_and_a_push_enlarges(place: str) -> None:
    still = pixels(place, 1)
    for camera in ("left", "right", "in"):
        assert np.abs(pixels(place, 1, stage=Stage("wide", camera, LAST)) - still).mean() > 1


@given(st.sampled_from(PLACES), st.sampled_from(WEATHERS), stages)
@settings(max_examples=40, deadline=None)
def test_falling_weather_keeps_the_picture_s_size_and_repeats(place: str, weather: str, stage: Stage) -> None:
    grey = Image.new("RGB", (WIDTH, HEIGHT), (90, 110, 120))
    before = grey.tobytes()
    first, second = (draw_weather(grey, Setting(place), weather, stage) for _ in range(2))
    assert (first.size, first.mode) == (grey.size, "RGB")
    assert first.tobytes() == second.tobytes()
    assert grey.tobytes() == before
    assert (first.tobytes() == before) == (weather == "clear" or place in INDOORS)


@pytest.mark.parametrize("weather", WEATHERS[1:])
def test_weather_moves_gently_and_starts_over(weather: str) -> None:
    grey = Image.new("RGB", (WIDTH, HEIGHT), (90, 110, 120))

    def at(seconds: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        drawn = draw_weather(grey, Setting("meadow"), weather, Stage("wide", "still", seconds))
        return np.asarray(drawn, dtype=np.float64)

    assert np.abs(at(0.5) - at(0.5 + PERIOD)).mean() < 0.05
    assert 0 < np.abs(at(0.5) - at(0.5 + 1 / FPS)).mean() < 12
