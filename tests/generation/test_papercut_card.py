"""Weights of papercut say what they are, and the words they are told are words that they have."""

from __future__ import annotations

import json

import pytest

from filmagent.errors import ModelFilesError
from filmagent.generation.papercut.card import CARD, read_card
from filmagent.generation.papercut.generator import weights_folder
from filmagent.generation.papercut.vocabulary import words


def test_the_weights_of_the_package_have_every_word_that_films_say():
    tokenizer = json.loads((weights_folder() / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8"))
    assert {*words()} <= {*tokenizer["model"]["vocab"]}


def test_a_folder_without_a_card_is_refused(tmp_path):
    with pytest.raises(ModelFilesError, match="train papercut export"):
        read_card(tmp_path)


@pytest.mark.parametrize("broken", ["{", '{"width": 0}', json.dumps({"width": 160, "colour": "blue"})])
def test_a_broken_card_is_refused_and_says_where(tmp_path, broken):
    (tmp_path / CARD).write_text(broken, encoding="utf-8")
    with pytest.raises(ModelFilesError, match=r"papercut\.json: "):
        read_card(tmp_path)
