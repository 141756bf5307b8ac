"""A Lightning checkpoint: its class found in the project's files, its loss in training_step, its data in the datamodule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landscape_gui.core.splits import Split
from landscape_gui.errors import ChoiceNeeded, ProblemError
from landscape_gui.problem import fitting, your_code
from landscape_gui.problem.assembly import Network
from landscape_gui.problem.code_name import CodeName, module_name
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.extras import bring
from landscape_gui.problem.hyper_parameters import HyperParameters, read_hyper_parameters
from landscape_gui.problem.judges import Judges, choose_judges
from landscape_gui.problem.lightning_class import DATA, MODULE, Project, PythonClass, read_project
from landscape_gui.problem.lightning_code import LightningCode, Settings
from landscape_gui.problem.locate import CLIMB, folder_of, resolve
from landscape_gui.problem.origins import Origin, Request
from landscape_gui.problem.source import Source, read_source
from landscape_gui.problem.vision_origin import without_data

PACKAGES = ("lightning", "pytorch_lightning")
LOGS = "lightning_logs"


@dataclass(frozen=True)
class Found:
    """A LightningModule of a project with what the checkpoint says of it. data: the datamodule that goes with it, or None."""

    project: Project
    model: PythonClass
    data: PythonClass | None
    hyper: HyperParameters


class LightningOrigin(Origin):
    """The module made with its hyper-parameters. One that does not fit is told before data are looked for."""

    def __init__(self, request: Request, found: Found, arguments: dict[str, Any] | None = None) -> None:
        self.request = request
        self.yours = load_lightning(request, found, arguments or {})
        self.code = self.yours.source.digest
        module = self.yours.make_model()
        notes = fitting.load(module, request.checkpoint.tensors, f"{found.model.name} of {found.model.file}")
        config = {"code": self.code, "class": found.model.name, "arguments": repr(sorted(self.yours.arguments.items()))}
        self._network = Network(module, found.model.name, config, (*notes, "The loss is what training_step gives."))

    def read_data(self, path: Path, *, normalise: Any, size: Any, resize: Any = None, target: str = "", block: int = 0) -> Data:
        data = super().read_data(path, normalise=normalise, size=size, resize=resize, target=target, block=block)
        whole = [
            split if split.streams else Split(split.name, (split.inputs, split.targets), None, split.examples)
            for split in data.splits
        ]
        return Data(tuple(whole), data.digest, data.about, data.notes)

    def own_data(self) -> Data | None:
        if not self.yours.has_data:
            raise without_data(self.request, f"It holds {self._network.name}, for which no datamodule was found")
        return self.yours.read_data()

    def network(self, data: Data) -> Network:
        return self._network

    def judges(self, network: Network, data: Data, loss: str) -> Judges:
        return choose_judges(network.module, data.splits[0], loss, self.yours)


def lightning_origin(request: Request) -> Origin | None:
    """The class of a Lightning checkpoint, from the Python files around it or in the current folder.

    Raises ProblemError that lists them where several fit, and TrustNeeded before anything of it runs.
    """
    if request.code is not None or request.architecture is not None or request.card.architecture:
        return None
    hyper = _hyper_parameters(request)
    if hyper is None:
        return None
    for folder in roots(request.checkpoint.path, request.path):
        project = read_project(folder)
        found = fitting_classes(project, hyper, _tops(request))
        if len(found) > 1:
            raise ChoiceNeeded(
                f"{request.checkpoint.path} fits {len(found)} classes: {', '.join(f'{c.name} ({c.file})' for c in found)}.",
                option="code",
                choices=[f"{each.file}:{each.name}" for each in found],
                remedy=f"Choose one with --code {found[0].file}:{found[0].name}.",
            )
        if found:
            return LightningOrigin(request, Found(project, found[0], datamodule_of(project, found[0], hyper), hyper))
    return None


def named_lightning(request: Request, named: CodeName) -> Origin | None:
    """The LightningModule that --code names; None where it is something else."""
    folder = Path.cwd() if named.file.is_relative_to(Path.cwd()) else named.file.parent
    project = read_project(folder)
    found = [each for each in project.derived(MODULE) if each.name == named.function and each.file == named.file]
    if not found:
        return None
    hyper = _hyper_parameters(request) or HyperParameters()
    return LightningOrigin(request, Found(project, found[0], datamodule_of(project, found[0], hyper), hyper), dict(named.arguments))


def roots(checkpoint: Path, opened: str | Path) -> Iterator[Path]:
    """Folders in which the project may lie, nearest first: around the checkpoint, up to beside lightning_logs or two above, and the
    current one."""
    place = resolve(opened).resolve()
    folder = folder_of(checkpoint)
    start = place if place.is_dir() else place.parent
    highest = next(
        (above.parent for above in (folder, *folder.parents) if above.name == LOGS), [start, *start.parents][: CLIMB + 1][-1]
    )
    around = [each for each in (folder, *folder.parents) if each.is_relative_to(highest)]
    yield from dict.fromkeys([*around, Path.cwd().resolve()])


def fitting_classes(project: Project, hyper: HyperParameters, tops: frozenset[str]) -> list[PythonClass]:
    """The LightningModules that take these hyper-parameters and set all of `tops`, the first parts of the tensors' names.

    Of several, those that know every hyper-parameter come alone. Raises ProblemError where the only one that fits the tensors needs
    an argument that is not in the file.
    """
    fit = [each for each in project.derived(MODULE) if (known := project.attributes(each)) is None or tops <= known]
    good = [each for each in fit if not lacking(project, each, hyper)]
    if fit and not good:
        raise ProblemError(
            f"{fit[0].name} ({fit[0].file}) needs {' and '.join(lacking(project, fit[0], hyper))}, which the checkpoint's "
            "hyper-parameters do not hold.",
            remedy=f"Write a {your_code.NAME} beside the checkpoint, whose model() makes it.",
        )
    given = {*hyper.module, *hyper.unread}
    knowing = [each for each in good if given <= {*(init := project.parameters(each)).required, *init.optional}]
    return knowing or good


def lacking(project: Project, found: PythonClass, hyper: HyperParameters) -> list[str]:
    """The arguments that its __init__ needs and the file does not hold."""
    return [name for name in project.parameters(found).required if name not in hyper.module and name != hyper.name]


def datamodule_of(project: Project, model: PythonClass, hyper: HyperParameters) -> PythonClass | None:
    """The one datamodule that the file's hyper-parameters make: of the module's file, else of the project; None: no or several."""
    able = [each for each in project.derived(DATA) if all(name in hyper.data for name in project.parameters(each).required)]
    beside = [each for each in able if each.file == model.file]
    return beside[0] if len(beside) == 1 else able[0] if len(able) == 1 else None


def load_lightning(request: Request, found: Found, extra: dict[str, Any]) -> LightningCode:
    """The class's file, asked for trust and run, with Lightning at hand."""
    project, model, hyper = found.project, found.model, found.hyper
    name = module_name(model.file, highest=project.folder)
    data_name = "" if found.data is None else _beside(found.data.file, model.file, name)
    source = read_source(model.file, name, [data_name] if data_name else [])
    your_code.ask_trust(source, request.trusted)
    _bring(source, f"{model.name} ({model.file})")
    loaded = your_code.load_source(source, request.trusted, model.name)
    own = project.defines(model, "train_dataloader")
    usable = found.data is not None and (bool(data_name) or found.data.file == model.file)
    return LightningCode(
        source,
        loaded.module,
        loaded.modules,
        model.name,
        {**arguments_of(project.parameters(model), hyper), **extra},
        (data_name, found.data.name) if found.data is not None and usable else None,
        own,
        _accepted(project.parameters(found.data), hyper.data) if found.data is not None else {},
    )


def arguments_of(init: PythonClass, hyper: HyperParameters) -> dict[str, Any]:
    """The hyper-parameters as __init__ takes them: each by its name, or all in the one argument that the file names."""
    if hyper.name in (*init.required, *init.optional) and hyper.name not in hyper.module:
        return {hyper.name: Settings(hyper.module)}
    return _accepted(init, hyper.module)


def _accepted(init: PythonClass, given: Any) -> dict[str, Any]:
    names = (*init.required, *init.optional)
    return {key: value for key, value in given.items() if key in names or init.open}


def _beside(file: Path, model: Path, name: str) -> str:
    """The dotted name of another file where names begin as they do for the module's; "": the same file, or one elsewhere."""
    home = model.parents[name.count(".")]
    if file == model or not name or not file.is_relative_to(home):
        return ""
    parts: Sequence[str] = file.relative_to(home).with_suffix("").parts
    return ".".join(parts) if all(part.isidentifier() for part in parts) else ""


def _bring(source: Source, what: str) -> None:
    """Raise ProblemError, naming the extra, where a Lightning that the code imports is not there."""
    own = {name.partition(".")[0] for name in source.files}
    contents = [source.content, *(content for _, content in source.files.values())]
    for package in PACKAGES:
        words = (f"import {package}".encode(), f"from {package}".encode())
        if package not in own and any(word in content for content in contents for word in words):
            bring(package, "lightning", what)


def _hyper_parameters(request: Request) -> HyperParameters | None:
    if not request.checkpoint.format.startswith("torch"):
        return None
    return read_hyper_parameters(request.checkpoint.path)


def _tops(request: Request) -> frozenset[str]:
    """The first parts of the tensors' names as they are in the file."""
    stored = request.checkpoint.stored_names
    return frozenset(stored.get(name, name).partition(".")[0] for name in request.checkpoint.tensors)
