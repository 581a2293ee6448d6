//! States that Terraform 1.11.4 wrote are read and written again without a byte of difference.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::path::PathBuf;

use secstack_base::Type;
use secstack_state::{Object, file, json};

fn fixtures() -> Vec<(PathBuf, String)> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    // Further states to try, for whoever has some: SECSTACK_STATES=a.tfstate:b.tfstate
    let more = std::env::var("SECSTACK_STATES").unwrap_or_default();
    paths.extend(more.split(':').filter(|p| !p.is_empty()).map(PathBuf::from));
    paths.into_iter().map(|p| (p.clone(), std::fs::read_to_string(p).unwrap())).collect()
}

#[test]
fn states_of_terraform_stay_the_same_bytes() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 4);
    for (path, text) in fixtures {
        let snapshot = file::read(text.as_bytes(), &path.display().to_string()).unwrap().unwrap();
        let written = file::write(&snapshot).unwrap();
        if let Some((n, (got, want))) = written.lines().zip(text.lines()).enumerate().find(|(_, (a, b))| a != b) {
            panic!("{path:?}, line {}:\n{got}\n{want}", n + 1);
        }
        assert_eq!(written.len(), text.len(), "{path:?}");
    }
}

#[test]
fn attributes_decoded_and_encoded_stay_the_same_bytes() {
    let any = ["id", "input", "output", "triggers_replace"];
    let ty = Type::object(any.map(|n| (n, if n == "id" { Type::String } else { Type::Dynamic })));
    let mut seen = 0;
    for (path, text) in fixtures() {
        let snapshot = file::read(text.as_bytes(), "x").unwrap().unwrap();
        for (addr, _, instance) in snapshot.instances().filter(|(a, ..)| a.ty() == "terraform_data") {
            for object in instance.current.iter().chain(instance.deposed.values()) {
                let value = object.decode(&ty).unwrap();
                let again = Object::encode(0, &value, &ty).unwrap();
                assert_eq!(again.attributes, object.attributes, "{path:?} {addr}");
                // Terraform 1.11 writes the paths in the order of a hash map, another one each time.
                let mut sensitive = object.sensitive.clone();
                sensitive.sort_by_cached_key(ToString::to_string);
                assert_eq!(again.sensitive, sensitive, "{path:?} {addr}");
                seen += 1;
            }
        }
        for output in snapshot.outputs.values() {
            let text = json::encode(&output.value, &output.value.ty()).unwrap();
            assert!(json::decode(&text, &output.value.ty()).unwrap().same(&output.value));
        }
    }
    assert!(seen > 30);
}
