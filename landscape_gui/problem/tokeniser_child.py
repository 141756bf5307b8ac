"""The other side of `tokeniser_process`: a process that only turns texts into token ids and back, by one tokenizer.json.

Run as a script, without this package. Messages in both directions are a length of eight bytes, then JSON; token ids follow as
32-bit numbers in a message of their own.
"""

from __future__ import annotations

import array
import json
import sys
from typing import IO, Any


def send(stream: IO[bytes], content: bytes) -> None:
    stream.write(len(content).to_bytes(8, "little") + content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """The next message; None at the end."""
    length = stream.read(8)
    content = stream.read(int.from_bytes(length, "little")) if len(length) == 8 else None
    return content if content is not None and len(content) == int.from_bytes(length, "little") else None


def answer(engine: Any, question: dict[str, Any]) -> tuple[Any, list[int]]:
    """What is asked: the text of ids, or (the number of tokens of each text, all their ids)."""
    if "ids" in question:
        return engine.decode(question["ids"], skip_special_tokens=False), []
    if question["length"]:
        engine.enable_truncation(question["length"])
    try:
        found = [engine.encode(text, add_special_tokens=bool(question["length"])).ids for text in question["texts"]]
    finally:
        engine.no_truncation()
    return [len(ids) for ids in found], [number for ids in found for number in ids]


def main() -> None:
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    engine: Any = None
    while (message := receive(source)) is not None:
        try:
            question = json.loads(message)
            if "read" in question:
                import tokenizers

                with open(question["read"], encoding="utf-8") as file:
                    engine = tokenizers.Tokenizer.from_str(file.read())
                engine.no_padding()
                engine.no_truncation()
                found: tuple[Any, list[int]] = "", []
            else:
                found = answer(engine, question)
            said, ids = found
            send(sink, json.dumps({"said": said}).encode())
            send(sink, array.array("I", ids).tobytes())
        except BaseException as error:  # the library panics with what is no Exception
            send(sink, json.dumps({"error": str(error)[:2000] or type(error).__name__}).encode())


if __name__ == "__main__":
    main()
