# Every target installs what it needs; CI calls `make test` and nothing else.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COLLECTION := collections/ansible_collections/mcp/orchestrator

.PHONY: help
help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.lock.sha256: requirements-dev.lock
	MCP_PYTHON=$(PYTHON) roles/software/files/make_venv.sh $(VENV) requirements-dev.lock
	touch $@

.PHONY: venv
venv: $(VENV)/.lock.sha256 ## Make the development environment

.PHONY: lock
lock: ## Renew the locks from pyproject.toml
	uv pip compile -q --no-header --no-emit-index-url --universal --generate-hashes pyproject.toml -o requirements.lock
	uv pip compile -q --no-header --no-emit-index-url --universal --generate-hashes pyproject.toml --group bridge --group dev -o requirements-dev.lock
	uv pip compile -q --no-header --no-emit-index-url --universal --generate-hashes --group audit -o requirements-audit.lock

.PHONY: test
test: venv ## Everything that CI runs; starts what it needs and leaves nothing running
	tests/run.sh all

.PHONY: lint
lint: venv ## Style, types, Ansible's own sanity tests
	export PATH=$(CURDIR)/$(BIN):$$PATH
	ruff check .
	ruff format --check .
	mypy files/audit files/bridge files/firewall files/local_alb files/manager files/monitor files/observability files/records files/request files/traces files/verify files/watcher $(COLLECTION)/plugins/module_utils $(COLLECTION)/plugins/modules $(COLLECTION)/plugins/{action,callback,plugin_utils} tests/shape
	python -m tests.shape
	yamllint --strict .
	ansible-lint --offline --strict
	git ls-files -z '*.sh' '.ci/run' | xargs -0 shellcheck
	(cd $(COLLECTION) && antsibull-changelog lint)
	tests/sanity.sh

.PHONY: docs
docs: venv ## Write what is generated: the roles' READMEs, settings.conf and its table, clients' files and keys, the config's schema, the pages of the API and of the tools
	$(BIN)/python docs/roles.py
	PYTHONPATH=collections $(BIN)/python docs/settings.py
	PYTHONPATH=collections $(BIN)/python docs/clients.py
	PYTHONPATH=files $(BIN)/python docs/api.py
	PYTHONPATH=files $(BIN)/python docs/tools.py
	PYTHONPATH=collections $(BIN)/python -m ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.schema \
	  >files/mcp.config.schema.json

.PHONY: screenshots
screenshots: venv ## Take the pictures of docs/images: the monitor over the files of a made-up site, in Chromium
	PYTHONPATH=.:files:collections $(BIN)/python docs/screenshots.py

.PHONY: unit
unit: venv ## The pure parts
	$(BIN)/pytest -q

.PHONY: e2e
e2e: venv ## The parts together, on a real engine, HAProxy and browser
	tests/run.sh e2e

.PHONY: molecule
molecule: venv ## A whole host with systemd and its own engine
	tests/run.sh molecule

.PHONY: chaos
chaos: venv ## A site broken in every way that the tests know, under load: make chaos SEED=7 [OPTIONS=--publish]
	SEED=$(SEED) tests/run.sh chaos

.PHONY: chaos-host
chaos-host: venv ## A whole host broken: its engine, its boot, a reboot of 99 servers: make chaos-host [OPTIONS=--publish]
	tests/run.sh chaos-host

.PHONY: soak
soak: venv ## Weeks of edits, restarts and rotations at one site, without the waiting: make soak [DAYS=14] [SEED=7]
	DAYS=$(DAYS) SEED=$(SEED) tests/run.sh soak

.PHONY: observe-test
observe-test: venv ## Prometheus and Alertmanager over a site under load with real faults: which alerts go off, and end
	tests/run.sh observe-test

.PHONY: kubernetes
kubernetes: venv ## What is made for a cluster, at a real API server with made-up nodes, which is built once (10 minutes)
	tests/run.sh kubernetes

.PHONY: observe-host
observe-host: venv ## make observe on a host with systemd, beside a Prometheus of the host's and without one
	tests/run.sh observe-host

.PHONY: fresh
fresh: venv ## What a user does on fresh hosts: setup.sh twice, an upgrade, a rollback; all without apt too
	tests/run.sh fresh

.PHONY: fuzz
fuzz: venv ## 100,000 damaged configs, every property with twenty times as many examples, the API with a hundred times as many
	MCP_FUZZ=100000 $(BIN)/pytest -q $(COLLECTION)/tests/unit/plugins/module_utils/config/test_fuzz.py
	$(BIN)/pytest -q --hypothesis-profile=long -m hypothesis
	MCP_FUZZ=200 $(BIN)/pytest -q tests/e2e/test_api_schema.py

.PHONY: engines
engines: venv ## The tests of containers on Docker 26 and podman: make engines ENGINES=podman
	$(BIN)/python tests/e2e/support/engines.py $(ENGINES)

.PHONY: security
security: venv ## Every wall tried on real parts, on Docker 20.10 and 26, after a reboot too; the short form is in make test
	MCP_SECURITY=long tests/run.sh security

.PHONY: conformance
conformance: venv ## The official MCP conformance suite against the bridge
	$(BIN)/python tests/conformance/run.py

.PHONY: published
published: venv ## Published servers in two versions each: what verification says has changed between them
	PYTHONPATH=files:. $(BIN)/python -W ignore -m tests.published.run

.PHONY: nine
nine: venv ## The nine servers of docs/nine.md for real, on what Debian, PyPI and npm have; a database of theirs killed
	tests/run.sh nine

.PHONY: client-files
client-files: venv ## The files that are exported for clients, read by Claude Code, Codex, Gemini CLI, LiteLLM and ContextForge themselves, and the dashboards by Grafana's types
	PYTHONPATH=files:. $(BIN)/pytest -q tests/clients

.PHONY: inspector
inspector: venv ## The life of a server by the MCP inspector's command line, whose packages (110 MB) make test does without
	MCP_INSPECTOR=yes tests/run.sh inspector

.PHONY: check-config
check-config: venv ## Validate and explain a config: make check-config FILE=mcp.config.json
	@PYTHONPATH=collections $(BIN)/python -m ansible_collections.mcp.orchestrator.plugins.module_utils.config.check \
	  --settings files/settings.conf $(FILE)

EXPORT = /opt/mcp-orchestrator/venv/bin/ansible-playbook playbooks/export.yml -i inventory/local \
  -e export_secrets=$(or $(SECRETS),false)
.PHONY: export
export: ## Write what MCP clients need to reach the fleet: make export FILE=mcp.json [CLIENT=codex] [SECRETS=true]
ifeq ($(CLIENT),)
	$(EXPORT) -e export_file=$(abspath $(or $(FILE),mcp.json))
else # a file that is there may be all that the client knows, so that it is not replaced
	@set -eC; all=$$(mktemp -d); trap 'rm -rf "$$all"' EXIT; $(if $(filter true,$(SECRETS)),umask 077;) \
	$(EXPORT) -e export_file="$$all/mcp.json"; \
	PYTHONPATH=files /opt/mcp-orchestrator/venv/bin/python -m monitor.client_file '$(CLIENT)' \
	  <"$$all/mcp.json" >'$(abspath $(or $(FILE),$(error name the file: make export CLIENT=$(CLIENT) FILE=…)))'
endif

.PHONY: export-k8s
export-k8s: ## Write the fleet as Kubernetes objects: make export-k8s DIR=k8s [FORMAT=mcpserver]
	/opt/mcp-orchestrator/venv/bin/ansible-playbook playbooks/export_kubernetes.yml -i inventory/local \
	  -e export_format='$(or $(FORMAT),objects)' \
	  -e export_directory='$(abspath $(or $(DIR),$(error give a directory: make export-k8s DIR=k8s)))'

.PHONY: bootstrap-kubernetes
bootstrap-kubernetes: ## The fleet's namespace, account and rights, by an administrator: make bootstrap-kubernetes KUBECONFIG=/root/.kube/config
	/opt/mcp-orchestrator/venv/bin/ansible-playbook playbooks/bootstrap_kubernetes.yml -i inventory/local \
	  -e bootstrap_kubeconfig='$(abspath $(or $(KUBECONFIG),$(error give the file of an administrator: KUBECONFIG=/root/.kube/config)))'

.PHONY: leave-kubernetes
leave-kubernetes: ## Remove the fleet's objects from the cluster, when hosts run it again
	/opt/mcp-orchestrator/venv/bin/ansible-playbook playbooks/leave_kubernetes.yml -i inventory/local

.PHONY: bridge-image
bridge-image: ## The image from which pods get the bridge: make bridge-image TAG=registry.example.com/mcp/bridge:1 [FILE=bridge.tar]
	@PYTHONPATH=files $(or $(wildcard /opt/mcp-orchestrator/venv/bin/python),$(PYTHON)) -m bridge.runtime.image \
	  --tag '$(or $(TAG),$(error give its name: make bridge-image TAG=registry.example.com/mcp/bridge:1))' \
	  $(if $(FILE),--to '$(abspath $(FILE))')

.PHONY: notify-test
notify-test: ## Send a test message to every address of [notify] urls, and say what came of it
	@cd /opt/mcp-orchestrator/current && PYTHONPATH=collections /opt/mcp-orchestrator/venv/bin/python \
	  -m ansible_collections.mcp.orchestrator.plugins.module_utils.notify.program --test \
	  --settings /etc/mcp-orchestrator/settings.conf --state /var/lib/mcp-orchestrator/state.json

RECORDS = /opt/mcp-orchestrator/venv/bin/python -m records --grep="$$MCP_GREP" --since="$$MCP_SINCE" $(if $(FOLLOW),--follow)
# What people write is handed on as variables: no quote of theirs is read by this shell.
logs calls: export MCP_NAME = $(value NAME)
logs calls: export MCP_GREP = $(value GREP)
logs calls: export MCP_SINCE = $(value SINCE)
.PHONY: logs calls
logs: ## What a server has written, across restarts: make logs NAME=time [GREP=text] [SINCE=2h] [FOLLOW=1]
	@cd /opt/mcp-orchestrator/current/files
	exec $(RECORDS) -- $(if $(NAME),"$$MCP_NAME")

calls: ## What has been called on a server: make calls NAME=time [GREP=tool] [SINCE=2h] [FOLLOW=1]
	@cd /opt/mcp-orchestrator/current/files
	exec $(RECORDS) --calls -- $(if $(NAME),"$$MCP_NAME")

# Whether servers are right: docs/verify.md. Options of the program go into OPTIONS, such as OPTIONS="--direct --tries 5".
VERIFY = cd / && PYTHONPATH=/opt/mcp-orchestrator/current/files /opt/mcp-orchestrator/venv/bin/python -m verify $(if $(NAME),--name '$(NAME)') $(OPTIONS)

VERIFIED = $(if $(FILE),'$(abspath $(FILE))')

.PHONY: verify verify-baseline verify-bench verify-init
verify: ## Verify that servers answer as verify.d expects: make verify [NAME=time] [FILE=time.yml] [JUNIT=verify.xml]
	@$(VERIFY) --json /var/lib/mcp-orchestrator/verify.json $(if $(JUNIT),--junit '$(abspath $(JUNIT))') $(VERIFIED)

verify-baseline: ## Record what servers are like now, beside which verify says what has changed: make verify-baseline [NAME=time]
	@$(VERIFY) --record --tries 5 $(VERIFIED)

verify-bench: ## Measure the cases that have bench, one after the other: make verify-bench [NAME=time] [FILE=time.yml]
	@$(VERIFY) --bench $(VERIFIED)

verify-init: ## Write a first file for a server, of what it lists: make verify-init NAME=time
	@$(VERIFY) --init $(if $(NAME),,$(error give the server: make verify-init NAME=time))

OBSERVE = /opt/mcp-orchestrator/venv/bin/ansible-playbook playbooks/observe.yml -i inventory/local \
  $(addprefix -e @,$(wildcard /etc/mcp-orchestrator/reconcile.yml))
.PHONY: observe observe-absent
observe: ## Run Prometheus and Alertmanager over this host's fleet: make observe [PROMETHEUS=127.0.0.1:9190] [ALERTMANAGER=127.0.0.1:9193]
	$(OBSERVE) $(if $(PROMETHEUS),-e observability_prometheus='$(PROMETHEUS)') $(if $(ALERTMANAGER),-e observability_alertmanager='$(ALERTMANAGER)')

observe-absent: ## Remove what make observe has made, with all that it has recorded
	$(OBSERVE) -e observability_state=absent

.PHONY: dashboards
dashboards: ## The dashboards for a Grafana elsewhere, into build/dashboards
	mkdir -p build/dashboards
	PYTHONPATH=files $(PYTHON) -m observability.dashboards build/dashboards

.PHONY: rebuild
rebuild: ## Build images of npx and uvx servers anew on this host, and roll them out: make rebuild [NAME=time]
	MCP_TRIGGER=rebuild /opt/mcp-orchestrator/venv/bin/ansible-playbook playbooks/site.yml -i inventory/local --skip-tags install \
	  $(addprefix -e @,$(wildcard /etc/mcp-orchestrator/reconcile.yml)) -e '{"mcp_rebuild": ["$(or $(NAME),*)"]}'

# Each asks the reconciler of this host, and waits for what the run says.
REQUEST := cd / && PYTHONPATH=/opt/mcp-orchestrator/current/files /opt/mcp-orchestrator/venv/bin/python -m request
NAMED = $(or $(NAME),$(error give the server: make $@ NAME=time))

.PHONY: stop start restart pull clear-override delete
stop: ## Stop a server until it is started or its entry changes: make stop NAME=time
start: ## Start a server that was stopped: make start NAME=time
restart: ## Give a server new containers, without losing a request: make restart NAME=time
pull: ## Give a server the newest image: make pull NAME=time
clear-override: ## Go back to what the config says of a server: make clear-override NAME=time
delete: ## Remove a server that a request has created: make delete NAME=time
stop start restart pull clear-override delete:
	@$(REQUEST) $@ '$(NAMED)'

.PHONY: create
create: ## Add a server, whose entry a file holds: make create NAME=time ENTRY=time.json
	@entry='$(abspath $(or $(ENTRY),$(error give the file of its entry: make create NAME=time ENTRY=time.json)))'
	$(REQUEST) create '$(NAMED)' --entry "$$entry"

# What people write is handed on as variables: no quote of theirs is read by this shell.
template: export MCP_FILE = $(abspath $(or $(value FILE),$(error give the file: make template FILE=server.json)))
template: export MCP_NAME = $(value NAME)
template: export MCP_PACKAGE = $(value PACKAGE)
.PHONY: template
template: ## A template of a registry's server.json, or of an MCPB bundle: make template FILE=server.json [NAME=weather] [PACKAGE=1]
	@cd /opt/mcp-orchestrator/current && PYTHONPATH=collections /opt/mcp-orchestrator/venv/bin/python \
	  -m ansible_collections.mcp.orchestrator.plugins.module_utils.template.program --to /etc/mcp-orchestrator/templates \
	  --shipped files/templates --name="$$MCP_NAME" $(if $(PACKAGE),--package="$$MCP_PACKAGE") -- "$$MCP_FILE"

.PHONY: sync
sync: ## Start a run, and wait for what comes of it
	@$(REQUEST) sync

# Who may sign in to the page, beside the user of settings.conf.
ACCESS := cd /opt/mcp-orchestrator/current/files && /opt/mcp-orchestrator/venv/bin/python -m monitor.access

.PHONY: user delete-user users
user: ## Let somebody sign in to the page, with a new password: make user NAME=alice [ROLE=operate]
	@$(ACCESS) add '$(or $(NAME),$(error give a name: make user NAME=alice [ROLE=operate]))' --role '$(or $(ROLE),view)'

delete-user: ## Take that away: make delete-user NAME=alice
	@$(ACCESS) remove '$(or $(NAME),$(error give a name: make delete-user NAME=alice))'

users: ## Who may sign in to the page
	@$(ACCESS) list

# Programs that may call the API.
TOKEN := $(ACCESS).token

.PHONY: token delete-token tokens
token: ## A token for a program, printed once: make token NAME=ci [SCOPE=operate] [DAYS=90]
	@$(TOKEN) add '$(or $(NAME),$(error give a name: make token NAME=ci [SCOPE=operate] [DAYS=90]))' --scope '$(or $(SCOPE),view)' \
	  --days '$(or $(DAYS),90)'

delete-token: ## Take that away: make delete-token NAME=ci
	@$(TOKEN) remove '$(or $(NAME),$(error give a name: make delete-token NAME=ci))'

tokens: ## The tokens, their scopes and how long they live
	@$(TOKEN) list

AUDIT := build/audit
# What root makes in somebody's checkout is theirs: the next of them may not be root.
OWNED := if [ "$$(id -u)" = 0 ]; then chown -Rh --reference=. build; fi
SBOMS ?= /var/lib/mcp-orchestrator/sbom

$(AUDIT)/.lock.sha256: requirements-audit.lock
	mkdir -p build
	MCP_PYTHON=$(PYTHON) roles/software/files/make_venv.sh $(AUDIT) requirements-audit.lock
	touch $@
	$(OWNED)

.PHONY: sbom
sbom: $(AUDIT)/.lock.sha256 ## The product's own bills of materials (CycloneDX), into build/sbom
	mkdir -p build/sbom
	for lock in requirements.lock files/bridge/requirements.lock; do
	  name=$$([ "$$lock" = requirements.lock ] && echo host || echo bridge)
	  $(AUDIT)/bin/cyclonedx-py requirements "$$lock" --sv 1.6 --output-reproducible --pyproject pyproject.toml \
	    --mc-type application -o "build/sbom/$$name.cdx.json"
	done
	PYTHONPATH=files $(PYTHON) -m bridge.runtime.sbom > build/sbom/bridge-runtime.cdx.json
	$(OWNED)
	ls build/sbom/*

.PHONY: audit
audit: $(AUDIT)/.lock.sha256 ## Known vulnerabilities of the product and of the images built on this host: make audit [LEVEL=high]
	@PYTHONPATH=files $(AUDIT)/bin/python -m audit --level $(or $(LEVEL),low) --sboms $(SBOMS) \
	  requirements.lock files/bridge/requirements.lock

.PHONY: bench
bench: $(patsubst benchmarks/%.py,bench-%,$(filter-out benchmarks/__init__.py,$(wildcard benchmarks/*.py))) ## All benchmarks

bench-%: venv ## One benchmark of benchmarks/
	tests/run.sh bench-$*

.PHONY: teardown
teardown: ## Remove everything that is ours from this machine, and only that
	/opt/mcp-orchestrator/venv/bin/ansible-playbook playbooks/teardown.yml -i inventory/local
	rm -rf /run/mcp-orchestrator /var/log/mcp-orchestrator-setup.log
