//! `test`: what stands in for providers, resources and modules, and how results are told.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use serde_json::Value as Json;
use support::Place;

const MAIN: &str = r#"
resource "random_pet" "p" {
}
resource "random_pet" "q" {
  count = 2
}
data "terraform_remote_state" "r" {
  backend = "local"
  config  = { path = "none" }
}
module "m" {
  source = "./m"
}
output "p" {
  value = random_pet.p.id
}
output "q" {
  value = random_pet.q[*].id
}
output "m" {
  value = module.m.o
}
output "r" {
  value = data.terraform_remote_state.r.outputs
}
"#;

const OVERRIDES: &str = r#"
override_data {
  target = data.terraform_remote_state.r
  values = { outputs = { x = "over" } }
}
override_resource {
  target = random_pet.p
  values = { id = "fixed" }
}
run "planned" {
  command = plan
  override_resource {
    target          = random_pet.q
    override_during = plan
  }
  override_module {
    target  = module.m
    outputs = { o = "made up" }
  }
  assert {
    condition     = length(output.q[1]) == 8 && output.m == "made up" && output.r.x == "over"
    error_message = "not overridden"
  }
}
run "applied" {
  override_resource {
    target = module.m.random_pet.z
    values = { id = "inner" }
  }
  override_resource {
    target = random_pet.nope
  }
  assert {
    condition     = output.p == "fixed" && output.m == "inner"
    error_message = "got ${output.p} and ${output.m}"
  }
}
"#;

fn place(test: &str) -> Place {
    let place = Place::new(MAIN);
    place.write("m/main.tf", "resource \"random_pet\" \"z\" {\n}\noutput \"o\" {\n  value = random_pet.z.id\n}\n");
    place.write("a.tftest.hcl", test);
    place
}

#[test]
fn resources_data_and_modules_are_overridden() {
    let out = place(OVERRIDES).ok("test");
    assert!(out.contains("Success! 2 passed, 0 failed."), "{out}");
    assert!(out.contains("The override target random_pet.nope does not exist"), "{out}");
}

#[test]
fn a_mocked_provider_makes_up_what_is_computed() {
    let test = r#"
mock_provider "random" {
  source = "./mocks"
  override_resource {
    target = random_pet.p
    values = { id = "over" }
  }
}
override_data {
  target = data.terraform_remote_state.r
  values = { outputs = {} }
}
run "a" {
  assert {
    condition     = output.p == "over" && output.q == ["mock", "mock"]
    error_message = jsonencode(output.q)
  }
}
"#;
    let place = place(test);
    place.write("mocks/x.tfmock.hcl", "mock_resource \"random_pet\" {\n  defaults = { id = \"mock\" }\n}\n");
    place.ok("test");
    place.write("mocks/x.tfmock.hcl", "mock_resource \"random_pet\" {\n  defaults = { id = [] }\n}\n");
    place.fails("test", &["Failed to compute attribute"]);
    place.write("a.tftest.hcl", &test.replace("./mocks", "./nowhere"));
    place.fails("test", &["Failed to read mock data"]);
}

#[test]
fn overrides_of_the_wrong_kind_are_refused() {
    let place = place("override_module {\n  target = random_pet.p\n}\n");
    place.fails("test", &["You can only target modules from override_module blocks, not random_pet.p."]);
    place.fails("validate", &["Invalid override target"]);
    place.ok("validate -no-tests");
    place.write("a.tftest.hcl", "override_resource {\n  target = random_pet.q[0]\n}\n");
    place.fails("test", &["without its keys"]);
}

const RESULTS: &str = r#"
run "good" {
  command = plan
}
run "bad" {
  assert {
    condition     = output.o == "<two>"
    error_message = "not two"
  }
}
run "broken" {
  variables {
    v = run.nope.x
  }
}
run "skipped" {
}
"#;

fn results() -> Place {
    let place = Place::new(
        "variable \"v\" {\n  default = \"one\"\n}\nresource \"terraform_data\" \"a\" {\n  input = var.v\n}\noutput \"o\" {\n  value = terraform_data.a.output\n}\n",
    );
    place.write("tests/a.tftest.hcl", RESULTS);
    place
}

#[test]
fn results_are_written_for_build_servers() {
    let place = results();
    assert_eq!(place.run("test -junit-xml=o.xml").code, 1);
    let xml = place.read("o.xml");
    for part in [
        "<testsuite name=\"tests/a.tftest.hcl\" tests=\"4\" skipped=\"1\" failures=\"1\" errors=\"1\">",
        "<failure message=\"1 of 1 assertions failed: not two\"><![CDATA[",
        "<error message=\"Encountered an error\">",
        "<skipped message=\"Testcase skipped due to a previous testcase error\">",
    ] {
        assert!(xml.contains(part), "no {part} in\n{xml}");
    }
}

#[test]
fn plans_and_states_of_runs_are_shown_on_request() {
    let place = results();
    let text = place.run("test -verbose").out;
    assert!(text.contains("# terraform_data.a will be created") && text.contains("# terraform_data.a:\n"), "{text}");
    let events: Vec<Json> = place.run("test -verbose -json").out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let of = |kind: &str| events.iter().find(|e| e["type"] == kind).unwrap();
    assert_eq!(of("test_plan")["test_plan"]["resource_changes"][0]["address"], "terraform_data.a");
    assert_eq!(of("test_state")["test_state"]["root_module"]["resources"][0]["values"]["input"], "one");
    assert_eq!(of("test_state")["test_state"]["provider_format_version"], "1.0");
}

#[test]
fn files_of_variables_beside_the_tests_hold_there() {
    let place = results();
    place.write("terraform.tfvars", "v = \"root\"\n");
    place.write("tests/x.auto.tfvars", "v = \"<two>\"\n");
    let test = "run \"a\" {\n  assert {\n    condition     = output.o == \"WANT\"\n    error_message = output.o\n  }\n}\n";
    place.write("tests/a.tftest.hcl", &test.replace("WANT", "<two>"));
    place.write("b.tftest.hcl", &test.replace("WANT", "root"));
    assert!(place.ok("test").contains("Success! 2 passed"));
    assert!(place.ok("test -filter=nix.tftest.hcl").contains("Success! 0 passed, 0 failed."));
}

#[test]
fn what_cannot_be_removed_is_told() {
    let place = Place::new(
        "resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    when    = destroy\n    command = \"false\"\n  }\n}\n",
    );
    place.write("a.tftest.hcl", "run \"a\" {}\n");
    let ran = place.run("test");
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("Failure! 1 passed, 0 failed."), "{}", ran.out);
    assert!(ran.err.contains("executing a.tftest.hcl/a, and they need to be cleaned up manually:\n  - terraform_data.a"), "{}", ran.err);
}
