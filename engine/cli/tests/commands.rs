//! What the command line adds: options, exit codes, prompts, and the files it reads and writes.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::process::Command;

use support::Place;

const MAIN: &str = r#"
variable "v" {
  default = "one"
}
resource "terraform_data" "a" {
  input = var.v
}
output "o" {
  value = terraform_data.a.output
}
"#;

#[test]
fn exit_codes_tell_changes() {
    let place = Place::new(MAIN);
    assert_eq!(place.run("plan").code, 0);
    assert_eq!(place.run("plan -detailed-exitcode").code, 2);
    place.ok("apply -auto-approve");
    assert_eq!(place.run("plan -detailed-exitcode").code, 0);
    place.fails("plan -nope", &["unexpected argument '-nope'"]);
    place.fails("nope", &["unrecognized subcommand"]);
}

#[test]
fn a_mistake_is_told_once_with_what_led_to_it() {
    let place = Place::new(&format!("{MAIN}output \"p\" {{\n  value = terraform_data.a.nothing\n}}\n"));
    place.fails("validate", &["exported attribute named \"nothing\""]);
    let told = place.run("validate").err;
    assert_eq!(told.matches("Unsupported attribute").count(), 1, "{told}");
    let place = Place::new("locals {\n  l = [1, 2]\n}\noutput \"p\" {\n  value = local.l[5]\n}\n");
    place.fails("plan", &["local.l is tuple with 2 elements"]);
    // Where parts of a condition are told, nothing points at the whole of it.
    let rule = "variable \"v\" {\n  default = 2\n  validation {\n    condition = var.v > 3\n    error_message = \"No.\"\n  }\n}\n";
    let told = Place::new(rule).run("plan").err;
    assert!(told.contains("var.v is 2") && !told.contains("this is false"), "{told}");
    let json = place.run("plan -json").out;
    assert!(json.contains(r#""values":[{"traversal":"local.l","statement":"is tuple with 2 elements"}]"#), "{json}");
}

#[test]
fn a_state_answers_questions() {
    let more = "resource \"terraform_data\" \"b\" {\n  count = 2\n  input = \"${terraform_data.a.output}-${count.index}\"\n}\n";
    let place = Place::new(&format!("{MAIN}{more}"));
    place.ok("apply -auto-approve");
    place.ok("apply -auto-approve -var v=two");
    assert_eq!(place.ok("state list terraform_data.b*"), "terraform_data.b[0]\nterraform_data.b[1]\n");
    assert_eq!(place.ok("state list -type=terraform_* -where output=two-*"), "terraform_data.b[0]\nterraform_data.b[1]\n");
    assert_eq!(place.ok("state list -where output!=two"), "terraform_data.b[0]\nterraform_data.b[1]\n");
    assert_eq!(place.ok("state list -where output=nix"), "");
    assert!(place.ok("state show -where output=two").starts_with("# terraform_data.a:\n"));
    assert_eq!(place.ok("state dependents terraform_data.a"), "terraform_data.b[0]\nterraform_data.b[1]\n");
    assert_eq!(place.ok("state dependents terraform_data.b[0]"), "");
    let history = place.ok("state history terraform_data.b[1]");
    assert!(history.contains("serial 2  changed\n") && history.contains("\"one-1\" -> \"two-1\""), "{history}");
    let versions = place.ok("state versions");
    assert!(versions.contains("terraform.tfstate\n") && versions.contains("terraform.tfstate.backup\n"), "{versions}");
    place.fails("state show nix.*", &["No instance found"]);
    place.fails("state dependents terraform_data.c", &["Did you mean terraform_data.a?"]);
    place.fails("state list -where output", &["Invalid condition"]);
    place.fails("state show", &["required"]);
}

#[test]
fn drift_has_exit_codes_and_documents() {
    let place = Place::new(&format!("{MAIN}resource \"local_file\" \"f\" {{\n  content  = \"x\"\n  filename = \"f.txt\"\n}}\n"));
    place.fails("drift", &["has no state"]);
    place.ok("apply -auto-approve");
    assert!(place.ok("drift").contains("No drift. 2 objects were compared."));
    std::fs::remove_file(place.path().join("f.txt")).unwrap();
    let found = place.run("drift -json -markdown=m.md -sarif=s.json");
    assert_eq!(found.code, 2, "{}", found.err);
    let json: serde_json::Value = serde_json::from_str(&found.out).unwrap();
    assert_eq!(json["summary"]["gone"], 1);
    assert_eq!((&json["findings"][0]["kind"], &json["findings"][0]["address"]), (&"gone".into(), &"local_file.f".into()));
    assert!(place.read("m.md").starts_with("## Drift: 1 gone\n"));
    let sarif: serde_json::Value = serde_json::from_str(&place.read("s.json")).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"], 11);
    place.fails("drift -json -sarif", &["Only one document can be printed"]);
}

#[test]
fn an_apply_waits_for_approval() {
    let place = Place::new(MAIN);
    let no = place.answer("apply", "no\n");
    assert_eq!(no.code, 1);
    assert!(no.out.ends_with("Apply cancelled.\n"), "{}", no.out);
    let yes = place.answer("apply", "yes\n");
    assert_eq!(yes.code, 0, "{}", yes.err);
    assert!(yes.out.contains("Apply complete! Resources: 1 added, 0 changed, 0 destroyed."));
    assert!(!yes.out.contains('\u{1b}'), "no colours without a terminal");
    place.fails("apply -replace=terraform_data.a -input=false", &["Approval needed"]);
    place.fails("apply -json -replace=terraform_data.a", &[""]);
}

#[test]
fn a_saved_plan_is_applied_as_it_stands_or_refused() {
    let place = Place::new(MAIN);
    place.ok("plan -out=p -var v=two");
    place.fails("apply -var v=three p", &["Can't change variable when applying a saved plan"]);
    place.ok("apply p");
    assert_eq!(place.ok("output -raw o"), "two");
    place.fails("apply p", &["Saved plan is stale"]);
    place.fails("apply -target=terraform_data.a p", &["Options do not fit a saved plan"]);
    place.write("p", "x");
    place.fails("apply p", &["as a plan file"]);
}

#[test]
fn the_last_value_of_a_variable_wins() {
    let mut place = Place::new(MAIN);
    let planned = |place: &Place, line: &str| {
        place.ok(&format!("plan -out=p {line}"));
        let shown: serde_json::Value = serde_json::from_str(&place.ok("show -json p")).unwrap();
        shown["variables"]["v"]["value"].as_str().unwrap().to_string()
    };
    assert_eq!(planned(&place, ""), "one");
    place.env("TF_VAR_v", "env");
    assert_eq!(planned(&place, ""), "env");
    place.write("terraform.tfvars", "v = \"tfvars\"");
    assert_eq!(planned(&place, ""), "tfvars");
    place.write("z.auto.tfvars", "v = \"auto\"");
    place.write(".hidden.auto.tfvars", "v = \"hidden\"");
    assert_eq!(planned(&place, ""), "auto");
    place.write("f.tfvars", "v = \"file\"");
    assert_eq!(planned(&place, "-var v=x -var-file=f.tfvars"), "file");
    assert_eq!(planned(&place, "-var-file f.tfvars -var=v=x"), "x");
    place.env("TF_CLI_ARGS_plan", "-var 'v=cli args'");
    assert_eq!(planned(&place, ""), "cli args");
}

#[test]
fn missing_variables_are_asked_for() {
    let place = Place::new("variable \"v\" {\n  description = \"Which?\"\n}\noutput \"o\" {\n  value = var.v\n}");
    let asked = place.answer("apply -auto-approve", "abc\n");
    assert!(asked.out.starts_with("var.v\n  Which?\n\n  Enter a value: "), "{}", asked.out);
    assert_eq!(place.ok("output -raw o"), "abc");
    place.fails("plan -input=false", &["No value for required variable"]);
}

#[test]
fn outputs_are_printed_in_three_forms() {
    let place = Place::new("output \"l\" {\n  value = tolist([\"a\"])\n}\noutput \"n\" {\n  value = 1.50\n}");
    place.ok("apply -auto-approve");
    assert_eq!(place.ok("output"), "l = tolist([\n  \"a\",\n])\nn = 1.5\n");
    assert_eq!(place.ok("output -json l"), "[\"a\"]\n");
    assert_eq!(place.ok("output -raw n"), "1.5");
    place.fails("output m", &["Output \"m\" not found"]);
    place.fails("output -raw l", &["Unsupported value for raw output"]);
}

#[test]
fn objects_are_moved_removed_and_marked() {
    let place = Place::new(MAIN);
    place.ok("apply -auto-approve");
    assert_eq!(
        place.ok("state mv terraform_data.a terraform_data.b"),
        "Move \"terraform_data.a\" to \"terraform_data.b\"\nSuccessfully moved 1 object(s).\n"
    );
    assert_eq!(place.ok("state list"), "terraform_data.b\n");
    place.ok("taint terraform_data.b");
    assert!(place.read("terraform.tfstate").contains("\"tainted\""));
    place.ok("untaint terraform_data.b");
    place.fails("untaint terraform_data.b", &["Resource instance not tainted"]);
    place.ok("state rm terraform_data.b");
    place.fails("state rm terraform_data.b", &["Invalid target address"]);
    place.ok("import terraform_data.a some-id");
    assert!(place.ok("state show terraform_data.a").contains("some-id"));
    place.fails("import terraform_data.a some-id", &["already managed"]);
    place.fails("import terraform_data.c some-id", &["Resource not in configuration"]);
    place.ok("state replace-provider -auto-approve terraform.io/builtin/terraform example.com/a/b");
    assert!(place.ok("state pull").contains("example.com/a/b"));
}

#[test]
fn workspaces_have_a_state_each() {
    let mut place = Place::new(MAIN);
    place.ok("apply -auto-approve");
    place.ok("workspace new dev");
    assert_eq!(place.ok("workspace list"), "  default\n* dev\n\n");
    assert_eq!(place.run("state list").code, 1);
    place.ok("apply -auto-approve");
    place.ok("workspace select default");
    place.fails("workspace delete dev", &["Workspace is not empty"]);
    place.ok("workspace delete -force dev");
    place.fails("workspace select dev", &["No such workspace"]);
    place.env("TF_WORKSPACE", "other");
    assert_eq!(place.ok("workspace show"), "other\n");
}

#[test]
fn a_broken_state_stays_as_it_is() {
    let place = Place::new(MAIN);
    place.ok("apply -auto-approve");
    let text = place.read("terraform.tfstate");
    let cut = &text[..text.len() / 2];
    place.write("terraform.tfstate", cut);
    place.fails("apply -auto-approve", &["Truncated state file"]);
    assert_eq!(place.read("terraform.tfstate"), cut);
    place.write("terraform.tfstate", &text);
    place.ok("apply -auto-approve -var v=two");
    // A file without content is no state yet; where there is a backup, a state was lost.
    place.write("terraform.tfstate", "");
    for command in ["plan", "apply -auto-approve", "state list"] {
        place.fails(command, &["Empty state file", "terraform.tfstate.backup"]);
    }
    std::fs::remove_file(place.path().join("terraform.tfstate.backup")).unwrap();
    assert!(place.ok("plan").contains("1 to add"));
}

#[test]
fn a_provider_that_does_not_exist_is_refused_by_init() {
    let place = Place::new("resource \"datadog_monitor\" \"m\" {}\n");
    for command in ["init", "plan"] {
        place.fails(command, &["Unknown provider", "main.tf:1:1", "registry.terraform.io/hashicorp/datadog"]);
    }
    place.write("main.tf", MAIN);
    place.ok("init");
}

#[test]
fn files_are_formatted() {
    let place = Place::new("a   = 1\n");
    let ran = place.run("fmt -check -diff");
    assert_eq!((ran.code, ran.out.as_str()), (3, "main.tf\n--- old/main.tf\n+++ new/main.tf\n@@ -1 +1 @@\n-a   = 1\n+a = 1\n"));
    assert_eq!(place.answer("fmt -", "b  =2\n").out, "b = 2\n");
    place.write("sub/x.tfvars", "c  = 3\n");
    assert_eq!(place.ok("fmt -recursive"), "main.tf\nsub/x.tfvars\n");
    assert_eq!(place.read("sub/x.tfvars"), "c = 3\n");
    assert_eq!(place.run("fmt nowhere").code, 2);
}

#[test]
fn the_console_prints_the_last_result() {
    let place = Place::new(MAIN);
    assert_eq!(place.answer("console", "1 + 1\n{\na = var.v\n}\n").out, "{\n  \"a\" = \"one\"\n}\n");
    assert_eq!(place.answer("console", "type([1])\n").out, "tuple([\n    number,\n])\n");
    assert_eq!(place.answer("console", "terraform_data.a\n").out, "(known after apply)\n");
    let wrong = place.answer("console", "var.w\n");
    assert_eq!((wrong.code, wrong.err.contains("Reference to undeclared input variable")), (1, true));
}

#[test]
fn modules_of_repositories_are_fetched() {
    let place = Place::new(
        "variable \"ref\" {\n  default = \"v1\"\n}\nmodule \"m\" {\n  source = \"git::file://${path.cwd}/repo//sub?ref=${var.ref}\"\n}\noutput \"o\" {\n  value = module.m.o\n}",
    );
    place.write("repo/sub/main.tf", "output \"o\" {\n  value = path.module\n}");
    for line in ["init -q", "add .", "-c user.email=a@b -c user.name=n commit -q -m one", "tag v1"] {
        let ran = Command::new("git").args(line.split(' ')).current_dir(place.path().join("repo")).status();
        assert!(ran.is_ok_and(|s| s.success()), "this test needs the program git");
    }
    place.fails("plan", &["Module not installed"]);
    place.ok("init");
    place.ok("apply -auto-approve");
    assert_eq!(place.ok("output -raw o"), ".terraform/modules/m/sub");
    place.fails("init -var ref=v2", &["Failed to download module"]);
}

#[test]
fn tests_run_in_order() {
    let place = Place::new(MAIN);
    place.write(
        "tests/a.tftest.hcl",
        "run \"x\" {\n  variables {\n    v = \"abc\"\n  }\n  assert {\n    condition = output.o == \"abc\"\n    error_message = \"no\"\n  }\n}\nrun \"y\" {\n  command = plan\n  assert {\n    condition = terraform_data.a.input == run.x.o\n    error_message = \"differs\"\n  }\n}\n",
    );
    let ran = place.run("test");
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.out,
        "tests/a.tftest.hcl... in progress\n  run \"x\"... pass\n  run \"y\"... fail\ntests/a.tftest.hcl... tearing down\ntests/a.tftest.hcl... fail\n\nFailure! 1 passed, 1 failed.\n"
    );
    assert!(ran.err.contains("differs"), "{}", ran.err);
    assert!(!place.path().join("terraform.tfstate").exists());
}

#[test]
fn other_directories() {
    let place = Place::new("");
    place.write("in/main.tf", MAIN);
    place.ok("-chdir=in apply -auto-approve");
    assert!(place.path().join("in/terraform.tfstate").exists());
    place.fails("-chdir=out plan", &["cannot be entered"]);
    let empty = Place { dir: tempfile::tempdir().unwrap(), env: Vec::new() };
    empty.fails("plan", &["No configuration files"]);
    empty.ok("validate");
    empty.ok("init");
}

#[test]
fn help_writes_options_with_one_dash() {
    let place = Place::new("");
    let help = place.ok("plan -help");
    assert!(help.contains("  -detailed-exitcode") && !help.contains("--"), "{help}");
    assert!(place.ok("version").starts_with("secstack v"));
    assert!(place.ok("completion bash").contains("_secstack()"));
}
