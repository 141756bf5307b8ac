"""A folder of the transformers library in the real program: a text is chosen, its words are seen, a surface follows."""

import pytest
from PySide6.QtWidgets import QDialog

from landscape_gui import app
from landscape_gui.ui.session import Session
from landscape_gui.ui.settings import Settings
from landscape_gui.ui.window import Window


@pytest.fixture
def folder(tmp_path):
    transformers = pytest.importorskip("transformers", reason="the extra hf is not installed")
    sizes = {"vocab_size": 256, "n_positions": 16, "n_embd": 8, "n_layer": 1, "n_head": 2}
    config = transformers.GPT2Config(**sizes, bos_token_id=0, eos_token_id=0)
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path / "my-gpt2")
    (tmp_path / "text.txt").write_text("the quick brown fox " * 8)
    return tmp_path / "my-gpt2"


def test_a_folder_is_asked_for_its_text_and_explored_as_any_network(qtbot, dressed, folder):
    window = Window(Session(app.services(), Settings()))
    with qtbot.waitSignal(window.stage_ready, timeout=20000):
        window.show()
    try:
        session = window.session
        window.open_paths([str(folder)])
        qtbot.waitUntil(lambda: window.findChild(QDialog, "data_picker") is not None, timeout=60000)
        picker = window.findChild(QDialog, "data_picker")
        picker.choose(str(folder.parent / "text.txt"))
        qtbot.waitUntil(lambda: picker.use.isEnabled(), timeout=60000)
        assert picker.preview.kind == "texts"
        assert picker.preview.examples[0].text == "the quick brown "
        picker.use.click()
        qtbot.waitUntil(lambda: session.current is not None and session.current.state == "ready", timeout=60000)
        facts = session.current.facts
        assert facts["data_perplexity"] == pytest.approx(2.718281828 ** facts["data_loss"], rel=1e-6)
        assert session.current.problem.title == "my-gpt2"
        qtbot.waitUntil(lambda: session.shown is not None and session.shown.result is not None, timeout=60000)
        assert {"data_loss", "data_perplexity"} <= set(session.shown.result.quantities)
    finally:
        window.close()
        window.session.shut()
        window.deleteLater()
