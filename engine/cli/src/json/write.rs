//! JSON text, written directly: no tree of it is built, since a plan may have a hundred thousand changes.

pub use secstack_state::json::{indent, write_string};

/// Writes the members of an object. The closing brace comes with [`Object::end`].
pub struct Object<'a> {
    out: &'a mut String,
    first: bool,
}

impl<'a> Object<'a> {
    /// Opens an object.
    pub fn new(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, first: true }
    }

    /// Writes a name; the value is to be written to what is returned.
    pub fn member(&mut self, name: &str) -> &mut String {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        write_string(self.out, name);
        self.out.push(':');
        self.out
    }

    /// Writes a text.
    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        write_string(self.member(name), value);
        self
    }

    /// Writes a text unless there is none.
    pub fn text_opt(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            self.text(name, value);
        }
        self
    }

    /// Writes a value that is JSON already.
    pub fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.member(name).push_str(json);
        self
    }

    /// Writes a number.
    pub fn number(&mut self, name: &str, value: impl std::fmt::Display) -> &mut Self {
        self.raw(name, &value.to_string())
    }

    /// Writes a truth.
    pub fn bool(&mut self, name: &str, value: bool) -> &mut Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    /// Writes a truth, unless it is false.
    pub fn bool_if(&mut self, name: &str, value: bool) -> &mut Self {
        if value {
            self.bool(name, true);
        }
        self
    }

    /// Writes texts, unless there are none.
    pub fn texts_opt<T: AsRef<str>>(&mut self, name: &str, values: &[T]) -> &mut Self {
        if !values.is_empty() {
            array(self.member(name), values, |out, v| write_string(out, v.as_ref()));
        }
        self
    }

    /// Closes the object.
    pub fn end(&mut self) {
        self.out.push('}');
    }
}

/// Writes an object of what `f` writes for each item.
pub fn map<K: AsRef<str>, V>(out: &mut String, items: impl IntoIterator<Item = (K, V)>, mut f: impl FnMut(&mut String, V)) {
    let mut object = Object::new(out);
    for (name, value) in items {
        f(object.member(name.as_ref()), value);
    }
    object.end();
}

/// Writes an array of what `f` writes for each item.
pub fn array<T>(out: &mut String, items: impl IntoIterator<Item = T>, mut f: impl FnMut(&mut String, T)) {
    out.push('[');
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        f(out, item);
    }
    out.push(']');
}

/// Gives the text that `f` writes.
pub fn written(f: impl FnOnce(&mut String)) -> String {
    let mut out = String::new();
    f(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_separated_and_empty_ones_left_out() {
        let text = written(|out| {
            let mut o = Object::new(out);
            o.text("a", "<&>").text_opt("b", None).text_opt("c", Some("")).bool_if("d", false).number("e", 1.5).texts_opt::<&str>("f", &[]);
            array(o.member("g"), [1, 2], |out, n| out.push_str(&n.to_string()));
            o.end();
        });
        assert_eq!(text, r#"{"a":"\u003c\u0026\u003e","e":1.5,"g":[1,2]}"#);
    }
}
