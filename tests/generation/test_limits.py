"""What a generator can make, checked without it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmagent.errors import UsageError
from filmagent.generation.limits import check_request_fits, check_size
from filmagent.generation.port import FrameSize
from filmagent.schemas.story import SEAM_FRAMES
from tests.support.tiny_wan import tiny_generator

CAPABILITIES = tiny_generator(Path("/nowhere")).capabilities


def fits(check, *arguments):
    try:
        check(CAPABILITIES, *arguments)
    except UsageError:
        return False
    return True


@given(width=st.integers(-64, 200), height=st.integers(-64, 200))
def test_sizes(width, height):
    wanted = width > 0 and height > 0 and width % 16 == height % 16 == 0 and width * height <= 64 * 64
    assert fits(check_size, FrameSize(width, height)) == wanted


@given(frames=st.integers(-4, 40), link=st.sampled_from(sorted(SEAM_FRAMES)), memory=st.integers(-2, 8))
def test_lengths_links_and_memory(frames, link, memory):
    wanted = frames in {1, 5, 9} and frames > SEAM_FRAMES[link] and 0 <= memory <= 3
    assert fits(check_request_fits, FrameSize(32, 32), frames, link, memory) == wanted


def test_messages_name_the_value_and_a_way_out():
    with pytest.raises(UsageError, match=r"100x50.*multiples of 16.*32x32"):
        check_size(CAPABILITIES, FrameSize(100, 50))
