# One profile (release) for everything, so that nothing is compiled twice.
BUILT := $(or $(CARGO_TARGET_DIR),target)
SECSTACK ?= $(BUILT)/release/secstack
HARNESS := tests/harness
export SECSTACK

.PHONY: build test test-aws test-s3 test-ssh conformance demo crash simulate fuzz bench cross fmt clippy doc

build:
	cargo build --release --workspace

# The Rust tests, then the facts in tests/conformance that need no AWS, with the binary just built. The scenarios on AWS
# and the tests of the AWS provider, which need the emulator, are in `make test-aws`; those of states in S3 in `make test-s3`.
test: build
	cargo test --release --workspace --exclude secstack-aws --exclude secstack-state
	cargo test --release -p secstack-state
	python3 $(HARNESS)/conformance.py --only builtin
	python3 $(HARNESS)/conformance.py --only expressions

# All tests of the crate in folder $(1), with the features that the whole program has, so that nothing is compiled twice.
tests_of = cargo test --release -p secstack-$(notdir $(1)) -p secstack -p secstack-tests --lib \
	$(patsubst $(1)/tests/%.rs,--test %,$(wildcard $(1)/tests/*.rs))

test-aws: build
	$(call tests_of,providers/aws)
	python3 $(HARNESS)/conformance.py --only aws
	python3 $(HARNESS)/calls.py
	python3 $(HARNESS)/drift.py
	python3 $(HARNESS)/trouble.py
	python3 $(HARNESS)/encryption.py

# States in S3: against an emulated one, shared with Terraform where that is installed (with the code 3 where it is not).
test-s3: build
	$(call tests_of,state)
	python3 $(HARNESS)/s3_state.py
	python3 $(HARNESS)/credentials.py

# Provisioners that reach another machine, against the OpenSSH server of this one. It installs nothing; `make test` has the
# same against a machine in memory.
test-ssh: build
	python3 $(HARNESS)/ssh.py

conformance: build
	python3 $(HARNESS)/conformance.py

# An EKS cluster planned, applied, changed from outside and destroyed, in an emulated AWS.
demo: build
	python3 $(HARNESS)/demo.py

# Real processes, killed and frozen at random instants against an emulated AWS.
TRIALS ?= 10
crash: build
	python3 $(HARNESS)/crash.py --how kill --trials $(TRIALS)
	python3 $(HARNESS)/crash.py --how freeze --trials $(TRIALS)
	python3 $(HARNESS)/crash.py --how term --trials $(TRIALS)

# Runs that are killed, frozen and overtaken at random instants, over a cloud and a store in memory.
SEEDS ?= 2000
simulate:
	cargo run --release -p secstack-tests --bin simulate -- $(SEEDS)

# Random bytes, guided by what they reach, for one of the targets in tests/fuzz: parse, evaluate, state. Begins with the
# conformance corpus; what it finds stays in tests/fuzz/corpus, and inputs that make it fail in tests/fuzz/artifacts.
# cargo-fuzz wants the nightly toolchain, whose flags the stable one takes when it is told to.
TARGET ?= parse
SECONDS ?= 60
fuzz:
	@cargo fuzz --version >/dev/null 2>&1 || { echo "cargo-fuzz is missing. Install it with: cargo install cargo-fuzz" >&2; exit 3; }
	python3 $(HARNESS)/fuzz_seeds.py $(TARGET)
	RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none $(TARGET) -- \
		-max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2048 -max_len=4096 -dict=tests/fuzz/language.dict

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
