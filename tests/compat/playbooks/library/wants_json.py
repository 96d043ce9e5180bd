#!/usr/bin/python
# WANT_JSON
import json
import sys

print("noise before the answer")
with open(sys.argv[1]) as stream:
    print(json.dumps({"given": json.load(stream)["numbers"], "rc": 0}))
