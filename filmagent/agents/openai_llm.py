"""The LLM port over any server that speaks OpenAI's chat completions: OpenAI, vLLM, llama.cpp, Ollama, LM Studio...

Structured output comes from the server (JSON Schema, strict). Retries live here and only here: the client's own are
off. The key is held in memory, never shown and never stored. Knows the protocol; nothing of films.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from filmagent.agents.llm import Message
from filmagent.agents.openai_errors import is_passing, no_answer_error, retry_wait
from filmagent.errors import FilmAgentError, LLMAnswerError, LLMRefusedError, LLMRequestError, UsageError

if TYPE_CHECKING:
    import openai

T = TypeVar("T", bound=BaseModel)

OPENAI_URL = "https://api.openai.com/v1"


class OpenAILLM:
    """One model on one server."""

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        key: str | None = None,
        timeout: float = 180.0,
        attempts: int = 5,
        answer_format: Literal["json_schema", "json_object"] = "json_schema",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Check the arguments; nothing is sent before the first question.

        Args:
            model: name of the model, as the server calls it.
            base_url: such as `http://localhost:8000/v1`; None: OpenAI's.
            key: the server's key; None: the server wants none.
            timeout: seconds that one request may take.
            attempts: how often a question is sent when the server is overloaded, failing or silent; at least 1.
            answer_format: `json_object` for servers that know no JSON Schema; the schema is then part of the prompt.
            sleep: how waiting between attempts is done.

        Raises:
            UsageError: the URL or the key cannot be used.
        """
        self._model = model
        self._url = _checked_url(base_url or OPENAI_URL)
        self._key = _checked_key(key, needed=base_url is None)
        self._timeout, self._attempts, self._sleep = timeout, max(1, attempts), sleep
        self._answer_format = answer_format

    def __repr__(self) -> str:
        return f"OpenAILLM({self._model!r}, base_url={self._shown_url!r})"

    @property
    def describe(self) -> str:
        """Model and server, without key or password."""
        return f"{self._model} at {self._shown_url}"

    def ask(self, messages: Sequence[Message], answer: type[T]) -> T:
        """Return the model's answer to a conversation, validated; see `LLM.ask`.

        Raises:
            LLMUnavailableError: 429, 5xx, no connection or no answer in time, through every attempt.
            LLMRequestError: the server rejected the request (400, 401, 403, 404...); never tried again.
            LLMRefusedError: the model declined, or the server filtered the answer.
            LLMAnswerError: the answer was cut off or does not fit `answer`.
        """
        import openai

        try:
            completion = self._send(self._wire_messages(messages, answer), answer)
            return self._read(completion, answer)
        except openai.LengthFinishReasonError:
            problem: FilmAgentError = LLMAnswerError(
                f"{self.describe} was cut off before the end of its answer; raise the server's limit of output tokens "
                "or ask for fewer shots")
        except openai.ContentFilterFinishReasonError:
            problem = LLMRefusedError(f"{self.describe}: a content filter stopped the answer; change what is asked")
        except openai.OpenAIError as error:
            problem = no_answer_error(error, self.describe, self._attempts)
        except ValidationError as error:
            problem = LLMAnswerError(f"{self.describe} answered in another shape than {answer.__name__}: "
                                     f"{_shape_errors(error)}")
        raise self._without_key(problem)

    @cached_property
    def _client(self) -> openai.OpenAI:
        import openai

        return openai.OpenAI(api_key=self._key or "none", base_url=self._url, timeout=self._timeout, max_retries=0)

    def _send(self, messages: list[dict[str, Any]], answer: type[T]) -> Any:
        """Send one question, again while the reason for failing may pass. Raises the client's errors."""
        from tenacity import Retrying, retry_if_exception, stop_after_attempt

        retrying = Retrying(retry=retry_if_exception(is_passing), stop=stop_after_attempt(self._attempts),
                            wait=retry_wait, sleep=self._sleep, reraise=True)
        shape: Any = answer if self._answer_format == "json_schema" else {"type": "json_object"}
        raw = retrying(self._client.chat.completions.with_raw_response.parse, model=self._model,
                       messages=messages, response_format=shape)
        self._check_is_completion(raw.http_response)
        return raw.parse()

    def _check_is_completion(self, response: Any) -> None:
        """Refuse an answer that comes from something else than a chat server, such as a web page."""
        try:
            body = response.json()
        except ValueError:
            body = None
        choices = body.get("choices") if isinstance(body, dict) else None
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict) or not isinstance(
                choices[0].get("message"), dict):
            raise LLMAnswerError(f"{self.describe} answered with something that is no chat completion; check the URL "
                                 "(it often ends in /v1)")

    def _read(self, completion: Any, answer: type[T]) -> T:
        message = completion.choices[0].message
        if message.refusal:
            raise LLMRefusedError(f"{self.describe} declined: {str(message.refusal)[:300]!r}; change what is asked")
        if isinstance(message.parsed, answer):
            return message.parsed
        if not message.content:
            raise LLMAnswerError(f"{self.describe} gave an empty answer; ask again or choose another model")
        return answer.model_validate_json(message.content)

    def _wire_messages(self, messages: Sequence[Message], answer: type[BaseModel]) -> list[dict[str, Any]]:
        wire = [_wire_message(message) for message in messages]
        if self._answer_format == "json_object":
            schema = answer.model_json_schema()
            wire.append({"role": "system", "content": f"Answer with one JSON object of this JSON Schema: {schema}"})
        return wire

    @property
    def _shown_url(self) -> str:
        parts = urlsplit(self._url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"

    def _without_key(self, error: FilmAgentError) -> FilmAgentError:
        """The same error with the key blotted out: servers like to repeat it."""
        return type(error)(str(error).replace(self._key, "[key]")) if self._key else error


def _wire_message(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    pictures = [{"type": "image_url", "image_url": {"url": _data_url(image)}} for image in message.images]
    return {"role": message.role, "content": [{"type": "text", "text": message.text}, *pictures]}


def _data_url(image: bytes) -> str:
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg" if image.startswith(b"\xff\xd8") else None
    if kind is None:
        raise UsageError(f"a picture that begins with {image[:4]!r} is neither PNG nor JPEG and cannot be shown")
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _shape_errors(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False, include_context=False)
    shown = [f"{'.'.join(map(str, detail['loc'])) or 'answer'}: {detail['msg']}" for detail in details[:5]]
    return "; ".join(shown) + ("; ..." if len(details) > 5 else "")


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise UsageError("the URL of the LLM server cannot be used; write it like http://localhost:8000/v1")
    return url.strip()


def _checked_key(key: str | None, *, needed: bool) -> str:
    """Return the key as it is sent. A server of one's own gets a placeholder, which it does not read."""
    stripped = (key or "").strip()
    if not stripped and needed:
        raise LLMRequestError("OpenAI's server wants a key; set FILMAGENT_LLM_KEY, or name another server with "
                              "--llm-url")
    if not (stripped.isascii() and (stripped.isprintable())):
        raise UsageError("the LLM key holds characters that no key has; copy it again")
    return stripped
