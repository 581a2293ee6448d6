# One profile (release) for everything, so that nothing is compiled twice.
TARGET := $(or $(CARGO_TARGET_DIR),target)
SECSTACK ?= $(TARGET)/release/secstack
HARNESS := tests/harness
export SECSTACK

.PHONY: build test conformance demo bench cross fmt clippy doc

build:
	cargo build --release --workspace

# The Rust tests, then the facts in tests/conformance with the binary just built.
test: build
	cargo test --release --workspace
	python3 $(HARNESS)/conformance.py

conformance: build
	python3 $(HARNESS)/conformance.py

# An EKS cluster planned, applied, changed from outside and destroyed, in an emulated AWS.
demo: build
	python3 $(HARNESS)/demo.py

bench: build
	python3 $(HARNESS)/bench.py

# States passed between secstack and Terraform; needs Terraform and its AWS provider.
cross: build
	python3 $(HARNESS)/cross.py

fmt:
	cargo fmt --all

clippy:
	cargo clippy --release --workspace --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps
