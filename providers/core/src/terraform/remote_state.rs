//! `terraform_remote_state`: the outputs of another state, in a local file or in S3.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use secstack_base::schema::Schema;
use secstack_base::{Addr, Str, Type, Value};
use secstack_sdk::{Error, Result};
use secstack_state::crypt::Kind;
use secstack_state::{Cipher, Snapshot};

use crate::kind::{DataKind, fail};
use crate::schema::{computed, optional, required, schema};

/// The backends of Terraform.
const BACKENDS: [&str; 12] = ["azurerm", "consul", "cos", "gcs", "http", "inmem", "kubernetes", "local", "oss", "pg", "remote", "s3"];

/// `terraform_remote_state`.
pub(crate) struct RemoteState {
    pub ciphers: CipherOf,
}

/// What decrypts the states that a block reads, by the name that the `encryption` block calls it.
pub type CipherOf = Arc<dyn Fn(&str) -> Cipher + Send + Sync>;

#[async_trait]
impl DataKind for RemoteState {
    fn name(&self) -> &'static str {
        "terraform_remote_state"
    }

    fn schema(&self) -> Schema {
        schema(
            "The outputs of the root module of another state.",
            [
                required("backend", Type::String, "The type of the backend that keeps the state."),
                optional("config", Type::Dynamic, "The configuration of the backend, as an object."),
                optional("defaults", Type::Dynamic, "Values of outputs that the state lacks."),
                computed("outputs", Type::Dynamic, "The outputs, as an object."),
                optional("workspace", Type::String, "The workspace, where the backend has several."),
            ],
        )
    }

    async fn read(&self, _provider: &Value, config: &Value) -> Result<Value> {
        read(config, (self.ciphers)("")).await
    }

    async fn read_at(&self, addr: &Addr, _provider: &Value, config: &Value) -> Result<Value> {
        read(config, (self.ciphers)(&encryption_name(addr))).await
    }
}

/// What OpenTofu calls a block in `remote_state_data_source "..."`: `name`, `name[0]`, `net.name`, `net[0].name`.
fn encryption_name(addr: &Addr) -> String {
    let text = addr.to_string().replacen("data.terraform_remote_state.", "", 1);
    text.strip_prefix("module.").map(Into::into).unwrap_or(text)
}

async fn read(config: &Value, cipher: Cipher) -> Result<Value> {
    let backend = config.get_str("backend").unwrap_or_default();
    let state = match backend {
        #[cfg(feature = "s3")]
        "s3" => in_s3(config, cipher).await?,
        _ => in_file(config, &cipher).await?,
    };
    let state = state.ok_or_else(not_found)?;
    let mut outputs: BTreeMap<Str, Value> = config.get("defaults").and_then(Value::as_map).cloned().unwrap_or_default();
    outputs.extend(state.outputs.into_iter().map(|(name, output)| (name, output.value)));
    Ok(config.with("outputs", Value::object(outputs)))
}

async fn in_file(config: &Value, cipher: &Cipher) -> Result<Option<Snapshot>> {
    let path = state_path(config)?;
    let text = match tokio::fs::read(&path).await {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(fail("Error loading state error", format!("error loading the remote state: {e}"))),
    };
    let name = path.display().to_string();
    let opened = cipher.open(Kind::State, &text, &name).map_err(|e| failed(&e))?;
    secstack_state::file::read(&opened, &name).map_err(|e| fail("Failed to read remote state", e))
}

#[cfg(feature = "s3")]
async fn in_s3(config: &Value, cipher: Cipher) -> Result<Option<Snapshot>> {
    use secstack_state::Backend;
    let arguments = config.get("config").filter(|c| !c.is_null()).cloned().unwrap_or_else(|| Value::object([] as [(&str, Value); 0]));
    let mut backend = secstack_state::store::S3Backend::new(&arguments).map_err(|problems| {
        let texts: Vec<String> = problems.into_iter().map(|p| p.text).collect();
        invalid(format!("The given configuration is not valid for backend \"s3\": {}", texts.join(" ")))
    })?;
    backend.cipher = cipher;
    let workspace = config.get_str("workspace").filter(|w| !w.is_empty()).unwrap_or("default");
    backend.look(workspace).await.map_err(|e| failed(&e))
}

fn failed(e: &secstack_state::Error) -> Error {
    let d = e.diagnostic();
    fail(&d.summary, [d.detail.as_str(), d.help.as_deref().unwrap_or_default()].join(" ").trim())
}

fn not_found() -> Error {
    fail("Unable to find remote state", "No stored state was found for the given workspace in the given backend.")
}

/// The file that the local backend keeps the state in.
fn state_path(config: &Value) -> Result<PathBuf> {
    let backend = config.get_str("backend").unwrap_or_default();
    if !BACKENDS.contains(&backend) {
        return Err(invalid(format!("There is no backend type named {backend:?}.")));
    }
    if backend != "local" {
        let what = format!("terraform_remote_state cannot read from the backend {backend:?}; this version knows \"local\" and \"s3\".");
        return Err(fail("Unsupported backend", what));
    }
    let argument = |name: &str| text_argument(config.get("config").unwrap_or(&Value::NULL), name);
    known_arguments(config.get("config").unwrap_or(&Value::NULL))?;
    let (path, dir) = (argument("path")?, argument("workspace_dir")?);
    Ok(match config.get_str("workspace").unwrap_or("default") {
        "" | "default" => PathBuf::from(path.as_deref().filter(|p| !p.is_empty()).unwrap_or("terraform.tfstate")),
        workspace => {
            let dir = dir.as_deref().filter(|d| !d.is_empty()).unwrap_or("terraform.tfstate.d");
            PathBuf::from(dir).join(workspace).join("terraform.tfstate")
        }
    })
}

fn known_arguments(config: &Value) -> Result<()> {
    let Some(given) = config.as_map() else {
        return if config.is_null() { Ok(()) } else { Err(invalid(not_valid("object required"))) };
    };
    let unknown = given.keys().find(|name| !matches!(&***name, "path" | "workspace_dir"));
    unknown.map_or(Ok(()), |name| Err(invalid(not_valid(&format!("unexpected attribute {name:?}")))))
}

fn text_argument(config: &Value, name: &str) -> Result<Option<String>> {
    let Some(value) = config.get(name).filter(|v| !v.is_null()) else { return Ok(None) };
    let text = secstack_base::convert::convert(value, &Type::String).map_err(|e| invalid(not_valid(&format!("{name}: {e}"))))?;
    Ok(text.as_str().map(Into::into))
}

fn not_valid(why: &str) -> String {
    format!("The given configuration is not valid for backend \"local\": {why}.")
}

fn invalid(detail: String) -> Error {
    fail("Invalid backend configuration", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = r#"{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l",
        "outputs":{"n":{"value":7,"type":"number"},"l":{"value":["a"],"type":["list","string"],"sensitive":true}},
        "resources":[],"check_results":null}"#;

    fn plain() -> RemoteState {
        RemoteState { ciphers: Arc::new(|_| Cipher::default()) }
    }

    #[test]
    fn names_in_the_encryption_block() {
        for (addr, name) in [
            ("data.terraform_remote_state.a", "a"),
            ("data.terraform_remote_state.a[0]", "a[0]"),
            ("module.net[\"x\"].data.terraform_remote_state.a", "net[\"x\"].a"),
        ] {
            assert_eq!(encryption_name(&addr.parse().unwrap()), name);
        }
    }

    fn config(backend: &str, path: &str) -> Value {
        Value::object([
            ("backend", backend.into()),
            ("config", Value::object([("path", path.into())])),
            ("defaults", Value::object([("n", 1i64.into()), ("d", "x".into())])),
            ("outputs", Value::NULL),
            ("workspace", Value::null(Type::String)),
        ])
    }

    #[tokio::test]
    async fn outputs_over_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.tfstate");
        std::fs::write(&file, STATE).unwrap();
        let read = plain().read(&Value::NULL, &config("local", file.to_str().unwrap())).await.unwrap();
        let outputs = read.get("outputs").unwrap();
        assert_eq!(outputs.get("n").unwrap().as_number().and_then(|n| n.to_i64()), Some(7));
        assert_eq!(outputs.get_str("d"), Some("x"));
        assert_eq!(outputs.get("l").unwrap().ty(), Type::list(Type::String));
    }

    #[tokio::test]
    async fn errors() {
        check(config("local", "/nonexistent/x"), "Unable to find remote state").await;
        check(config("gcs", "x"), "Unsupported backend").await;
        check(config("x", "x"), "There is no backend type named \"x\"").await;
        let more = config("local", "x").with("config", Value::object([("bucket", "b".into())]));
        check(more, "unexpected attribute \"bucket\"").await;
    }

    async fn check(config: Value, want: &str) {
        let e = plain().read(&Value::NULL, &config).await.unwrap_err();
        assert!(e.message.contains(want), "{e}");
    }
}
