//! States and plans that are encrypted: what is stored, what is refused, and how one gets there and away again.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use support::Place;

const SECRET: &str = "s3cr3t-value-of-a-test";

/// A configuration whose encryption block has this content.
fn configuration(encryption: &str) -> String {
    format!(
        r#"
terraform {{
  encryption {{
{encryption}
  }}
}}
variable "passphrase" {{
  type      = string
  sensitive = true
  ephemeral = true
  default   = "correct horse battery"
}}
variable "secret" {{
  type      = string
  sensitive = true
}}
resource "terraform_data" "a" {{
  input = var.secret
}}
output "o" {{
  value     = terraform_data.a.output
  sensitive = true
}}
"#
    )
}

const KEYS: &str = r#"
    key_provider "pbkdf2" "a" {
      passphrase = var.passphrase
      iterations = local.iterations
    }
    key_provider "pbkdf2" "b" {
      passphrase = "another passphrase of ours"
      iterations = 200000
    }
    method "aes_gcm" "a" {
      keys = key_provider.pbkdf2.a
    }
    method "aes_gcm" "b" {
      keys = key_provider.pbkdf2.b
    }
    method "unencrypted" "none" {}
"#;

fn place(targets: &str) -> Place {
    let mut place = Place::new("");
    place.env("TF_VAR_secret", SECRET);
    change(&place, targets);
    place
}

fn change(place: &Place, targets: &str) {
    place.write("main.tf", &format!("locals {{\n  iterations = 200 * 1000\n}}\n{}", configuration(&format!("{KEYS}{targets}"))));
}

const BOTH: &str = "    state {\n      method   = method.aes_gcm.a\n      enforced = true\n    }\n    plan {\n      method   = method.aes_gcm.b\n      enforced = true\n    }\n";

#[test]
fn everything_that_is_written() {
    let mut place = place(BOTH);
    place.ok("plan -out=p");
    assert_eq!(place.holding(SECRET), [""; 0]);
    assert!(place.read("p").starts_with("{\"meta\":{\"key_provider.pbkdf2.b\":\""), "{}", place.read("p"));
    assert!(place.ok("show p").contains("terraform_data.a"));
    assert!(place.ok("show -json p").contains(SECRET));
    place.ok("apply p");
    assert_eq!(place.ok("output -raw o"), SECRET);
    assert!(place.read("terraform.tfstate").contains("\"encryption_version\":\"v0\""));
    place.env("TF_VAR_secret", "another-s3cr3t-value").ok("apply -auto-approve");
    for secret in [SECRET, "another-s3cr3t-value", "terraform_data\""] {
        assert_eq!(place.holding(secret).iter().filter(|f| *f != "main.tf").count(), 0, "{secret}: {:?}", place.holding(secret));
    }
    assert!(place.read("terraform.tfstate.backup").contains("\"encryption_version\":\"v0\""));
    assert!(place.ok("show terraform.tfstate").contains("terraform_data.a"));
    // `state pull` gives what it says, and `state push` takes that.
    let pulled = place.ok("state pull");
    assert!(pulled.contains("another-s3cr3t-value"));
    place.write("pulled.json", &pulled.replace("\"serial\": 2,", "\"serial\": 7,"));
    place.ok("state push pulled.json");
    std::fs::remove_file(place.path().join("pulled.json")).unwrap();
    assert!(place.read("terraform.tfstate").starts_with("{\"serial\":7,"));
    assert_eq!(place.holding("another-s3cr3t-value"), [""; 0]);
}

#[test]
fn what_does_not_open_is_left_alone() {
    let mut place = place(BOTH);
    place.ok("plan -out=p");
    place.ok("apply -auto-approve");
    let before = place.read("terraform.tfstate");
    place.env("TF_VAR_passphrase", "the wrong horse battery");
    for command in ["plan", "apply -auto-approve", "state pull", "state rm terraform_data.a", "output", "show", "refresh"] {
        place.fails(command, &["State cannot be decrypted", "The key of key_provider.pbkdf2.a does not open it"]);
    }
    place.env("TF_VAR_passphrase", "short").fails("plan", &["Invalid key provider", "main.tf:", "at least 16 characters"]);
    place.env("TF_VAR_passphrase", "");
    // Bytes that were changed: the data, and what stays readable beside it.
    for (from, to) in [("\"encrypted_data\":\"", "\"encrypted_data\":\"AAAA"), ("{\"serial\":1,", "{\"serial\":3,")] {
        assert!(before.contains(from));
        place.write("terraform.tfstate", &before.replacen(from, to, 1));
        place.fails("apply -auto-approve", &["State cannot be decrypted"]);
        assert_eq!(place.read("terraform.tfstate"), before.replacen(from, to, 1));
    }
    place.write("terraform.tfstate", &before[..before.len() / 2]);
    place.fails("apply -auto-approve", &["Truncated state file"]);
    place.write("terraform.tfstate", &before);
    // No configuration at all.
    place.write("main.tf", "");
    place.fails("state pull", &["State cannot be decrypted", "the configuration says nothing of encryption for it"]);
    place.fails("destroy -auto-approve", &["State cannot be decrypted"]);
    place.fails("show p", &["Plan cannot be decrypted", "the configuration says nothing of encryption for it"]);
    assert_eq!(place.read("terraform.tfstate"), before);
    assert!(!place.path().join("terraform.tfstate.backup").exists());
}

#[test]
fn a_saved_plan_knows_its_encryption() {
    let place = place("    state {\n      method = method.aes_gcm.a\n    }\n");
    place.ok("plan -out=p");
    // The directory forgot about encryption since; what was planned counts.
    place.write("main.tf", "");
    place.ok("apply p");
    assert!(place.read("terraform.tfstate").contains("\"encryption_version\":\"v0\""));
}

#[test]
fn there_and_back() {
    let place = place("");
    place.ok("apply -auto-approve");
    assert_eq!(place.holding(SECRET), ["terraform.tfstate"]);
    change(&place, "    state {\n      method = method.aes_gcm.a\n    }\n");
    place.fails(
        "apply -auto-approve",
        &["State cannot be decrypted", "The state is not encrypted", "fallback { method = method.unencrypted.NAME }"],
    );
    assert_eq!(place.holding(SECRET), ["terraform.tfstate"]);
    let steps = [
        ("method.aes_gcm.a", Some("method.unencrypted.none")),
        ("method.aes_gcm.a", None),
        ("method.aes_gcm.b", Some("method.aes_gcm.a")),
        ("method.aes_gcm.b", None),
        ("method.unencrypted.none", Some("method.aes_gcm.b")),
    ];
    for (method, fallback) in steps {
        let fallback = fallback.map(|f| format!("      fallback {{\n        method = {f}\n      }}\n")).unwrap_or_default();
        change(&place, &format!("    state {{\n      method = {method}\n{fallback}    }}\n"));
        // Nothing changes but the form.
        assert!(place.ok("apply -auto-approve").contains("Apply complete! Resources: 0 added, 0 changed, 0 destroyed."));
        let plain = method.contains("unencrypted");
        assert_eq!(place.holding(SECRET), if plain { vec!["terraform.tfstate"] } else { vec![] }, "{method}");
        assert_eq!(place.ok("output -raw o"), SECRET);
    }
    change(&place, "");
    assert_eq!(place.run("plan -detailed-exitcode").code, 0);
}

#[test]
fn the_environment_goes_on_top() {
    let mut place = Place::new(&configuration(
        "    key_provider \"pbkdf2\" \"a\" {\n      iterations = 200000\n    }\n    method \"aes_gcm\" \"m\" {\n      keys = key_provider.pbkdf2.a\n    }\n    state {\n      method   = method.aes_gcm.m\n      enforced = true\n    }\n",
    ));
    place.env("TF_VAR_secret", SECRET);
    place.fails("plan", &["Invalid key provider", "Either passphrase or chain is required."]);
    let native = "key_provider \"pbkdf2\" \"a\" {\n  passphrase = \"given by the environment\"\n}\n";
    let json = r#"{"key_provider":{"pbkdf2":{"a":{"passphrase":"given by the environment"}}}}"#;
    place.env("TF_ENCRYPTION", native).ok("apply -auto-approve");
    assert_eq!(place.holding(SECRET), [""; 0]);
    assert_eq!(place.env("TF_ENCRYPTION", json).ok("output -raw o"), SECRET);
    place.env("TF_ENCRYPTION", "key_provider \"pbkdf2\" {").fails("state list", &["TF_ENCRYPTION:1:"]);
    place.env("TF_ENCRYPTION", "method \"unencrypted\" \"u\" {}\nstate {\n  method = method.unencrypted.u\n}\n");
    place.fails("plan", &["Unencrypted method is forbidden", "TF_ENCRYPTION:3:"]);
}

#[test]
fn mistakes_have_a_place() {
    let method = |body: &str| format!("method \"aes_gcm\" \"m\" {{\n{body}\n}}\nstate {{\n method = method.aes_gcm.m\n}}");
    let keys = |body: &str| format!("key_provider \"pbkdf2\" \"x\" {{\n{body}\n}}\n{}", method("keys = key_provider.pbkdf2.x"));
    let passphrase = "passphrase = \"sixteen letters!\"";
    for (text, words) in [
        (
            "state {\n method = method.aes_gcm.x\n}".into(),
            ["Reference to undeclared encryption method", "main.tf:", "There is no method \"aes_gcm\" \"x\""],
        ),
        (
            method("keys = key_provider.pbkdf2.x"),
            ["Reference to undeclared key provider", "main.tf:", "There is no key_provider \"pbkdf2\" \"x\""],
        ),
        (method(""), ["Missing required argument", "main.tf:", "The argument \"keys\""]),
        ("state {}".into(), ["Missing encryption method", "main.tf:", "\"method\" is required"]),
        (
            format!("key_provider \"pbkdf2\" \"y\" {{\n chain = key_provider.pbkdf2.x\n}}\n{}", keys("chain = key_provider.pbkdf2.y")),
            ["Circular reference", "main.tf:", "key_provider.pbkdf2.x -> key_provider.pbkdf2.y -> key_provider.pbkdf2.x"],
        ),
        (keys(&format!("{passphrase}\niterations = 1000")), ["Invalid key provider", "main.tf:", "Fewer than 200000 iterations"]),
        (keys(&format!("{passphrase}\nkey_length = 20")), ["Invalid method configuration", "main.tf:", "16, 24 or 32 bytes"]),
        (
            format!("key_provider \"pbkdf2\" \"x\" {{\n{passphrase}\n}}\n{}", method("keys = key_provider.pbkdf2.x\naad = [256]")),
            ["Invalid key provider", "main.tf:", "a list of numbers from 0 to 255"],
        ),
        (keys("passphrase = terraform_data.a.id"), ["Unsuitable reference", "main.tf:", "before anything is planned"]),
    ] {
        let mut place = Place::new(&configuration(&text));
        place.env("TF_VAR_secret", SECRET).fails("plan", &words);
        place.write("x", "{}");
        place.fails("state push -force x", &words[..1]);
    }
}

#[test]
fn states_of_others() {
    let written = place("    state {\n      method = method.aes_gcm.b\n    }\n");
    written.ok("apply -auto-approve");
    let path = written.path().join("terraform.tfstate").display().to_string();
    let reading = |targets: &str| {
        let data = |name: &str| {
            format!("data \"terraform_remote_state\" \"{name}\" {{\n  backend = \"local\"\n  config  = {{ path = {path:?} }}\n}}\n")
        };
        Place::new(&format!(
            "{}{}output \"got\" {{\n  value     = [data.terraform_remote_state.one.outputs.o, data.terraform_remote_state.two.outputs.o]\n  sensitive = true\n}}\nterraform {{\n  encryption {{\n    key_provider \"pbkdf2\" \"b\" {{\n      passphrase = \"another passphrase of ours\"\n      iterations = 200000\n    }}\n    method \"aes_gcm\" \"b\" {{\n      keys = key_provider.pbkdf2.b\n    }}\n    method \"unencrypted\" \"none\" {{}}\n{targets}  }}\n}}\n",
            data("one"),
            data("two")
        ))
    };
    let all = reading("    remote_state_data_sources {\n      default {\n        method = method.aes_gcm.b\n      }\n    }\n");
    all.ok("apply -auto-approve");
    assert_eq!(all.ok("output -json got"), format!("[{SECRET:?},{SECRET:?}]\n"));
    let named =
        "    remote_state_data_sources {\n      remote_state_data_source \"one\" {\n        method = method.aes_gcm.b\n      }\n    }\n";
    reading(named).fails("plan", &["State cannot be decrypted", "data \"terraform_remote_state\" \"two\"", "says nothing of encryption"]);
    let other = "    remote_state_data_sources {\n      default {\n        method = method.aes_gcm.b\n      }\n      remote_state_data_source \"two\" {\n        method = method.unencrypted.none\n      }\n    }\n";
    reading(other).fails("plan", &["State cannot be decrypted", "names no method that decrypts"]);
}
