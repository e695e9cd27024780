"""The real client against a scripted server on loopback: every outcome has its own error, and the key stays secret."""

from __future__ import annotations

import json
import traceback

import pytest
from pydantic import BaseModel, ConfigDict

from filmagent.agents.llm import LLM, Message
from filmagent.agents.openai_llm import OpenAILLM
from filmagent.errors import (
    FilmAgentError,
    LLMAnswerError,
    LLMRefusedError,
    LLMRequestError,
    LLMUnavailableError,
    UsageError,
)
from tests.support.fake_llm_server import Reply, completion, failure, fake_llm_server

KEY = "sk-very-secret-key-1234567890"
ASK = (Message("system", "You answer."), Message("user", "How many?"))


class Count(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: int
    words: list[str]


GOOD = completion('{"number": 3, "words": ["one", "two"]}')


class Sleeps:
    """Counts the seconds that would have been slept."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def asked(*replies: Reply, **options):
    """Ask once against these replies; returns (answer or error, requests, sleeps)."""
    sleeps = Sleeps()
    with fake_llm_server(*replies) as server:
        llm = OpenAILLM("some-model", base_url=server.url, key=KEY, sleep=sleeps, **options)
        try:
            result: object = llm.ask(ASK, Count)
        except FilmAgentError as error:
            result = error
        finally:
            llm._client.close()
    if isinstance(result, BaseException):
        shown = "".join(traceback.format_exception(result)) + repr(result) + repr(llm) + llm.describe
        assert KEY not in shown
    return result, server.requests, sleeps.seconds


def test_it_implements_the_port():
    assert isinstance(OpenAILLM("m", base_url="http://localhost:1/v1"), LLM)


def test_a_good_answer_comes_back_validated_and_was_asked_for_strictly():
    result, requests, sleeps = asked(GOOD)
    assert result == Count(number=3, words=["one", "two"])
    assert sleeps == []
    (request,) = requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body["model"] == "some-model"
    assert request.body["messages"][1] == {"role": "user", "content": "How many?"}
    schema = request.body["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert schema["schema"]["required"] == ["number", "words"]
    assert schema["schema"]["additionalProperties"] is False


def test_pictures_travel_as_data_urls():
    messages = [Message("user", "What is this?", images=(b"\x89PNG\r\n", b"\xff\xd8\xff\xe0"))]
    with fake_llm_server(GOOD) as server:
        OpenAILLM("m", base_url=server.url).ask(messages, Count)
    text, png, jpeg = server.requests[0].body["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert png["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    assert jpeg["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")


def test_a_picture_that_is_none_is_refused_before_anything_is_sent():
    with fake_llm_server() as server, pytest.raises(UsageError, match="neither PNG nor JPEG"):
        OpenAILLM("m", base_url=server.url).ask([Message("user", "x", images=(b"GIF89a",))], Count)


def test_an_overloaded_server_is_asked_again():
    result, requests, sleeps = asked(failure(429, "slow down"), failure(503, "busy"), GOOD)
    assert isinstance(result, Count)
    assert len(requests) == 3
    assert len(sleeps) == 2
    assert 0 < sleeps[0] <= 1.5
    assert 1.5 <= sleeps[1] <= 3


def test_retry_after_is_honoured_and_bounded():
    _, _, sleeps = asked(
        failure(429, "slow", headers={"Retry-After": "7"}),
        failure(429, "slow", headers={"Retry-After": "99999"}),
        failure(503, "slow", headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        failure(503, "slow", headers={"Retry-After": "soon"}),
        GOOD,
    )
    assert sleeps[:3] == [7.0, 120.0, 0.0]
    assert 4 < sleeps[3] < 13


def test_a_server_that_keeps_failing_is_given_up():
    result, requests, sleeps = asked(*[failure(500, "boom")] * 3, attempts=3)
    assert isinstance(result, LLMUnavailableError)
    assert "500" in str(result)
    assert "3 times" in str(result)
    assert len(requests) == 3
    assert len(sleeps) == 2


def test_a_silent_server_times_out():
    result, requests, _ = asked(Reply(hang=True), Reply(hang=True), timeout=0.2, attempts=2)
    assert isinstance(result, LLMUnavailableError)
    assert "in time" in str(result)
    assert len(requests) == 2


def test_no_server_at_all():
    with fake_llm_server() as server:
        url = server.url
    with pytest.raises(LLMUnavailableError, match="cannot be reached"):
        OpenAILLM("m", base_url=url, attempts=2, sleep=Sleeps()).ask(ASK, Count)


@pytest.mark.parametrize(
    "status, advice",
    [
        (400, "mend the request"),
        (401, "FILMAGENT_LLM_KEY"),
        (403, "may not use"),
        (404, "--llm"),
        (413, "fewer shots"),
        (422, "mend the request"),
    ],
)
def test_a_rejected_request_is_sent_once_and_says_what_to_mend(status, advice):
    result, requests, sleeps = asked(failure(status, f"Incorrect API key provided: {KEY}"))
    assert isinstance(result, LLMRequestError)
    assert advice in str(result)
    assert "[key]" in str(result)
    assert len(requests) == 1
    assert sleeps == []


def test_an_empty_account_is_not_asked_again():
    result, requests, _ = asked(failure(429, "You exceeded your quota", code="insufficient_quota"))
    assert isinstance(result, LLMRequestError)
    assert "no credit" in str(result)
    assert len(requests) == 1


def test_a_server_without_json_schema_is_named_with_the_way_out():
    result, requests, _ = asked(failure(400, "response_format.type 'json_schema' is not supported"))
    assert isinstance(result, LLMRequestError)
    assert "json_object" in str(result)
    assert len(requests) == 1


def test_json_object_answers_put_the_schema_into_the_prompt():
    result, requests, _ = asked(GOOD, answer_format="json_object")
    assert isinstance(result, Count)
    assert requests[0].body["response_format"] == {"type": "json_object"}
    assert "'number'" in requests[0].body["messages"][-1]["content"]


@pytest.mark.parametrize("answer_format", ["json_schema", "json_object"])
@pytest.mark.parametrize(
    "reply, error, words",
    [
        (completion(None, refusal="I will not"), LLMRefusedError, "I will not"),
        (completion("{", finish_reason="length"), LLMAnswerError, "cut off"),
        (completion(None, finish_reason="content_filter"), LLMRefusedError, "content filter"),
        (completion('{"number": "many", "words": []}'), LLMAnswerError, "number"),
        (completion('{"number": 1, "words": [], "more": 1}'), LLMAnswerError, "more"),
        (completion("certainly!"), LLMAnswerError, "Count"),
        (completion(None), LLMAnswerError, "empty"),
        (completion(""), LLMAnswerError, ""),
        (Reply(body="<html>hello</html>", headers={"Content-Type": "text/html"}), LLMAnswerError, "/v1"),
        (Reply(body={"choices": []}), LLMAnswerError, "no chat completion"),
        (Reply(body=[1, 2]), LLMAnswerError, "no chat completion"),
        (Reply(body={"choices": [{"message": None}]}), LLMAnswerError, "no chat completion"),
    ],
)
def test_an_unusable_answer_is_an_error_of_its_kind_and_not_asked_again(reply, error, words, answer_format):
    result, requests, _ = asked(reply, answer_format=answer_format)
    assert type(result) is error
    assert words in str(result)
    assert len(requests) == 1


def test_server_and_model_are_described_without_password():
    llm = OpenAILLM("m", base_url="http://user:pass@localhost:8000/v1", key=KEY)
    assert llm.describe == "m at http://localhost:8000/v1"
    assert "pass" not in repr(llm)


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "http://", "http://x:99999999/v1", "http://x:y/v1"])
def test_an_impossible_url_is_refused_at_once(url):
    with pytest.raises(UsageError, match="http://localhost:8000/v1"):
        OpenAILLM("m", base_url=url)


@pytest.mark.parametrize("key", ["sk-é", "sk-a\nb"])
def test_an_impossible_key_is_refused_without_being_shown(key):
    with pytest.raises(UsageError) as caught:
        OpenAILLM("m", base_url="http://localhost:8000/v1", key=key)
    assert key not in str(caught.value)


def test_openai_itself_wants_a_key():
    with pytest.raises(LLMRequestError, match="FILMAGENT_LLM_KEY"):
        OpenAILLM("m")


def test_the_request_body_is_plain_json():
    _, requests, _ = asked(GOOD)
    assert KEY not in json.dumps(requests[0].body)
