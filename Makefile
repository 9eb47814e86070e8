# The front door. Each word installs what it needs first (Debian 12, Ubuntu 24.04) and says so.

.DEFAULT_GOAL := help
.PHONY: help demo test bench build lint format clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

demo: ## one real training job on a local AWS, from the launch to the bill
	@scripts/install build sandbox python
	@scripts/build
	@.venv/bin/python -m sandbox demo

test: ## what a change must pass: layers, format, unit tests, simulation, sanitizers, fuzzing, booted machines
	@scripts/test

bench: ## curfew beside what people use today
	@scripts/install build sandbox python bench
	@scripts/build
	@.venv/bin/python -m bench

build: ## build/release/curfew, one static binary
	@scripts/install build
	@scripts/build

lint: ## read the code without running it: format, clang-tidy, ruff, mypy, shellcheck, layers
	@scripts/install build test lint python
	@scripts/lint

format: ## rewrite the sources as .clang-format and ruff want them
	@scripts/install test python
	@scripts/format

clean: ## remove what was built; .venv and ccache stay
	rm -rf build
