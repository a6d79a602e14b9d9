#!/usr/bin/env python3
"""Prints how many tests ran on which device, and why others did not.

usage: test_summary.py JUNIT_XML      as ctest --output-junit writes it
"""
import collections
import re
import sys
import xml.etree.ElementTree as ElementTree

ran = {"cpu": 0, "cuda": 0}
failed = dict(ran)
skipped = {device: collections.Counter() for device in ran}
for case in ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
    device = "cuda" if "Cuda" in case.get("name") else "cpu"
    if case.find("skipped") is not None:
        reason = re.search(r": Skipped\n(.*)", case.findtext("system-out", ""))
        skipped[device][reason.group(1) if reason else "no reason given"] += 1
    elif case.find("failure") is not None:
        failed[device] += 1
    else:
        ran[device] += 1

for device in ran:
    print(f"{device}: {ran[device]} tests passed, {failed[device]} failed, "
          f"{sum(skipped[device].values())} skipped")
    for reason, count in skipped[device].items():
        print(f"    {count} skipped: {reason}")
