#!/usr/bin/env python3
"""Writes the results of the benchmarks as a page of tables.

usage: bench_report.py [--out FILE] JSON...     each as a program's --benchmark_out wrote it, and named
                                                after the program; FILE: bench/results/DATE-PROCESSOR.md
Exit code 1 where a benchmark found a wrong result.
"""
import argparse
import collections
import datetime
import json
import os
import pathlib
import platform
import re
import sys

# What Google Benchmark says of every case; the rest are counters.
STANDARD = {"name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions",
            "repetition_index", "threads", "iterations", "real_time", "cpu_time", "time_unit", "label",
            "error_occurred", "error_message"}
CONTEXT = {"date", "host_name", "executable", "num_cpus", "mhz_per_cpu", "cpu_scaling_enabled", "caches",
           "load_avg", "library_build_type", "compiler", "instruction set", "hidden", "device"}
PROGRAMS = {
    "machine_bench": "The machine",
    "memory_bench": "Kernels that move memory, GB/s",
    "gemm_bench": "Matrix products, GFLOP/s",
    "conv2d_bench": "Convolutions, GFLOP/s",
    "training_bench": "Training, ms (memory: MB)",
    "optimizer_bench": "Optimizers: a training step, ms",
}
# What is aimed at: program, pattern of the cases and their name, what is compared, at least how much.
TARGETS = [
    ("gemm_bench", "", "every case", "ours / openblas", 1.0),
    ("gemm_bench", r"/(1024|2048)$", "n >= 1024", "of_peak", 0.85),
    ("conv2d_bench", "", "every case", "ratio", 1.2),
    ("training_bench", "^step/convnet3-24$", "step/convnet3-24", "ratio", 2.3),
    ("training_bench", "^step/convnet3-64s2$", "step/convnet3-64s2", "ratio", 1.8),
    ("training_bench", "^step/convnet5-w$", "step/convnet5-w", "ratio", 2.0),
    ("training_bench", "^step/resnet56$", "step/resnet56", "ratio", 2.0),
    ("training_bench", "^evaluation/convnet3-24$", "evaluation/convnet3-24", "ratio", 2.3),
    ("training_bench", "^evaluation/convnet3-64s2$", "evaluation/convnet3-64s2", "ratio", 1.8),
    ("training_bench", "^evaluation/convnet5-w$", "evaluation/convnet5-w", "ratio", 2.0),
    ("training_bench", "^evaluation/resnet56$", "evaluation/resnet56", "ratio", 2.0),
]
CUDA_TARGETS = [
    ("gemm_bench", r"^float.*/(1024|2048|4096|8192)$", "n >= 1024", "ratio", 0.95),
    ("gemm_bench", r"^(tf32|bf16)/(4096|8192)$", "tf32 and bf16, n >= 4096", "ratio", 0.85),
    ("gemm_bench", "/fc|/linear", "the networks' layers", "ratio", 1.0),
    ("conv2d_bench", "", "every case", "ratio", 1.0),
    ("training_bench", "^step(-tf32|-bf16)?/resnet56$", "step/resnet56 in every precision", "ratio", 1.5),
]


class Case:
    def __init__(self, run):
        parts = run["name"].split("/")
        threads = [p for p in parts if p.startswith("threads:")]
        self.threads = threads[0].removeprefix("threads:") if threads else ""
        self.name = "/".join(p for p in parts if not re.match(r"(threads|iterations|min_time):|\w+_time$", p))
        self.error = run.get("error_message", "")
        self.note = self.error or run.get("label", "")
        self.counters = {k: v for k, v in run.items() if k not in STANDARD}
        if not self.error and "ours" not in self.counters and "time_unit" in run:
            self.counters = {"time " + run["time_unit"]: run["real_time"], **self.counters}

    def value(self, what):
        """A counter, or a quotient of two; None where it was not measured."""
        values = [self.counters.get(name) for name in what.split(" / ")]
        if None in values:
            return None
        return values[0] if len(values) == 1 else values[0] / values[1]


def text(value):
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(cases):
    found = list(dict.fromkeys(name for case in cases for name in case.counters))
    last = [name for name in ("ratio", "of_peak") if name in found]
    first = ["ours"] if "ours" in found else []
    counters = first + [n for n in found if n not in first + last + ["peak"]] + last
    columns = ["case", "threads"] + [name.replace("of_peak", "of peak") for name in counters]
    notes = any(case.note for case in cases)
    yield row(columns + ["note"] * notes)
    yield row(["---", "---:"] + ["---:"] * len(counters) + ["---"] * notes)
    for case in cases:
        yield row([case.name, case.threads] + [text(case.counters.get(name)) for name in counters]
                  + [case.note] * notes)


def groups(program, cases):
    """The cases of a table: those of the training program by what they vary."""
    out = collections.defaultdict(list)
    for case in cases:
        out[case.name.split("/")[0] if program == "training_bench" else ""].append(case)
    return out.items()


def summary(results, targets):
    yield row(["target", "", "cases that meet it", "worst"])
    yield row(["---", "---", "---", "---"])
    for program, pattern, cases, what, least in targets:
        met, worst = [], None
        for case in results.get(program, []):
            value = case.value(what)
            if value is None or not re.search(pattern, case.name):
                continue
            met.append(value >= least)
            if worst is None or value < worst[0]:
                worst = value, f"{case.name}, threads: {case.threads}"
        if worst is None:
            continue
        yield row([f"{program.removesuffix('_bench')}, {cases}: {what} >= {least}",
                   "met" if all(met) else "missed", f"{sum(met)} of {len(met)}", f"{worst[0]:.2f} ({worst[1]})"])


def cpu():
    try:
        info = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        info = ""
    found = re.search(r"^model name\s*: (.*)$", info, re.MULTILINE)
    return found.group(1) if found else platform.processor() or platform.machine()


def machine(context):
    if "device" in context:
        yield f"- {context['device']}"
    yield f"- {cpu()}, {context['num_cpus']} cores of {context['mhz_per_cpu']} MHz"
    caches = (f"L{c['level']} {c['type'].lower()} {c['size'] // 1024} KiB x {c['num_sharing']} sharing"
              if c["num_sharing"] > 1 else f"L{c['level']} {c['type'].lower()} {c['size'] // 1024} KiB"
              for c in context["caches"])
    yield f"- caches: {', '.join(caches)}"
    yield f"- instruction set chosen: {context['instruction set']}; {context['compiler']}"
    if "hidden" in context:
        yield f"- hidden from ours and the peers: what is {context['hidden']}"
    yield f"- load when it began: {context['load_avg'][0]:.2f}"
    peers = (f"{key}: {value}" for key, value in context.items() if key not in CONTEXT)
    yield f"- peers: {'; '.join(peers)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("json", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    context, results = {}, {}
    for path in arguments.json:
        content = path.read_text()
        if not content:  # no case of the program matched the filter
            continue
        content = json.loads(content)
        context = {**content["context"], **context}
        results[path.stem] = [Case(run) for run in content["benchmarks"]]
    if not results:
        sys.exit("no results: no case matched")

    date = datetime.date.today().isoformat()
    processor = context["device"].split(",")[0] if "device" in context else re.sub(r"\(\w+\)", "", cpu())
    slug = re.sub(r"[^a-z0-9]+", "-", processor.lower()).strip("-") + ("-avx2" if "hidden" in context else "")
    out = arguments.out or pathlib.Path(__file__).parent.parent / "bench/results" / f"{date}-{slug}.md"
    lines = [f"# Benchmarks, {date}", "", *machine(context), ""]
    if "device" in context:
        lines += ["Times are between events on the device, its cache overwritten before each call.", ""]
    lines += ["Ours and its peers were timed in turns, after a check of their results: medians over rounds.",
              "ratio: how many times as fast as the fastest peer ours is (of memory: how many times as little).",
              "of peak: of the most that multiply-adds on as many cores reached in the same run.", ""]
    lines += ["## Targets", "", *summary(results, CUDA_TARGETS if "device" in context else TARGETS), ""]
    for program in sorted(results, key=lambda name: list(PROGRAMS).index(name) if name in PROGRAMS else 99):
        lines += [f"## {PROGRAMS.get(program, program)}", ""]
        for group, cases in groups(program, results[program]):
            lines += ([f"### {group}", ""] if group else []) + [*table(cases), ""]
    os.makedirs(out.parent, exist_ok=True)
    out.write_text("\n".join(lines))
    print(f"report: {out}")
    wrong = [f"{case.name}: {case.error}" for cases in results.values() for case in cases if case.error]
    sys.exit("\n".join(wrong) or 0)


main()
