//! The results of tests in the XML that JUnit introduced, which build servers read.

use secstack_base::{Diags, Sources};

use super::report::Status;
use crate::text::{self, Style};

/// What came of a file.
#[derive(Default)]
pub struct Suite {
    /// The path.
    pub path: String,
    /// Its runs.
    pub cases: Vec<Case>,
}

/// What came of a run.
pub struct Case {
    /// The name.
    pub name: String,
    /// What came of it.
    pub status: Status,
    /// How many assertions it has.
    pub assertions: usize,
    /// When it began, in RFC 3339.
    pub began: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Mistakes and warnings.
    pub diags: Diags,
    /// What they point into.
    pub sources: Sources,
}

/// The document.
pub fn document(suites: &[Suite]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?><testsuites>\n");
    for s in suites {
        let culprit = s.cases.iter().find(|c| c.status == Status::Error).map_or("", |c| &c.name);
        let count = |status: Status| s.cases.iter().filter(|c| c.status == status).count();
        out.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" skipped=\"{}\" failures=\"{}\" errors=\"{}\">\n",
            escaped(&s.path),
            s.cases.len(),
            count(Status::Skip),
            count(Status::Fail),
            count(Status::Error)
        ));
        s.cases.iter().for_each(|c| case(&mut out, &s.path, c, culprit));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// `culprit` is the run after which the others of the file were skipped.
fn case(out: &mut String, path: &str, c: &Case, culprit: &str) {
    out.push_str(&format!("    <testcase name=\"{}\" classname=\"{}\"", escaped(&c.name), escaped(path)));
    if c.status != Status::Skip {
        out.push_str(&format!(" time=\"{:.9}\" timestamp=\"{}\"", c.seconds, c.began));
    }
    out.push('>');
    let plain = Style { colour: false, width: 78 };
    let told = |errors: bool| -> String {
        c.diags.iter().filter(|d| d.is_error() == errors).map(|d| format!("\n{}\n", text::diagnostic(d, &c.sources, plain))).collect()
    };
    let (element, message) = match c.status {
        Status::Pass => (None, String::new()),
        Status::Skip => (Some("skipped"), "Testcase skipped due to a previous testcase error".to_string()),
        Status::Fail => {
            let failed: Vec<&str> = c.diags.iter().filter(|d| d.is_error()).map(|d| &*d.detail).collect();
            let first = failed.first().copied().unwrap_or_default();
            let all = c.assertions.max(failed.len());
            let more = if failed.len() > 1 { ", including" } else { "" };
            (Some("failure"), format!("{} of {all} assertions failed{more}: {first}", failed.len()))
        }
        Status::Error => (Some("error"), "Encountered an error".to_string()),
    };
    match element {
        Some("skipped") => {
            let why = format!("Previous testcase {culprit:?} ended in error, which caused the remaining tests in the file to be skipped");
            out.push_str(&format!("\n      <skipped message=\"{}\"><![CDATA[{}]]></skipped>", escaped(&message), cdata(&why)));
        }
        Some(name) => {
            out.push_str(&format!("\n      <{name} message=\"{}\"><![CDATA[{}]]></{name}>", escaped(&message), cdata(&told(true))));
        }
        None => {}
    }
    let warnings = told(false);
    if !warnings.is_empty() {
        out.push_str(&format!("\n      <system-err><![CDATA[{}]]></system-err>", cdata(&warnings)));
    }
    out.push_str(if element.is_some() || !warnings.is_empty() { "\n    </testcase>\n" } else { "</testcase>\n" });
}

fn cdata(text: &str) -> String {
    text.replace("]]>", "]]]]><![CDATA[>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;").replace('\n', "&#xA;")
}
