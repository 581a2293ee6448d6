//! No text makes the parser, the decoder of modules or the formatter panic, and formatting is stable.
#![no_main]

use libfuzzer_sys::fuzz_target;
use secstack_base::FileId;
use secstack_lang::{Module, SourceFile, fmt, source::ModuleSource, version::Constraint};

fuzz_target!(|text: &str| {
    let file = FileId(0);
    let (native, _) = secstack_lang::parse_file(file, text);
    let (json, _) = secstack_lang::parse_json_file(file, text);
    for body in [native, json] {
        let source = |is_override| SourceFile { file, name: "main.tf".into(), body: body.clone(), is_override };
        let (_, _) = Module::decode(vec![source(false), source(true)]);
    }
    let _ = secstack_lang::parse_expression(file, text, 7);
    let _ = secstack_lang::parse_template(file, text, 7);
    let _ = secstack_lang::parse_tfvars(file, text);
    let _ = secstack_lang::parse_tfvars_json(file, text);
    let _ = ModuleSource::parse(text);
    let _ = Constraint::parse(text);
    if let Ok(formatted) = fmt::format(text) {
        assert_eq!(fmt::format(&formatted).as_ref(), Ok(&formatted), "formatting is stable");
    }
});
