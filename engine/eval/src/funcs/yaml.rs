//! YAML 1.1, read and written as Terraform does.

use secstack_base::{Type, Value};

use super::{Function, Outcome, Param};

mod decode;
mod encode;
mod resolve;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    vec![
        Function {
            name: "yamldecode",
            params: vec![Param::new("src", Type::String)],
            variadic: None,
            result: |_| Ok(Type::Dynamic),
            run: |_, args| decode::decode(args[0].as_str().unwrap_or_default()).map_err(super::CallError::new),
            not_null: false,
        },
        Function {
            name: "yamlencode",
            params: vec![Param::new("value", Type::Dynamic).nullable().unknowable()],
            variadic: None,
            result: |_| Ok(Type::String),
            run: |_, args| yaml_encode(&args[0]),
            not_null: false,
        },
    ]
}

#[expect(clippy::unnecessary_wraps, reason = "the table of functions asks for this shape")]
fn yaml_encode(value: &Value) -> Outcome {
    Ok(if value.is_wholly_known() { Value::from(encode::encode(value)) } else { Value::unknown(Type::String) })
}

#[cfg(test)]
mod tests {
    use super::super::filesystem::testing::run;
    use secstack_base::{Number, Type, Value};

    #[test]
    fn plain_scalars_have_the_types_of_version_1_1() {
        for (text, want) in [
            ("[y, on, No, off, TRUE]", "[true,true,false,false,true]"),
            ("[~, null, NULL, ]", "[null,null,null]"),
            ("[017, +5, -1.5e3, .5]", "[17,5,-1500,0.5]"),
            ("[0x1f, 0o17, 1_000, 0b1]", "[31,15,\"1_000\",\"0b1\"]"),
            ("2001-12-14t21:59:43.10-05:00", "2001-12-14T21:59:43-05:00"),
            ("2020-1-2", "2020-01-02T00:00:00Z"),
            ("2020-13-02", "2020-13-02"),
            ("2020-01-02 3:4:5", "2020-01-02T03:04:05Z"),
            ("['y', \"1\", 'null']", "[\"y\",\"1\",\"null\"]"),
            ("yES", "yES"),
            (".", "."),
            ("12:30", "12:30"),
            ("<<", "<<"),
        ] {
            check(text, want);
        }
        check(".nan", "error");
    }

    #[test]
    fn collections_anchors_and_tags() {
        check("a: &x {b: 1}\nc: *x\n<<: *x\n", r#"{"a":{"b":1},"b":1,"c":{"b":1}}"#);
        check("1: a\ntrue: b\n1.50: c\n", r#"{"1":"a","1.5":"c","true":"b"}"#);
        check("- |-\n  null\n- |-\n  0x1f\n- >\n  a\n  b\n", "[null,\"31\",\"a b\\n\"]");
        check("!!binary aGVsbG8=", "aGVsbG8=");
        check("!!str 12", "12");
        check("!!map {a: !!seq [!!float 1]}", r#"{"a":[1]}"#);
        for bad in [
            "",
            "a: *x",
            "&a [*a]",
            "null: a",
            "? [a]\n: b",
            "<<: [{a: 1}]",
            "!custom x",
            "!!int abc",
            "a\n---\nb",
            "a:\n\t- b",
            "!!binary x",
            "!!seq {}",
            "[",
            "\0",
            "a: b: c",
        ] {
            check(bad, "error");
        }
        check(&"[".repeat(100_000), "error");
    }

    #[test]
    fn values_are_written() {
        let s = Value::string;
        let n = |t: &str| Number::parse(t).map_or(Value::NULL, Value::from);
        for (value, want) in [
            (s("a"), "\"a\"\n"),
            (n("1e30"), "1000000000000000000000000000000\n...\n"),
            (Value::NULL, "null\n...\n"),
            (Value::tuple([]), "[]\n"),
            (Value::tuple([s("x\ny\n"), s("x\n"), s("\n"), s("a\n\n")]), "- |\n  x\n  y\n- |\n  x\n- |2+\n\n- |+\n  a\n\n"),
            (
                Value::tuple([s(" a\nb"), s("a \nb"), s("\ta\n"), s("😀é\u{a0}\u{7f}")]),
                "- |2-\n   a\n  b\n- \"a \\nb\"\n- \"\\ta\\n\"\n- \"\\U0001F600é\u{a0}\\x7F\"\n",
            ),
            (Value::object([("a\nb", n("1"))]), "? |-\n  a\n  b\n: 1\n"),
            (Value::tuple([Value::tuple([n("4")]), Value::object([("k", Value::tuple([n("5")]))])]), "- - 4\n- \"k\":\n  - 5\n"),
        ] {
            assert_eq!(run("yamlencode", &[value]), want);
        }
        assert_eq!(run("yamlencode", &[Value::tuple([Value::unknown(Type::String)])]), "unknown");
    }

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(run("yamldecode", &[Value::string(text)]), want, "{text:?}");
    }
}
