"""In a whole film every picture goes through CLIP once, and CLIP is there before the first shot is made."""

from __future__ import annotations

import pytest

from filmagent.artifacts import sha256_of_array
from filmagent.errors import ModelFilesError
from filmagent.graphs.run_folder import RunRequest
from filmagent.graphs.runner import run_film
from filmagent.graphs.studio import Studio
from filmagent.scoring.clip import SOURCES, OpenClipFeatures
from filmagent.scoring.colours import ColourFeatures
from tests.support.stories import story
from tests.support.toy_generator import ToyGenerator


class Asked(OpenClipFeatures):
    """Papercut's CLIP; remembers what it is asked for, and counts the pictures that its model sees."""

    def __init__(self):
        super().__init__(SOURCES["papercut"])
        self.asked, self.seen = [], 0
        model = self._model().model
        encode = model.encode_image

        def counted(pictures):
            self.seen += len(pictures)
            return encode(pictures)

        model.encode_image = counted

    def embed(self, images):
        self.asked += [sha256_of_array(image) for image in images]
        return super().embed(images)


def test_a_picture_is_embedded_once_a_film(tmp_path):
    features = Asked()
    studio = Studio(make_generator=lambda settings: ToyGenerator(), make_features=lambda name: features)
    run_film(tmp_path, request=RunRequest(story=story(2)), studio=studio)
    assert len(features.asked) > len(set(features.asked)) > 26, "some are asked for again"
    assert features.seen == len(set(features.asked))


class Blind(ColourFeatures):
    """Features whose weights would have to be fetched, and cannot be."""

    def load(self):
        raise ModelFilesError("no network")


def test_missing_eyes_are_found_before_a_shot_is_made(tmp_path):
    generator = ToyGenerator()
    studio = Studio(make_generator=lambda settings: generator, make_features=lambda name: Blind())
    with pytest.raises(ModelFilesError, match="no network"):
        run_film(tmp_path / "run", request=RunRequest(story=story(2)), studio=studio)
    assert generator.requests == []
