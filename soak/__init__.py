"""The promise under faults: writers and readers through the real stack while its parts are killed (`make soak`).

`python -m soak --minutes 10 --seed N` starts nginx, uWSGI, Redis and PostgreSQL (package stack), has people write to
each other and read on all transports, injects faults by a plan that the seed decides, and demands at the end that
each reader was given each acknowledged message once and in order. docs/soak.md says what is done and demanded.

plan.py draws the plan, faults/ has what is injected and how its effect is proven, writers.py and readers.py are the
people, transports.py how they listen, ledger.py what was sent and told, checker.py the rule of one reader, audit.py
the demand of the end, run.py one run, report.py what it prints.
"""
