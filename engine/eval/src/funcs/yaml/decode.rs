//! A YAML document to a value: objects, tuples and scalars.

use std::collections::BTreeMap;

use libyaml_safer::{Event, EventData, Parser, ScalarStyle};
use secstack_base::{Str, Type, Value, convert};

use super::resolve::{Scalar, resolve};

/// Reads a text that holds one document.
///
/// # Errors
/// A sentence on the first mistake.
pub fn decode(text: &str) -> Result<Value, String> {
    let mut bytes = text.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut bytes);
    let mut reader = Reader { parser, anchors: BTreeMap::new(), nodes: 0 };
    reader.next()?;
    match reader.next()?.data {
        EventData::DocumentStart { version_directive: Some(v), .. } if (v.major, v.minor) != (1, 1) => {
            return Err("found incompatible YAML document".into());
        }
        EventData::DocumentStart { .. } => {}
        _ => return Err("missing start of document".into()),
    }
    let first = reader.next()?;
    let value = reader.node(first, 0)?;
    reader.next()?;
    match reader.next()?.data {
        EventData::StreamEnd => Ok(value),
        _ => Err("only a single document is allowed".into()),
    }
}

/// Deeper documents are refused, so that none can exhaust the stack.
const MOST_DEPTH: usize = 500;
/// Larger results are refused: aliases of aliases grow without bound.
const MOST_NODES: usize = 5_000_000;

const MAP: &str = "tag:yaml.org,2002:map";
const SEQ: &str = "tag:yaml.org,2002:seq";

struct Reader<'a> {
    parser: Parser<&'a mut &'a [u8]>,
    /// The anchors so far, with the count of values in each; those whose value is not complete have none.
    anchors: BTreeMap<String, Option<(Value, usize)>>,
    nodes: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Event, String> {
        self.parser.parse().map_err(|e| match e.problem_mark() {
            Some(at) => format!("on line {}, column {}: {}", at.line + 1, at.column + 1, e.problem()),
            None => e.problem().to_owned(),
        })
    }

    fn node(&mut self, event: Event, depth: usize) -> Result<Value, String> {
        if depth > MOST_DEPTH {
            return Err("exceeded max depth".into());
        }
        let at = format!("on line {}, column {}", event.start_mark.line + 1, event.start_mark.column + 1);
        let before = self.nodes;
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err("the document is too large".into());
        }
        let (anchor, value) = match event.data {
            EventData::Alias { anchor } => return self.alias(&anchor).map_err(|e| format!("{at}: {e}")),
            EventData::Scalar { anchor, tag, value, plain_implicit, style, .. } => {
                let value = scalar(tag.as_deref(), &value, style, plain_implicit).map_err(|e| format!("{at}: {e}"))?;
                (anchor, value)
            }
            EventData::MappingStart { anchor, tag, .. } => {
                if let Some(tag) = tag.filter(|t| t != MAP) {
                    return Err(format!("{at}: can't interpret mapping as {tag}"));
                }
                self.begin(anchor.as_ref());
                (anchor, self.mapping(depth)?)
            }
            EventData::SequenceStart { anchor, tag, .. } => {
                if let Some(tag) = tag.filter(|t| t != SEQ) {
                    return Err(format!("{at}: can't interpret sequence as {tag}"));
                }
                self.begin(anchor.as_ref());
                (anchor, self.sequence(depth)?)
            }
            EventData::StreamEnd => return Err("expecting value but found end of stream".into()),
            _ => return Err(format!("{at}: unexpected parser event")),
        };
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, Some((value.clone(), self.nodes - before)));
        }
        Ok(value)
    }

    fn begin(&mut self, anchor: Option<&String>) {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor.clone(), None);
        }
    }

    fn alias(&mut self, anchor: &str) -> Result<Value, String> {
        match self.anchors.get(anchor) {
            Some(Some((value, nodes))) => {
                self.nodes += nodes;
                Ok(value.clone())
            }
            Some(None) => Err(format!("cannot refer to anchor {anchor:?} from inside its own definition")),
            None => Err(format!("reference to undefined anchor {anchor:?}")),
        }
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            let event = self.next()?;
            if matches!(event.data, EventData::SequenceEnd) {
                return Ok(Value::tuple(items));
            }
            items.push(self.node(event, depth + 1)?);
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, String> {
        let mut members: BTreeMap<Str, Value> = BTreeMap::new();
        loop {
            let (tag, text, style) = match self.next()?.data {
                EventData::MappingEnd => return Ok(Value::object(members)),
                EventData::Scalar { tag, value, style, .. } => (tag, value, style),
                _ => return Err("only strings are allowed as mapping keys".into()),
            };
            let key = resolve(tag.as_deref().unwrap_or_default(), &text, is_quoted(style))?;
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            match key {
                Scalar::Merge => match value.as_map() {
                    Some(merged) => members.extend(merged.clone()),
                    None => return Err(format!("cannot merge {} into mapping", value.ty().friendly())),
                },
                Scalar::Value(key) => {
                    let key = convert::convert(&key, &Type::String).map_err(|e| e.to_string())?;
                    let key = key.as_str().ok_or("mapping key cannot be null")?;
                    members.insert(key.into(), value);
                }
            }
        }
    }
}

fn is_quoted(style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted)
}

/// A scalar that is no key. What is not plain and has no tag is a string in the end, even though a block scalar is
/// resolved like a plain one on the way: `|-` with `null` is a null string, with `0x1f` the text `31`.
fn scalar(tag: Option<&str>, text: &str, style: ScalarStyle, plain: bool) -> Result<Value, String> {
    match resolve(tag.unwrap_or_default(), text, is_quoted(style))? {
        Scalar::Merge => Ok(Value::string("<<")),
        Scalar::Value(value) if tag.is_none() && !plain => convert::convert(&value, &Type::String).map_err(|e| e.to_string()),
        Scalar::Value(value) => Ok(value),
    }
}
