//! Documents as Terraform 1.11.4 recorded them, from `recorded/`: a configuration, the plan it gave in an empty
//! directory, and for some the state after apply. What of them depends on the time is left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secstack_base::{Diags, Sources};
use secstack_eval::world::Ambient;
use secstack_plan::inputs;
use secstack_plan::planner::{Options, Start};
use secstack_run::load::{DiskTree, Early, Installed, load};
use secstack_run::{DiskFiles, Events, ProviderSet};
use secstack_state::model::Snapshot;
use serde_json::Value as Json;

fn providers() -> Arc<ProviderSet> {
    Arc::new(ProviderSet::new(secstack_core::providers()))
}

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/json/recorded").join(name)
}

/// The document with numbers as doubles, since Terraform's own plan file rounds them.
fn parse(text: &str) -> Json {
    fn simple(v: &mut Json) {
        match v {
            Json::Number(n) => *v = Json::String(format!("{:?}", n.as_f64())),
            Json::Array(items) => items.iter_mut().for_each(simple),
            Json::Object(items) => items.values_mut().for_each(simple),
            _ => {}
        }
    }
    let mut v: Json = serde_json::from_str(text).unwrap();
    simple(&mut v);
    v
}

/// Compares with the order of members, one top-level member at a time so that a failure can be read.
#[track_caller]
fn check(name: &str, got: &str, want: &str) {
    let (mut got, mut want) = (parse(got), parse(want));
    for document in [&mut got, &mut want] {
        let members = document.as_object_mut().unwrap();
        members.shift_remove("timestamp");
        // Terraform lists them in the order of a hash map.
        if let Some(Json::Array(found)) = members.get_mut("relevant_attributes") {
            found.sort_by_key(Json::to_string);
        }
    }
    let keys = |v: &Json| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&got), keys(&want), "{name}");
    for key in keys(&want) {
        assert_eq!(got[&key].to_string(), want[&key].to_string(), "{name}: {key}");
    }
}

#[tokio::test]
async fn plans_are_told_as_terraform_tells_them() {
    for name in ["plain", "values", "modules", "imports", "json"] {
        let dir = recorded(name);
        let (files, given) = (Arc::new(DiskFiles::new(&dir)), BTreeMap::new());
        let early = Early { inputs: &given, files: &*files, workspace: "default" };
        let tree = DiskTree::new(&dir);
        let loaded = load(&tree, &mut Installed::read(&tree, Path::new(".terraform")), &early, Sources::default());
        assert!(!loaded.diags.has_errors(), "{name}: {:?}", loaded.diags);
        let config = Arc::new(loaded.config);
        let providers = providers();
        let start = Start {
            config: config.clone(),
            ambient: Ambient {
                files: files.clone(),
                workspace: "default".into(),
                plan_timestamp: "2026-01-01T00:00:00Z".into(),
                timestamp: None,
                random: None,
                validating: false,
            },
            providers: providers.clone(),
            options: Options { refresh: true, ..Options::default() },
            inputs: inputs::resolve(&config.modules[0].module, &given, &*files, &mut Diags::new()),
            given: BTreeMap::new(),
            state: Snapshot::new(),
        };
        let plan = secstack_run::plan(start, &providers, &Events::none()).await;
        assert!(!plan.diags.has_errors(), "{name}: {:?}", plan.diags);
        let want = std::fs::read_to_string(dir.join("plan.json")).unwrap();
        check(name, &super::plan_document(&plan, &config, &providers), &want);
    }
}

#[test]
fn states_are_told_as_terraform_tells_them() {
    for name in ["values", "modules"] {
        let dir = recorded(name);
        let state = secstack_state::file::read(&std::fs::read(dir.join("stored.json")).unwrap(), name).unwrap().unwrap();
        let want = std::fs::read_to_string(dir.join("state.json")).unwrap();
        check(name, &super::state_document(&state, &providers()), &want);
    }
}
