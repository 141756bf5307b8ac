"""Programs that are not run: exported in a way that cannot be used, damaged, or made to do harm. Each is told in words."""

from __future__ import annotations

import copy
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from exporting import FREE, export, nodes, tampered
from torch import Tensor, nn

from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.problem import open_problem
from landscape_gui.problem.exported.operators import LISTED, find_operator


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.first(x))
        return self.last(h.view(h.shape[0], 6) + torch.zeros(6))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a program that runs, good.pt2, and data for it."""
    place = tmp_path_factory.mktemp("refused")
    torch.manual_seed(0)
    export(place / "good.pt2", Net().eval(), torch.randn(5, 4))
    np.savez(place / "data.npz", x_train=np.random.default_rng(0).normal(size=(12, 4)).astype("f4"), y_train=np.arange(12) % 3)
    return place


def refusal(path: Path, data: Path) -> str:
    with pytest.raises(LandscapeError) as caught:
        open_problem(path, data=str(data))
    assert str(path) in str(caught.value)
    return str(caught.value)


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 3)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls.add_(1)
        return self.out(x) + self.calls


class Noisy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(x + torch.randn_like(x))


class Choosing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.out(x)
        return torch.cond(h.sum() > 0, lambda v: v + 1, lambda v: v - 1, (h,))


@torch.library.custom_op("landscape_tests::doubled", mutates_args=())
def doubled(x: Tensor) -> Tensor:
    return 2 * x


@doubled.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


class Custom(Noisy):
    def forward(self, x: Tensor) -> Tensor:
        return self.out(doubled(x))


EXPORTS: dict[str, tuple[Callable[[], nn.Module], dict[str, bool], tuple[str, ...]]] = {
    "training mode": (
        lambda: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).train(), {}, ("training mode", "batch_norm", "model.eval()"),
    ),
    "dropout": (lambda: nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5)).train(), {}, ("training mode", "model.eval()")),
    "training mode in core operators": (
        lambda: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).train(), {"decompose": True}, ("training mode", "model.eval()"),
    ),
    "a fixed batch": (Net, {"fixed": True}, ("batches of 5 examples", "'x'", "(5, 4)", "dynamic_shapes={'x': {0: ")),
    "a buffer that counts": (Counting, {}, ("writes into 'calls'", "model.eval()")),
    "a buffer that counts, in core operators": (Counting, {"decompose": True}, ("writes into 'calls'", "model.eval()")),
    "noise": (Noisy, {}, ("randn_like", "random numbers")),
    "control flow": (Choosing, {}, ("cond", "control flow")),
    "an operator of one's own": (Custom, {}, ("landscape_tests.doubled", "no part of torch")),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_that_cannot_be_used_say_how_to_export_instead(name: str, folder: Path, tmp_path: Path) -> None:
    make, options, words = EXPORTS[name]
    told = refusal(export(tmp_path / "a.pt2", make(), torch.randn(5, 4), **options), folder / "data.npz")
    assert all(word in told for word in words), told


def first(table: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(node for node in nodes(table) if kind in node["target"])


def insert(table: dict[str, Any], target: str, *arguments: Any, output: Any = None) -> None:
    """An operation at the start, whose result nobody needs."""
    inputs = [{"name": f"a{i}", "arg": value, "kind": 1} for i, value in enumerate(arguments)]
    outputs = [output or {"as_tensor": {"name": "inserted"}}]
    nodes(table).insert(0, {"target": target, "inputs": inputs, "outputs": outputs, "metadata": {}})


X = {"as_tensor": {"name": "x"}}
HOSTILE_TARGETS = (
    "os.system", "builtins.eval", "builtins.exec", "builtins.__import__", "subprocess.run", "posix.system", "_operator.attrgetter",
    "_operator.methodcaller", "operator.add", "torch.load", "torch.hub.load", "torch.ops.aten.from_file.default",
    "torch.ops.aten.from_file", "torch.ops.aten.save.default", "torch.ops.aten._print.default", "torch.ops.aten.warn.default",
    "torch.ops.aten.set_.source_Storage", "torch.ops.aten.resize_.default", "torch.ops.aten.empty.out",
    "torch.ops.aten.add.__class__", "torch.ops.aten.add.out", "torch.ops.aten.add.str", "torch.ops.aten.mul.left_t",
    "torch.ops.aten.__init__.default", "torch.ops.aten._unsafe_set_data.default", "torch.ops.aten.add.default\n",
    "torch.ops.aten.add", "torch.ops.aten..Tensor", "torch.ops.load_library", "torch.ops.quantized.linear.default",
    "torch.ops.profiler._record_function_enter.default", "torch.ops.inductor._alloc_from_pool.default",
    "torch.ops.higher_order.triton_kernel_wrapper_mutation", "torch.ops.higher_order.call_torchbind", "torch.ops.aten.rand.default",
    "torch.ops.prim.RaiseException.default", "torch.ops.debugprims.load_tensor.default", "torch.ops.aten.sym_size.default.x",
    "__builtins__.open", "<b>bold</b>", "", "\x00", "torch.ops." + "a" * 100_000 + ".b.c",
)  # fmt: skip


@pytest.mark.parametrize("target", HOSTILE_TARGETS, ids=lambda target: repr(target[:40]))
def test_operators_that_are_not_listed_are_named_and_never_looked_up(target: str, folder: Path, tmp_path: Path) -> None:
    seen: list[str] = []
    watching = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event in ("os.system", "subprocess.Popen", "exec", "compile", "socket.connect"):
            seen.append(event)

    path = tampered(folder / "good.pt2", tmp_path / "a.pt2", lambda table: insert(table, target, X))
    sys.addaudithook(hook)
    try:
        told = refusal(path, folder / "data.npz")
    finally:
        watching = False
    assert not seen
    assert "operator" in told and len(told) < 700
    assert "\n" not in told and "\x00" not in told


def forward_reference(table: dict[str, Any]) -> None:
    first(table, "linear")["inputs"][0]["arg"] = {"as_tensor": {"name": nodes(table)[-1]["outputs"][0]["as_tensor"]["name"]}}


def reads_itself(table: dict[str, Any]) -> None:
    node = first(table, "tanh")
    node["inputs"][0]["arg"] = copy.deepcopy(node["outputs"][0])


def given_twice(table: dict[str, Any]) -> None:
    nodes(table).append(copy.deepcopy(nodes(table)[0]))


def huge_tensor(table: dict[str, Any]) -> None:
    first(table, "zeros")["inputs"][0]["arg"] = {"as_ints": [1 << 40]}


def huge_without_device(table: dict[str, Any]) -> None:
    insert(table, "torch.ops.aten.ones.default", {"as_ints": [1 << 20, 1 << 20]})


def grown_by_repeating(table: dict[str, Any]) -> None:
    insert(table, "torch.ops.aten.repeat.default", X, {"as_ints": [1 << 20, 1 << 20]})


def padded(table: dict[str, Any]) -> None:
    insert(table, "torch.ops.aten.constant_pad_nd.default", X, {"as_ints": [1 << 39, 0]}, {"as_float": 0.0})


def negative_size(table: dict[str, Any]) -> None:
    first(table, "zeros")["inputs"][0]["arg"] = {"as_ints": [-5]}


def outside_its_memory(table: dict[str, Any]) -> None:
    insert(table, "torch.ops.aten.as_strided.default", X, {"as_ints": [1000]}, {"as_ints": [1]}, {"as_int": 1 << 40})


def number_for_tensor(table: dict[str, Any]) -> None:
    first(table, "tanh")["inputs"][0]["arg"] = {"as_int": 3}


def tensor_for_number(table: dict[str, Any]) -> None:
    first(table, "zeros")["inputs"][0]["arg"] = X


def text_for_numbers(table: dict[str, Any]) -> None:
    first(table, "zeros")["inputs"][0]["arg"] = {"as_ints": ["__import__('os')"]}


def type_is_a_list(table: dict[str, Any]) -> None:
    table["graph_module"]["graph"]["tensor_values"]["p_first_weight"]["dtype"] = [7]
    first(table, "zeros")["inputs"][1]["arg"] = {"as_scalar_type": {"a": 7}}


def object_for_name(table: dict[str, Any]) -> None:
    first(table, "tanh")["inputs"][0]["arg"] = {"as_tensor": {"name": {"a": 1}}}


def unknown_kind(table: dict[str, Any]) -> None:
    first(table, "tanh")["inputs"][0]["arg"] = {"as_custom_obj": {"name": "x", "class_fqn": "os.system"}}


def no_arguments(table: dict[str, Any]) -> None:
    first(table, "tanh")["inputs"] = []


def surplus_arguments(table: dict[str, Any]) -> None:
    node = first(table, "tanh")
    node["inputs"] = node["inputs"] * 50


def wrong_shapes(table: dict[str, Any]) -> None:
    first(table, "view")["inputs"][1]["arg"] = {"as_ints": [7, 11]}


def missing_weight(table: dict[str, Any]) -> None:
    table["graph_module"]["signature"]["input_specs"][0]["parameter"]["parameter_name"] = "../../etc/passwd"


def class_for_weight(table: dict[str, Any]) -> None:
    table["graph_module"]["signature"]["input_specs"][0]["parameter"]["parameter_name"] = "__class__"


def object_as_input(table: dict[str, Any]) -> None:
    custom = {"custom_obj": {"arg": {"name": "x", "class_fqn": "os.system"}, "custom_obj_name": "evil"}}
    table["graph_module"]["signature"]["input_specs"].append(custom)


def no_results(table: dict[str, Any]) -> None:
    table["graph_module"]["signature"]["output_specs"] = []


def wrong_nesting(table: dict[str, Any]) -> None:
    table["graph_module"]["module_call_graph"][0]["signature"]["in_spec"] = '[1, {"type": "os.system"}]'


def nested_deep(table: dict[str, Any]) -> None:
    spec = '{"type": "builtins.tuple", "context": "null", "children_spec": ['
    table["graph_module"]["module_call_graph"][0]["signature"]["in_spec"] = f"[1, {spec * 100_000}"


def graph_is_a_list(table: dict[str, Any]) -> None:
    table["graph_module"]["graph"] = [1, 2, 3]


def writes_into_a_weight(table: dict[str, Any]) -> None:
    weight = {"as_tensor": {"name": "p_first_weight"}}
    insert(table, "torch.ops.aten.view.default", weight, {"as_ints": [24]})
    nodes(table).insert(
        1,
        {
            "target": "torch.ops.aten.zero_.default",
            "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "inserted"}}, "kind": 1}],
            "outputs": [{"as_tensor": {"name": "zeroed"}}],
            "metadata": {},
        },
    )


CHANGES: dict[Callable[[dict[str, Any]], None], str] = {
    forward_reference: "before anything gives it",
    reads_itself: "before anything gives it",
    given_twice: "two operations give",
    huge_tensor: "GiB",
    huge_without_device: "GiB",
    grown_by_repeating: "GiB",
    padded: "GiB",
    negative_size: "fails at",
    outside_its_memory: "fails at",
    number_for_tensor: "fails at",
    tensor_for_number: "fails at",
    text_for_numbers: "whole number",
    type_is_a_list: "numbers of type",
    object_for_name: "a name is expected",
    unknown_kind: "as_custom_obj",
    no_arguments: "fails at",
    surplus_arguments: "fails at",
    wrong_shapes: "fails at",
    missing_weight: "not in the file",
    class_for_weight: "not in the file",
    object_as_input: "object of its own",
    no_results: "more or fewer",
    wrong_nesting: "malformed",
    nested_deep: "malformed",
    graph_is_a_list: "malformed",
    writes_into_a_weight: "writes into 'first.weight'",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_tampered_programs_are_told(change: Callable[[dict[str, Any]], None], folder: Path, tmp_path: Path) -> None:
    told = refusal(tampered(folder / "good.pt2", tmp_path / "a.pt2", change), folder / "data.npz")
    assert CHANGES[change] in told, told


def test_nothing_that_stands_in_a_program_is_evaluated(folder: Path, tmp_path: Path) -> None:
    """Sizes as expressions, guards, docstrings and stack traces may say anything: the program runs as before."""
    canary = tmp_path / "canary"
    evil = f"__import__('pathlib').Path({str(canary)!r}).touch()"

    def change(table: dict[str, Any]) -> None:
        table["guards_code"] = [evil]
        table["range_constraints"] = {evil: {"min_val": 0, "max_val": None}}
        graph = table["graph_module"]["graph"]
        for meta in graph["tensor_values"].values():
            for size in meta["sizes"]:
                if "as_expr" in size:
                    size["as_expr"]["expr_str"] = evil
        for value in graph["sym_int_values"].values():
            value["as_expr"]["expr_str"] = evil
        for node in graph["nodes"]:
            node["metadata"] = {"stack_trace": evil, "nn_module_stack": evil, "torch_fn": evil}

    path = tampered(folder / "good.pt2", tmp_path / "a.pt2", change)
    data = str(folder / "data.npz")
    assert open_problem(path, data=data).at_checkpoint() == open_problem(folder / "good.pt2", data=data).at_checkpoint()
    assert not canary.exists()


def test_no_name_in_a_program_reaches_python(folder: Path, tmp_path: Path) -> None:
    """A weight with the name of a method of nn.Module is refused, not put in its place."""
    for name in ("first.forward", "training", "first.__dict__", "first._parameters"):

        def change(table: dict[str, Any], name: str = name) -> None:
            table["graph_module"]["signature"]["input_specs"][0]["parameter"]["parameter_name"] = name

        path = tmp_path / "a.pt2"
        with zipfile.ZipFile(tampered(folder / "good.pt2", tmp_path / "b.pt2", change)) as old, zipfile.ZipFile(path, "w") as new:
            for member in old.namelist():
                content = old.read(member)
                if member.endswith("model_weights_config.json"):
                    table = json.loads(content)
                    table["config"] = {name if key == "first.weight" else key: value for key, value in table["config"].items()}
                    content = json.dumps(table).encode()
                new.writestr(member, content)
        assert "no module can have" in refusal(path, folder / "data.npz")


def test_data_that_do_not_fit_are_told_with_both_shapes(folder: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "wide.npz", x_train=np.zeros((6, 9), "f4"), y_train=np.zeros(6, int))
    np.savez(tmp_path / "whole.npz", x_train=np.zeros((6, 4), int), y_train=np.zeros(6, int))
    for name, words in (("wide", "(2, 9)"), ("whole", "int64")):
        told = refusal(folder / "good.pt2", tmp_path / f"{name}.npz")
        assert "(any, 4) of float32" in told and words in told


def test_the_fused_form_of_attention_says_how_to_avoid_it(folder: Path, tmp_path: Path) -> None:
    path = tampered(
        folder / "good.pt2", tmp_path / "a.pt2", lambda t: insert(t, "torch.ops.aten._transformer_encoder_layer_fwd.default", X)
    )
    assert "set_fastpath_enabled(False)" in refusal(path, folder / "data.npz")


def test_the_remedy_for_a_fixed_batch_is_right(folder: Path, tmp_path: Path) -> None:
    """What the sentence says to write makes the file open."""
    told = refusal(export(tmp_path / "a.pt2", Net().eval(), torch.randn(5, 4), fixed=True), folder / "data.npz")
    shapes = eval(told.partition("dynamic_shapes=")[2].partition(")")[0], {"torch": torch})
    assert shapes == {"x": FREE}
    torch.export.save(torch.export.export(Net().eval(), (torch.randn(5, 4),), dynamic_shapes=shapes), str(tmp_path / "b.pt2"))
    assert open_problem(tmp_path / "b.pt2", data=str(folder / "data.npz")).splits["train"] == 12


@pytest.mark.parametrize(
    "target", ["aten.add.out", "aten.add.str", "aten.mul.left_t", "aten.slice.str", "aten.sort.str", "aten.add.no"]
)
def test_overloads_that_give_no_new_tensor_are_not_taken(target: str) -> None:
    with pytest.raises(ProblemError, match="does not have"):
        find_operator(f"torch.ops.{target}")


def test_what_is_listed_gives_tensors_and_takes_no_file() -> None:
    """Over torch's own declarations of everything that a program may name."""
    seen = 0
    for name in sorted(LISTED):
        for overload in getattr(torch.ops.aten, name).overloads():
            try:
                found = find_operator(f"torch.ops.aten.{name}.{overload}")
            except ProblemError:
                continue
            schema = getattr(found, "_schema", None)
            if schema is not None:
                seen += 1
                assert not {"filename", "generator", "out"} & {argument.name for argument in schema.arguments}, schema
                assert schema.returns and all(
                    "Tensor" in str(given.type) or name == "item" or "dense" in name for given in schema.returns
                ), schema
    assert seen > 500


def test_recurrent_layers_without_end(folder: Path, tmp_path: Path) -> None:
    """torch counts 2^31 layers for a minute before it misses their weights."""
    recurrent = nn.LSTM(4, 3, batch_first=True).eval()
    path = export(tmp_path / "good.pt2", recurrent, torch.randn(5, 2, 4))

    def change(table: dict[str, Any]) -> None:
        next(part for part in first(table, "lstm")["inputs"] if part["name"] == "num_layers")["arg"] = {"as_int": 1 << 31}

    assert "more layers than weights" in refusal(tampered(path, tmp_path / "a.pt2", change), folder / "data.npz")


def test_states_of_too_few_examples_are_not_read_past(tmp_path: Path) -> None:
    """torch's own code would: it damages memory without a word."""
    np.savez(tmp_path / "data.npz", x_train=np.zeros((6, 2, 4), "f4"), y_train=np.zeros((6, 2, 3), "f4"))
    path = export(tmp_path / "good.pt2", nn.LSTM(4, 3, batch_first=True).eval(), torch.randn(5, 2, 4))
    open_problem(path, data=str(tmp_path / "data.npz"))

    def change(table: dict[str, Any]) -> None:
        first(table, "zeros")["inputs"][0]["arg"] = {"as_ints": [1, 1, 3]}

    assert "do not fit an input" in refusal(tampered(path, tmp_path / "a.pt2", change), tmp_path / "data.npz")
