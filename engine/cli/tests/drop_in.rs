//! Commands in the forms that Terraform 1.11.4 gives them, as far as scripts depend on them.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use serde_json::Value as Json;
use support::Place;

const MAIN: &str = "resource \"terraform_data\" \"a\" {\n  input = { list = [\"x\"] }\n}\noutput \"o\" {\n  value = 1\n}\n";

fn lines(text: &str) -> Vec<Json> {
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn without_a_command_the_exit_code_is_127() {
    let place = Place::new(MAIN);
    let ran = place.run("");
    assert_eq!((ran.code, ran.out.contains("Commands:")), (127, true), "{}", ran.err);
    assert_eq!(place.run("-nope").code, 127);
    assert_eq!(place.run("-help").code, 0);
    assert_eq!(place.run("state").code, 1);
    place.fails("-install-autocomplete", &["secstack completion bash"]);
}

#[test]
fn modules_are_listed() {
    let place = Place::new("module \"m\" {\n  source = \"./m\"\n}\n");
    place.write("m/main.tf", "module \"n\" {\n  source = \"./n\"\n}\n");
    place.write("m/n/main.tf", "");
    assert_eq!(place.ok("modules"), "\nModules declared by configuration:\n.\n└── \"m\"[./m]\n    └── \"n\"[./n]\n\n");
    let want = r#"{"format_version":"1.0","modules":[{"key":"m","source":"./m","version":""},{"key":"n","source":"./n","version":""}]}"#;
    assert_eq!(serde_json::from_str::<Json>(&place.ok("modules -json")).unwrap(), serde_json::from_str::<Json>(want).unwrap());
    place.write("main.tf", "");
    assert_eq!(place.ok("modules"), "No modules found in configuration.\n");
}

#[test]
fn functions_have_signatures() {
    let place = Place::new("");
    let all: Json = serde_json::from_str(&place.ok("metadata functions -json")).unwrap();
    let lookup = &all["function_signatures"]["core::lookup"];
    assert_eq!(lookup["parameters"][1]["type"], "string");
    assert_eq!(lookup["variadic_parameter"]["name"], "default");
    assert_eq!(all["function_signatures"]["can"]["return_type"], "bool");
    place.fails("metadata functions", &["-json flag is required"]);
}

#[test]
fn nobody_logs_in() {
    let place = Place::new("");
    place.fails("login", &["Login is not supported", "TF_TOKEN_app_terraform_io"]);
    assert_eq!(place.ok("logout example.com"), "No credentials for example.com are stored.\n");
}

#[test]
fn init_tells_its_stages_and_refuses_options_that_exclude_each_other() {
    let place = Place::new(MAIN);
    let codes: Vec<_> = lines(&place.ok("init -json")).iter().filter_map(|l| Some(l["message_code"].as_str()?.to_string())).collect();
    let want = [
        "initializing_backend_message",
        "initializing_provider_plugin_message",
        "output_init_success_message",
        "output_init_success_cli_message",
    ];
    assert_eq!(codes, want);
    place.fails("init -migrate-state -reconfigure", &["mutually-exclusive"]);
    assert!(place.ok("init -backend-config=nofile").contains("Missing backend configuration"));
}

#[test]
fn each_command_sums_up_in_its_own_words() {
    let place = Place::new(MAIN);
    let last = |line: &str| lines(&place.ok(line)).into_iter().map(|l| l["type"].as_str().unwrap_or("").to_string()).collect::<Vec<_>>();
    place.ok("apply -auto-approve");
    assert_eq!(last("refresh -json"), ["version", "refresh_start", "refresh_complete", "outputs"]);
    assert!(place.ok("apply -destroy -auto-approve").contains("Apply complete! Resources: 0 added, 0 changed, 1 destroyed."));
    assert!(place.ok("destroy -auto-approve").contains("Destroy complete! Resources: 0 destroyed."));
    assert!(place.ok("output nope").contains("No outputs found"));
}

#[test]
fn a_question_without_an_answer_is_a_mistake() {
    let place = Place::new(MAIN);
    let ran = place.answer("apply", "");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("Approval needed"), "{}", ran.err);
    let nested = "  + input  = {\n          + list = [\n              + \"x\",\n            ]\n        }\n";
    assert!(ran.out.contains(nested), "{}", ran.out);
    place.ok("apply -auto-approve");
    place.fails("state list terraform_data.b", &["No instance found"]);
}

const IMPORT: &str = "import {\n  to = terraform_data.a\n  id = \"abc\"\n}\nimport {\n  to = random_string.s\n  id = \"ab1\"\n}\n";

#[test]
fn configuration_of_imported_objects_is_generated() {
    let place = Place::new(IMPORT);
    place.fails("plan", &["Configuration for import target does not exist", "-generate-config-out=generated.tf"]);
    let planned = place.ok("plan -generate-config-out=gen.tf -out=p");
    assert!(planned.contains("Plan: 2 to import, 0 to add, 0 to change, 0 to destroy."), "{planned}");
    assert!(planned.contains("written to gen.tf"), "{planned}");
    let head = "# __generated__ by Terraform\n# Please review these resources and move them into your main configuration files.\n";
    let first = "\n# __generated__ by Terraform from \"abc\"\nresource \"terraform_data\" \"a\" {\n  input            = null\n  triggers_replace = null\n}\n";
    let text = place.read("gen.tf");
    assert!(text.starts_with(&format!("{head}{first}\n# __generated__ by Terraform from \"ab1\"\n")), "{text}");
    assert!(text.contains("  length           = 3\n") && !text.contains("result"), "{text}");
    place.fails("plan -generate-config-out=gen.tf", &["Target generated file already exists"]);
    place.fails("plan -destroy -generate-config-out=other.tf", &["Invalid generate-config-out flag"]);
    place.ok("apply p");
    assert_eq!(place.run("plan -detailed-exitcode").code, 0);
    // Nothing is left to generate.
    place.ok("plan -generate-config-out=other.tf");
    assert!(!place.path().join("other.tf").exists());
}

#[test]
fn only_plain_resources_of_the_root_module_are_generated() {
    let place = Place::new("import {\n  to = terraform_data.a[0]\n  id = \"abc\"\n}\n");
    place.fails("plan -generate-config-out=gen.tf", &["not compatible with config generation"]);
    place.write("main.tf", "import {\n  to = module.m.terraform_data.a\n  id = \"x\"\n}\nmodule \"m\" {\n  source = \"./m\"\n}\n");
    place.write("m/main.tf", "");
    place.fails("plan -generate-config-out=gen.tf", &["Only resources within the root module are eligible"]);
    assert!(!place.path().join("gen.tf").exists());
}
