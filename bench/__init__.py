"""curfew beside what people use today (bench/baseline), as whole processes, measured in one run: docs/bench.md."""
