//! The report for a person.

use secstack_run::drift::Finding;
use secstack_sdk::drift::Severity;

use super::{Report, counts, heading, left_out};
use crate::text::{Colour, Style};

pub fn report(r: &Report<'_>, style: Style) -> String {
    let d = r.drift;
    let mut out = String::from("\n");
    if d.findings.is_empty() {
        let objects = if d.compared == 1 { "object was" } else { "objects were" };
        out.push_str(&format!("{} {} {objects} compared.\n", style.paint(Colour::Green, "No drift."), d.compared));
    } else {
        let (security, others): (Vec<&Finding>, Vec<&Finding>) = d.findings.iter().partition(|f| !f.weaknesses.is_empty());
        let title = format!("Drift: {} (of {} objects).", counts(d), d.compared);
        out.push_str(&format!("{}\n", style.paint(Colour::Bold, &title)));
        for (title, findings) in [("What matters to security:", security), ("Other differences:", others)] {
            if findings.is_empty() {
                continue;
            }
            out.push_str(&format!("\n{}\n", style.paint(Colour::Bold, title)));
            findings.iter().for_each(|f| out.push_str(&one(r, f, style)));
        }
        out.push_str("\nNothing was changed. \"secstack plan\" shows what an apply puts right; \"secstack apply -refresh-only\" takes changed and gone objects over into the state.\n");
    }
    for line in left_out(d) {
        out.push_str(&format!("{}\n", style.paint(Colour::Dim, &line)));
    }
    out
}

fn one(r: &Report<'_>, f: &Finding, style: Style) -> String {
    let place = r.place(f).map(|(file, line)| style.paint(Colour::Dim, &format!("  {file}:{line}"))).unwrap_or_default();
    let mut out = format!("\n  {}{place}\n", style.paint(Colour::Bold, &format!("# {}", heading(f))));
    for w in &f.weaknesses {
        let colour = if w.severity >= Severity::High { Colour::Red } else { Colour::Yellow };
        out.push_str(&format!("    {} {}\n", style.paint(colour, &format!("{}:", w.severity)), w.text));
    }
    if let Some(u) = f.unmanaged.as_ref().filter(|u| !u.id.is_empty()) {
        out.push_str(&format!("    To manage it, import it as {} by the ID {:?}.\n", u.ty, &*u.id));
    }
    out.push_str(&r.difference(f, style).unwrap_or_default());
    out
}
