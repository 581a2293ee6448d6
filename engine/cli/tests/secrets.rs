//! No secret stands where it must not: every byte that a run prints or writes is searched for it.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use support::Place;

const SENSITIVE: &str = "Sensitive-4f1d-value";
const NESTED: &str = "Nested-77aa-value";
const EPHEMERAL: &str = "Ephemeral-9c2e-value";
const PASSPHRASE: &str = "Passphrase-31b0-value";

const MAIN: &str = r#"
variable "sensitive" {
  type      = string
  sensitive = true
}
variable "nested" {
  type = object({ open = string, hidden = string })
}
variable "ephemeral" {
  type      = string
  ephemeral = true
}
variable "passphrase" {
  type      = string
  sensitive = true
  default   = "unused"
}
locals {
  derived = "derived from ${var.sensitive}"
}
resource "random_password" "p" {
  length  = 24
  special = false
  numeric = false
}
ephemeral "random_password" "e" {
  length  = 24
  special = false
}
resource "null_resource" "s" {
  triggers = { derived = local.derived, n = sensitive(var.nested.hidden), open = var.nested.open }
}
resource "null_resource" "p" {
  triggers = { p = random_password.p.result }
  provisioner "local-exec" {
    command     = "echo running; echo $VALUE > /dev/null; echo $OTHER > /dev/null; while [ -e wait ]; do sleep 0.05; done"
    environment = { VALUE = var.ephemeral, OTHER = ephemeral.random_password.e.result }
  }
}
check "c" {
  assert {
    condition     = var.sensitive == "never"
    error_message = "It is ${var.sensitive}."
  }
}
output "s" {
  value     = null_resource.s.triggers.derived
  sensitive = true
}
output "p" {
  value     = random_password.p.result
  sensitive = true
}
"#;

const ENCRYPTION: &str = r#"
terraform {
  encryption {
    key_provider "pbkdf2" "k" {
      passphrase = var.passphrase
      iterations = 200000
    }
    method "aes_gcm" "m" {
      keys = key_provider.pbkdf2.k
    }
    state {
      method   = method.aes_gcm.m
      enforced = true
    }
    plan {
      method   = method.aes_gcm.m
      enforced = true
    }
  }
}
"#;

fn place(encrypted: bool) -> Place {
    let mut place = Place::new(&format!("{MAIN}{}", if encrypted { ENCRYPTION } else { "" }));
    place.env("TF_VAR_sensitive", SENSITIVE).env("TF_VAR_nested", &format!("{{open = \"o\", hidden = \"{NESTED}\"}}"));
    place.env("TF_VAR_ephemeral", EPHEMERAL).env("TF_LOG", "TRACE").env("TF_LOG_PATH", "trace.log");
    if encrypted {
        place.env("TF_VAR_passphrase", PASSPHRASE);
    }
    place
}

/// All secrets but the password, which nobody knows before the apply.
const SECRETS: [&str; 4] = [SENSITIVE, NESTED, EPHEMERAL, PASSPHRASE];

/// Runs a command whose output must hold no secret.
#[track_caller]
fn quiet(place: &Place, line: &str, code: i32) {
    let ran = place.run(line);
    assert_eq!(ran.code, code, "{line}: {}{}", ran.out, ran.err);
    for secret in SECRETS {
        assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{line} shows {secret}:\n{}{}", ran.out, ran.err);
    }
}

/// Which files hold a secret, without the number that the name of a temporary file has.
fn files(place: &Place, secret: &str) -> Vec<String> {
    place.holding(secret)
}

#[test]
fn nothing_shows_a_secret() {
    for encrypted in [false, true] {
        let mut place = place(encrypted);
        for line in ["validate", "validate -json", "plan", "plan -json", "plan -out=p", "show p", "apply -json p"] {
            quiet(&place, line, 0);
        }
        let password = place.ok("output -raw p");
        assert_eq!(password.len(), 24);
        for line in [
            "plan",
            "show",
            "output",
            "state list",
            "state show null_resource.s",
            "state show null_resource.p",
            "state show random_password.p",
            "refresh",
            "apply -auto-approve",
        ] {
            quiet(&place, line, 0);
            assert!(!place.run(line).out.contains(&password), "{line}");
        }
        place.env("TF_VAR_sensitive", "Sensitive-8888-value");
        for line in ["plan", "plan -json", "apply -auto-approve"] {
            let ran = place.run(line);
            assert!(ran.code == 0 && !ran.out.contains("8888") && !ran.out.contains("4f1d"), "{line}: {}{}", ran.out, ran.err);
        }
        let (state, ephemeral) = (files(&place, "Sensitive-8888-value"), files(&place, EPHEMERAL));
        assert_eq!(ephemeral, [""; 0]);
        assert_eq!(state, if encrypted { vec![] } else { vec!["terraform.tfstate"] });
        let old = if encrypted { vec![] } else { vec!["p", "terraform.tfstate.backup"] };
        assert_eq!(files(&place, SENSITIVE), old);
        let stored = if encrypted { vec![] } else { vec!["terraform.tfstate", "terraform.tfstate.backup"] };
        assert_eq!(files(&place, &password), stored);
        assert_eq!(files(&place, PASSPHRASE), [""; 0]);
    }
}

#[test]
fn a_run_that_is_killed_leaves_no_more() {
    for encrypted in [false, true] {
        let place = place(encrypted);
        place.write("wait", "");
        let mut child = place.spawn("apply -auto-approve");
        let journal = place.path().join("terraform.tfstate.journal");
        // The provisioner runs once the password stands in the journal.
        let begun = std::time::Instant::now();
        let lines = || std::fs::read_to_string(&journal).map_or(0, |t| t.lines().count());
        while lines() < 5 {
            assert!(begun.elapsed().as_secs() < 60, "the journal does not grow");
            assert!(child.try_wait().unwrap().is_none());
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        std::fs::remove_file(place.path().join("wait")).unwrap();
        assert!(journal.exists());
        assert_eq!(files(&place, EPHEMERAL), [""; 0]);
        assert_eq!(files(&place, PASSPHRASE), [""; 0]);
        // Values are sealed in every journal, and of a random password there is nothing but its value.
        assert_eq!(files(&place, SENSITIVE), [""; 0]);
        assert_eq!(files(&place, "random_password"), ["main.tf"]);
        quiet(&place, "apply -auto-approve", 0);
        assert!(!journal.exists());
        assert_eq!(files(&place, EPHEMERAL), [""; 0]);
    }
}

#[test]
fn mistakes_show_no_secret() {
    let bad = r#"
resource "terraform_data" "x" {
  lifecycle {
    precondition {
      condition     = var.sensitive == "x"
      error_message = "Got ${var.sensitive}."
    }
  }
}
"#;
    for more in [
        bad,
        "output \"open\" {\n  value = var.sensitive\n}\n",
        "output \"kept\" {\n  value = var.ephemeral\n}\n",
        "resource \"terraform_data\" \"y\" {\n  input = var.ephemeral\n}\n",
        "resource \"terraform_data\" \"y\" {\n  for_each = toset([var.sensitive])\n}\n",
        "resource \"terraform_data\" \"y\" {\n  input = tonumber(var.sensitive)\n}\n",
        "resource \"terraform_data\" \"y\" {\n  input = jsondecode(var.sensitive)\n}\n",
        "resource \"terraform_data\" \"y\" {\n  input = { a = 1 }[var.sensitive]\n}\n",
        "resource \"terraform_data\" \"y\" {\n  input = file(var.sensitive)\n}\n",
        "resource \"random_password\" \"y\" {\n  length = var.sensitive\n}\n",
        "resource \"terraform_data\" \"y\" {\n  input = regex(\"^x\", var.sensitive)\n}\n",
        "module \"m\" {\n  source = var.sensitive\n}\n",
        "terraform {\n  backend \"local\" {\n    path = var.sensitive\n  }\n}\n",
    ] {
        let place = place(false);
        place.write("more.tf", more);
        for line in ["plan", "plan -json"] {
            quiet(&place, line, 1);
        }
    }
}
