//! Files and paths. Everything read comes through [`super::Files`].

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use secstack_base::{Type, Value};

use super::{CallError, Context, Function, Outcome, Param};

mod glob;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    let of =
        |name, result, run| Function { name, params: vec![Param::new("path", Type::String)], variadic: None, result, run, not_null: true };
    let string = |_: &[Value]| Ok(Type::String);
    vec![
        of("abspath", string, |cx, args| abspath(cx, text(args))),
        of("basename", string, |_, args| Ok(Value::string(base_name(text(args))))),
        of("dirname", string, |_, args| Ok(Value::from(dir_name(text(args))))),
        of("file", string, |cx, args| Ok(Value::from(read_text(cx, args)?))),
        of("filebase64", string, |cx, args| Ok(Value::from(BASE64_STANDARD.encode(read(cx, args)?)))),
        of("fileexists", |_| Ok(Type::Bool), exists),
        Function {
            params: vec![Param::new("path", Type::String), Param::new("pattern", Type::String)],
            ..of("fileset", |_| Ok(Type::set(Type::String)), file_set)
        },
        of("pathexpand", string, |cx, args| path_expand(cx, text(args))),
    ]
}

fn text(args: &[Value]) -> &str {
    args[0].as_str().unwrap_or_default()
}

/// The bytes of the file that the first argument names.
pub(super) fn read(cx: &Context<'_>, args: &[Value]) -> Result<Vec<u8>, CallError> {
    let path = home(cx, text(args)).map_err(|e| CallError::arg(0, e))?;
    cx.files.read(Path::new(&path)).map_err(|e| CallError::arg(0, e))
}

/// The text of the file that the first argument names.
pub(super) fn read_text(cx: &Context<'_>, args: &[Value]) -> Result<String, CallError> {
    String::from_utf8(read(cx, args)?).map_err(|_| {
        let path = text(args);
        CallError::arg(
            0,
            format!(
                "contents of {path:?} are not valid UTF-8; use the filebase64 function to obtain the Base64 encoded contents \
                 or the other file functions (e.g. filemd5, filesha256) to obtain file hashing results instead"
            ),
        )
    })
}

fn exists(cx: &Context<'_>, args: &[Value]) -> Outcome {
    let path = home(cx, text(args)).map_err(CallError::new)?;
    let path = if path.is_empty() { "." } else { &path };
    Ok(Value::from(cx.files.exists(Path::new(path)).map_err(CallError::new)?))
}

fn path_expand(cx: &Context<'_>, path: &str) -> Outcome {
    home(cx, path).map(|p| Value::string(&p)).map_err(CallError::new)
}

/// The path with a leading `~` replaced by the home directory.
fn home(cx: &Context<'_>, path: &str) -> Result<String, String> {
    let Some(rest) = path.strip_prefix('~') else { return Ok(path.into()) };
    if !rest.is_empty() && !rest.starts_with(['/', '\\']) {
        return Err("failed to expand ~: cannot expand user-specific home dir".into());
    }
    let home = cx.files.home().ok_or("failed to expand ~: no home directory is known")?;
    Ok(clean(&format!("{home}{rest}")))
}

fn abspath(cx: &Context<'_>, path: &str) -> Outcome {
    let full = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", cx.files.current_dir()) };
    Ok(Value::from(clean(&full)))
}

fn base_name(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        _ if path.is_empty() => ".",
        Some(name) if !name.is_empty() => name,
        _ => "/",
    }
}

fn dir_name(path: &str) -> String {
    clean(path.rfind('/').map_or("", |at| &path[..=at]))
}

/// The shortest path that means the same without asking the file system.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(last) if *last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
    match (rooted, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".into(),
        (false, path) => path,
    }
}

/// Parts joined with `/` and cleaned; empty parts do not count.
fn join(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|p| !p.is_empty()).collect();
    if parts.is_empty() { String::new() } else { clean(&parts.join("/")) }
}

/// The way from one cleaned path to another.
fn relative(from: &str, to: &str) -> String {
    let split = |p: &str| -> Vec<String> { p.split('/').filter(|s| !s.is_empty() && *s != ".").map(Into::into).collect() };
    let (from, to) = (split(from), split(to));
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut out = vec!["..".to_owned(); from.len() - same];
    out.extend_from_slice(&to[same..]);
    if out.is_empty() { ".".into() } else { out.join("/") }
}

fn file_set(cx: &Context<'_>, args: &[Value]) -> Outcome {
    let path = join(&[".", &home(cx, text(args)).map_err(CallError::new)?]);
    let pattern = join(&[&path, args[1].as_str().unwrap_or_default()]);
    let found = glob::files(cx.files, &pattern)
        .map_err(|()| CallError::new(format!("failed to glob pattern ({pattern}): syntax error in pattern")))?;
    Ok(Value::set(Type::String, found.iter().map(|file| Value::string(&relative(&path, file)))))
}

#[cfg(test)]
pub(super) mod testing {
    //! What tests of functions share: files in memory and a call that ends in text.

    use super::super::{Context, Files, call, find};
    use secstack_base::Value;
    use std::path::Path;

    /// A few files in memory.
    pub struct Memory;

    const FILES: [(&str, &[u8]); 8] = [
        ("hello.txt", b"Hello, World!\n"),
        ("binary.bin", b"\x00\xff\xfe"),
        ("tree/top.json", b"{}"),
        ("tree/.hidden", b""),
        ("tree/a/one.txt", b"1"),
        ("tree/a/deep/er/three.txt", b"3"),
        ("tree/b/one.txt", b"1"),
        ("greet.tftpl", b"Hello, ${name}!"),
    ];

    impl Files for Memory {
        fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
            let file = FILES.iter().find(|(p, _)| Path::new(p) == path);
            file.map(|(_, content)| content.to_vec()).ok_or_else(|| "no file exists".into())
        }

        fn exists(&self, path: &Path) -> Result<bool, String> {
            Ok(FILES.iter().any(|(p, _)| Path::new(p) == path))
        }

        fn list(&self, dir: &Path) -> Result<Vec<String>, String> {
            let below = |p: &str| {
                if dir == Path::new(".") { Some(p.to_owned()) } else { Some(Path::new(p).strip_prefix(dir).ok()?.to_str()?.to_owned()) }
            };
            Ok(FILES.iter().filter_map(|(p, _)| below(p)).collect())
        }

        fn home(&self) -> Option<String> {
            Some("/home/me".into())
        }

        fn current_dir(&self) -> String {
            "/srv/dir".into()
        }
    }

    /// Calls a function while planning and writes the result as JSON without the quotes of a lone string;
    /// `error` and `unknown` stand for themselves.
    pub fn run(name: &str, args: &[Value]) -> String {
        let cx = Context { files: &Memory, timestamp: None, plan_timestamp: "2020-01-01T00:00:00Z", random: None, in_template: false };
        let Some(function) = find(name) else { return "no such function".into() };
        match call(function, &cx, args) {
            Err(_) => "error".into(),
            Ok(v) if v.is_unknown() => "unknown".into(),
            Ok(v) if v.as_str().is_some() => v.as_str().unwrap_or_default().into(),
            Ok(v) => super::super::encoding::json::encode(&v).unwrap_or_else(|e| e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::run;
    use secstack_base::Value;

    #[test]
    fn paths_are_taken_apart() {
        for (path, base, dir) in
            [("", ".", "."), ("/", "/", "/"), ("a/b///", "b", "a/b"), ("../../x", "x", "../.."), ("/../x", "x", "/"), ("c", "c", ".")]
        {
            check("basename", &[path], base);
            check("dirname", &[path], dir);
        }
        check("abspath", &["a/../b/."], "/srv/dir/b");
        check("pathexpand", &["~/a/../b"], "/home/me/b");
        check("pathexpand", &["a~/b//"], "a~/b//");
        check("pathexpand", &["~user"], "error");
    }

    #[test]
    fn files_are_read() {
        check("file", &["hello.txt"], "Hello, World!\n");
        check("file", &["binary.bin"], "error");
        check("filebase64", &["binary.bin"], "AP/+");
        check("fileexists", &["nope"], "false");
    }

    #[test]
    fn files_are_found_by_pattern() {
        check("fileset", &["tree", "**"], r#"[".hidden","a/deep/er/three.txt","a/one.txt","b/one.txt","top.json"]"#);
        check("fileset", &["tree/a", "../**/one.txt"], r#"["../b/one.txt","one.txt"]"#);
        check("fileset", &["tree", "[^a]/*"], r#"["b/one.txt"]"#);
        check("fileset", &["tree", "{a,b}/one.txt"], r#"["a/one.txt","b/one.txt"]"#);
        check("fileset", &["tree", "/top.json"], r#"["top.json"]"#);
        check("fileset", &["hello.txt", ""], r#"["."]"#);
        check("fileset", &["nope", "*"], "[]");
        for bad in ["[", "a/[", "{a", "[a-]/one.txt", "[]a]/one.txt"] {
            check("fileset", &["tree", bad], "error");
        }
    }

    #[track_caller]
    fn check(name: &str, args: &[&str], want: &str) {
        let args: Vec<Value> = args.iter().map(|a| Value::string(a)).collect();
        assert_eq!(run(name, &args), want, "{name} {args:?}");
    }
}
