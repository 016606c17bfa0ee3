# `make tune` and `make test` set up everything they need in .venv; nothing has to be installed but Python 3.11, make, git.

PYTHON ?= $(shell for p in python3.11 python3; do command -v $$p >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready

# What `make tune` works on; narrow it: make tune MODELS="fire vit" TARGET=ethos-u55-128
# The time limit is generous, so that the number of trials ends a search, and the same table comes from a slower machine.
MODELS ?= $(shell $(BIN)/velatune models --names 2>/dev/null)
TARGET ?= ethos-u55-128 ethos-u85-256
TRIALS ?= 64
TIMEOUT ?= 180
OUT ?= out

# How much `make fuzz` tries.
PROGRAMS ?= 2000
MUTATIONS ?= 1000

.DEFAULT_GOAL := help
.PHONY: help setup tune test fast check fuzz model-fuzz attributes bench lab-record lab-baselines choices conformance exhausted miscompilations proofs rewrites unseen validation vulkan vulkan-gate widths readme clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

setup: $(READY) ## the virtual environment with everything in it

$(READY): requirements.lock requirements-data.lock requirements-vela-5.2.0.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "velatune needs Python 3.11; say which: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-data.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(VENV)/vela-5.2.0 -r requirements-vela-5.2.0.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

tune: $(READY) ## tune the suite and write reports to out/
	$(BIN)/velatune tune $(MODELS) $(addprefix --target ,$(TARGET)) --trials $(TRIALS) --timeout $(TIMEOUT) --out $(OUT)

test: $(READY) ## all tests; lint and types are among them
	$(BIN)/python -m pytest

fast: $(READY) ## the tests that take seconds
	$(BIN)/python -m pytest -m "not slow"

check: $(READY) ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

rewrites: $(READY) ## write docs/rewrites.md: each rewrite of layouts, and what is left over the suite
	$(BIN)/python -m benchmarks.lowering.rewrites

UNSEEN = $(addprefix signals.py:,tc_resnet matchboxnet broadcast_resnet keyword_transformer inception_time conv_tasnet eegnet) \
	$(addprefix images.py:,shufflenet_v2 ghostnet densenet efficientnet mlp_mixer poolformer mobilevit window_attention)

unseen: $(READY) ## tune nets that velatune was not developed on, and write docs/unseen.md
	$(BIN)/velatune tune $(addprefix benchmarks/unseen/,$(UNSEEN)) $(addprefix --target ,$(TARGET)) --trials $(TRIALS) --timeout $(TIMEOUT) --out $(OUT)/unseen
	cp $(OUT)/unseen/table.md $(OUT)/unseen.md
	$(call insert,docs/unseen.md,unseen)

proofs: $(READY) ## execute the command streams of the suite's default and best lowerings on all inputs of the check
	$(BIN)/python -m benchmarks.correctness.proofs

miscompilations: $(READY) ## write docs/vela-miscompilations.md: what Vela compiles wrongly, by version, on the smallest programs
	$(BIN)/python -m benchmarks.correctness.miscompilations

choices: $(READY) ## write docs/choices.md: each lowering choice on the smallest programs that it applies to
	$(BIN)/python -m benchmarks.lowering.choices

conformance: $(READY) ## programs with expected outputs for hardware or an FVP, in out/conformance; make conformance TARGET=ethos-u85-256
	$(foreach npu,$(TARGET),$(BIN)/python -m benchmarks.correctness.conformance --target $(npu) --out $(OUT)/conformance/$(npu) &&) true

validation: $(READY) ## write docs/validation.md and the errors that are told with predictions, from the evidence that ships
	$(BIN)/python -m benchmarks.predictions.validation

widths: $(READY) ## write the table of other widths into docs/exactness.md
	mkdir -p $(OUT)
	$(BIN)/python -m benchmarks.lowering.widths > $(OUT)/widths.md
	$(call insert,docs/exactness.md,widths)

vulkan: $(READY) ## write the table of small models into docs/vulkan.md; make vulkan RUNNER=COMMAND also runs the files
	mkdir -p $(OUT)
	$(BIN)/python -m benchmarks.vulkan.table --files $(OUT)/vulkan --vk-runner "$(RUNNER)" > $(OUT)/vulkan.md
	$(call insert,docs/vulkan.md,vulkan)

vulkan-gate: $(READY) ## run the programs of the Vulkan gate's rules, and write docs/vulkan-gate.md; make vulkan-gate RUNNER=COMMAND
	mkdir -p $(OUT)
	$(BIN)/python -m benchmarks.vulkan.gate --vk-runner "$(RUNNER)" > $(OUT)/vulkan-gate.md
	$(call insert,docs/vulkan-gate.md,vulkan-gate)

attributes: $(READY) ## write the table of node attributes into docs/extending.md
	mkdir -p $(OUT)
	$(BIN)/python -m benchmarks.lowering.attribute_table > $(OUT)/attributes.md
	$(call insert,docs/extending.md,attributes)

exhausted: $(READY) ## write the table of exhausted models into docs/search.md
	mkdir -p $(OUT)
	$(BIN)/python -m benchmarks.search.exhausted > $(OUT)/exhausted.md
	$(call insert,docs/search.md,exhausted)

bench: $(READY) ## benchmarks: handling programs, how stream cycles agree with Vela, speed against a plain loop, lookups
	$(BIN)/python -m benchmarks.speed.graph
	$(BIN)/python -m benchmarks.predictions.agreement
	$(BIN)/python -m benchmarks.speed.candidates
	$(BIN)/python -m benchmarks.speed.executing
	$(BIN)/python -m benchmarks.store.lookup
	$(BIN)/python -m benchmarks.store.serve
	$(BIN)/python -m benchmarks.search.transfer
	$(BIN)/python -m benchmarks.search.quality

lab-record: $(READY) ## record the spaces of the replay laboratory anew, with the real toolchain
	$(BIN)/python -m benchmarks.search.laboratory
	$(BIN)/python -m benchmarks.search.laboratory.baselines

lab-baselines: $(READY) ## replay Optuna's samplers and greedy search on the recorded spaces anew, for the tests; minutes
	$(BIN)/python -m benchmarks.search.laboratory.baselines

readme: ## put the tables of the last `make tune` into README.md and docs/bounds.md
	$(call insert,README.md,table)
	$(call insert,docs/bounds.md,bounds)

fuzz: $(READY) ## execute PROGRAMS random programs per family and MUTATIONS changed command streams; some minutes
	PROGRAMS=$(PROGRAMS) MUTATIONS=$(MUTATIONS) $(BIN)/python -m pytest -s --timeout=0 tests/workers/ethos_u/npu_model/test_random_programs.py tests/workers/ethos_u/npu_model/test_mutations.py

model-fuzz: MODELS = 500
model-fuzz: $(READY) ## tune MODELS random PyTorch modules, beside stock ExecuTorch; some 15 s each
	$(BIN)/python -m benchmarks.correctness.model_fuzz --models $(MODELS) --out $(OUT)/model-fuzz

# Put the table that a run wrote between the two comments in a page that name it.
define insert
$(BIN)/python -c 'import pathlib, re; p = pathlib.Path("$(1)"); t = pathlib.Path("$(OUT)/$(2).md").read_text(); p.write_text(re.sub(r"(?s)(<!-- $(2) -->\n).*(<!-- /$(2) -->)", lambda m: m[1] + t + m[2], p.read_text()))'
endef

clean: ## remove what make made
	rm -rf $(VENV) $(OUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
