//! Colours, or their absence.

/// How text is dressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences for colours are written.
    pub colour: bool,
    /// The width to wrap text to, in columns.
    pub width: usize,
}

/// A colour or weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Things that come into being.
    Green,
    /// Things that change.
    Yellow,
    /// Things that go away, and errors.
    Red,
    /// Things that are read.
    Cyan,
    /// Headings.
    Bold,
    /// What matters less.
    Dim,
}

impl Style {
    /// The text in a colour.
    pub fn paint(self, colour: Colour, text: &str) -> String {
        if !self.colour {
            return text.to_string();
        }
        let code = match colour {
            Colour::Green => "32",
            Colour::Yellow => "33",
            Colour::Red => "31",
            Colour::Cyan => "36",
            Colour::Bold => "1",
            Colour::Dim => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
