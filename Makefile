# Every target sets up what it needs; `make help` lists them.
UV_VERSION := 0.13.9
UV := $(or $(shell command -v uv),.tools/bin/uv)
RUN := $(UV) run --frozen --no-sync
PHOTOS ?= build/demo/photos
export MEMORABILITY_STORE ?= $(CURDIR)/build/store
export MEMORABILITY_CACHE ?= $(CURDIR)/.cache/downloads

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-unit test-integration test-terraform test-browser test-e2e test-platform lint format bench bench-cold bench-command bench-heads bench-heatmaps bench-serve bench-bill cost package-lambdas package-worker plan deploy destroy local-up local-down local-logs local-worker clean

help: ## Explain every target
	@grep -hE '^[a-z0-9 -]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{n = split($$1, names, " "); for (i = 1; i <= n; i++) printf "  make %-16s %s\n", names[i], $$2}'

setup: .venv/.ready ## Make .venv with everything the project needs (uv too, where it is missing)

.venv/.ready: pyproject.toml uv.lock $(if $(findstring .tools,$(UV)),.tools/bin/uv)
	$(UV) sync --frozen --all-groups --no-group worker --all-extras
	@touch $@

.tools/bin/uv:
	python3 -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

demo: setup ## Score real photos (PHOTOS=dir for your own), print the ranking, write the report
	@test "$(PHOTOS)" != build/demo/photos || $(RUN) python -m scripts.demo_photos build/demo/photos
	@$(RUN) memorability models pull resmem
	@rm -f build/demo/ranking.html
	@$(RUN) memorability score "$(PHOTOS)" --report build/demo/ranking.html || test -f build/demo/ranking.html
	@echo "Open build/demo/ranking.html. The page that campaigns are uploaded to: make local-up prints its address."

test: setup ## Run every test suite, and say what each covered
	$(RUN) python -m scripts.test_suites

test-unit test-integration test-terraform test-browser test-e2e test-platform: test-%: setup ## Run one suite
	$(RUN) python -m scripts.test_suites $*

lint: setup ## Check style and types
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

format: setup ## Put the code into the project's format
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

bench: setup build/peers/resmem.onnx ## Measure network and decoding beside ONNX Runtime and PyTorch, seven minutes (QUICK=yes)
	@$(RUN) python -m scripts.demo_photos build/demo/photos
	@$(RUN) memorability models pull resmem
	$(RUN) python -m tests.benchmarks.speed $(if $(QUICK),--quick)

bench-command: setup ## Measure the command beside the bare network
	$(RUN) python -m tests.benchmarks.scoring

bench-heads: setup ## Measure trained heads beside the trunk alone
	@$(RUN) memorability models pull resmem
	$(RUN) python -m tests.benchmarks.heads

bench-serve: setup ## Measure `memorability serve` under 16 clients beside the network alone
	@$(RUN) python -m scripts.demo_photos build/demo/photos
	@$(RUN) memorability models pull resmem
	$(RUN) python -m tests.benchmarks.serving

bench-bill: package-lambdas ## Measure what the bill is made of, into docs/measurements.json
	@$(RUN) python -m scripts.demo_photos build/demo/photos
	@$(RUN) memorability models pull resmem
	$(RUN) python -m tests.benchmarks.bill

cost: setup ## Reckon the bill from docs/measurements.json, into docs/cost.md
	$(RUN) python -m scripts.cost

SETTINGS ?= deployments/default
ARCHITECTURE ?= x86_64
DEPLOYMENT = $(RUN) python -m scripts.deployment --settings "$(SETTINGS)" --architecture $(ARCHITECTURE) $(if $(APPROVE),--approve)

bench-cold: package-lambdas build/peers/resmem.onnx ## Measure cold starts beside PyTorch and ONNX Runtime
	@$(RUN) python -m scripts.demo_photos build/demo/photos
	@$(RUN) memorability models pull resmem
	$(RUN) python -m tests.benchmarks.cold_start

bench-heatmaps: setup build/peers/.captum ## Measure heatmaps beside scoring and beside Captum over PyTorch
	@$(RUN) python -m scripts.demo_photos build/demo/photos
	@$(RUN) memorability models pull resmem
	$(RUN) python -m tests.benchmarks.heatmaps cost

build/peers/resmem.onnx: tests/benchmarks/peers/export_onnx.py tests/benchmarks/peers/requirements.txt
	$(UV) venv --quiet --seed --python 3.11 build/peers
	build/peers/bin/pip install --quiet -r tests/benchmarks/peers/requirements.txt
	build/peers/bin/pip install --quiet --no-deps torchvision==0.28.0
	build/peers/bin/pip install --quiet --no-deps --target build/peers/packages resmem==1.1.6
	PYTHONPATH=build/peers/packages build/peers/bin/python tests/benchmarks/peers/export_onnx.py $@

build/peers/.captum: build/peers/resmem.onnx tests/benchmarks/peers/requirements-heatmaps.txt
	build/peers/bin/pip install --quiet -r tests/benchmarks/peers/requirements-heatmaps.txt
	build/peers/bin/pip install --quiet --no-deps captum==0.8.0
	@touch $@

package-lambdas: setup ## Build the functions' zips and the bundle of their dependencies (ARCHITECTURE=arm64)
	$(RUN) python -m scripts.package_lambdas --architecture $(ARCHITECTURE)

package-worker: setup ## Build the bundle of the heatmap workers, with CUDA: 3 GB to fetch (CPU=yes: without)
	$(RUN) python -m scripts.package_worker --architecture $(ARCHITECTURE) $(if $(CPU),--cpu)

plan: package-lambdas ## Show what `make deploy` would change in your AWS account (SETTINGS=folder)
	@$(DEPLOYMENT) plan

deploy: package-lambdas ## Deploy to your AWS account and score a photo there (SETTINGS=folder, APPROVE=yes asks nothing)
	@$(RUN) memorability models pull resmem
	@$(RUN) python -m scripts.demo_photos build/demo/photos
	@$(DEPLOYMENT) deploy

destroy: package-lambdas ## Remove a deployment, after saying what is lost (SETTINGS=folder)
	@$(DEPLOYMENT) destroy

LOCAL ?= build/local
LOCAL_PLATFORM = $(RUN) python -m scripts.local_platform --folder "$(LOCAL)"

local-up: package-lambdas ## Bring the whole platform up on this machine, with ResMem published (see build/local.json)
	@$(RUN) memorability models pull resmem
	@$(LOCAL_PLATFORM) up

local-down: setup ## Stop the platform on this machine and remove it
	@$(LOCAL_PLATFORM) down

local-logs: setup ## Show what the functions of the local platform wrote
	@$(LOCAL_PLATFORM) logs

local-worker: setup ## Start a heatmap worker for the platform on this machine; Ctrl-C drains it
	@$(RUN) python -m scripts.local_worker --folder "$(LOCAL)"

clean: ## Stop the local platform, and remove what was built or downloaded here
	@for folder in build/local build/platform-tests; do \
	    test ! -d $$folder/run || $(MAKE) --no-print-directory setup local-down LOCAL=$$folder || exit; \
	done
	rm -rf build .cache .venv .tools
