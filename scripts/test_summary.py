#!/usr/bin/env python3
"""Prints how many tests ran on which device, and why others did not.

usage: test_summary.py JUNIT_XML      as ctest --output-junit writes it, with all output
"""
import collections
import re
import sys
import xml.etree.ElementTree as ElementTree


def device_of(name):
    return {"cuda": "cuda", "emulated": "emulated cuda"}.get(re.split("[-.]", name)[0], "cpu")


passed, failed = collections.Counter(), collections.Counter()
skipped = collections.defaultdict(collections.Counter)
for case in ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
    device = device_of(case.get("name"))
    output = case.findtext("system-out", "")
    if "[==========]" not in output:  # not GoogleTest's
        (failed if case.find("failure") is not None else passed)[device] += 1
        continue
    passed[device] += len(re.findall(r"^\[       OK \] ", output, re.MULTILINE))
    failures = re.findall(r"^\[  FAILED  \] .*\(\d+ ms\)$", output, re.MULTILINE)
    died = case.find("failure") is not None and not failures
    failed[device] += len(failures) + died
    reasons = re.findall(r": Skipped\n(.*)", output)
    count = len(re.findall(r"^\[  SKIPPED \] .*\(\d+ ms\)$", output, re.MULTILINE))
    for i in range(count):
        skipped[device][reasons[min(i, len(reasons) - 1)] if reasons else "no reason given"] += 1

for device in ("cpu", "cuda", "emulated cuda"):
    if passed[device] + failed[device] + sum(skipped[device].values()) == 0:
        continue
    print(f"{device}: {passed[device]} tests passed, {failed[device]} failed, "
          f"{sum(skipped[device].values())} skipped")
    for reason, count in skipped[device].items():
        print(f"    {count} skipped: {reason}")
