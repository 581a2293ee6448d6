//! Random configurations, and the sequences of runs that a property goes through.
//!
//! Everything follows from a seed, so that a failure is told by a number.

use std::fmt::Write;

use crate::case::Case;

/// Numbers that look random: SplitMix64.
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which must not be 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let n = u64::try_from(from.len()).unwrap_or(1);
        usize::try_from(self.below(n)).ok().and_then(|i| from.get(i)).copied().unwrap_or_default()
    }
}

const RESOURCES: [(&str, &str); 9] = [
    ("fake_net", "a"),
    ("fake_net", "b"),
    ("fake_secret", "c"),
    ("fake_vm", "d"),
    ("fake_vm", "e"),
    ("fake_secret", "f"),
    ("fake_vm", "g"),
    ("fake_net", "h"),
    ("fake_vm", "i"),
];

/// What a block repeats over, so that references to it know how to name an instance.
#[derive(Clone, Copy)]
enum Shape {
    Absent,
    Single,
    Count,
    Each,
}

/// The text of a configuration: resources that refer to earlier ones, some repeated, some created first.
pub fn configuration(random: &mut Random) -> String {
    let mut text = String::new();
    let mut shapes: Vec<((&str, &str), Shape)> = Vec::new();
    for (ty, name) in RESOURCES {
        let shape = match random.below(8) {
            0 | 1 => Shape::Absent,
            2 => Shape::Count,
            3 => Shape::Each,
            _ => Shape::Single,
        };
        if !matches!(shape, Shape::Absent) {
            block(random, &mut text, (ty, name), shape, &shapes);
        }
        shapes.push(((ty, name), shape));
    }
    if let Some(id) = reference(random, &shapes, |_| true) {
        let _ = writeln!(text, "output \"one\" {{ value = {id} }}");
    }
    text
}

fn block(random: &mut Random, text: &mut String, (ty, name): (&str, &str), shape: Shape, before: &[((&str, &str), Shape)]) {
    let _ = writeln!(text, "resource \"{ty}\" \"{name}\" {{");
    let _ = match shape {
        Shape::Count => writeln!(text, "  count = {}", random.below(4)),
        Shape::Each => writeln!(text, "  for_each = toset([\"x\", \"{}\"])", random.pick(&["y", "z"])),
        Shape::Absent | Shape::Single => Ok(()),
    };
    let other = reference(random, before, |_| true).filter(|_| random.once_in(2));
    let _ = match ty {
        "fake_net" => {
            let tag = other.unwrap_or_else(|| "\"t\"".into());
            writeln!(text, "  range = \"10.{}.0.0/16\"\n  tags = {{ of = {tag} }}", random.below(3))
        }
        "fake_secret" => other.map_or(Ok(()), |o| writeln!(text, "  keeper = {o}")),
        _ => {
            if let Some(net) = reference(random, before, |ty| ty == "fake_net") {
                let _ = writeln!(text, "  net = {net}");
            }
            if let Some(o) = &other {
                let _ = writeln!(text, "  image = {o}");
            }
            if random.once_in(2) {
                let plain = format!("\"d{}\"", random.below(2));
                let name = other.map_or(plain, |o| format!("coalesce({o}, \"none\")"));
                let _ = writeln!(text, "  disk {{ name = {name} }}");
            }
            writeln!(text, "  size = {}", 1 + random.below(3))
        }
    };
    if random.once_in(4) {
        text.push_str("  lifecycle { \n    create_before_destroy = true\n  }\n");
    }
    text.push_str("}\n");
}

/// The ID of an earlier resource whose type will do.
fn reference(random: &mut Random, before: &[((&str, &str), Shape)], will_do: impl Fn(&str) -> bool) -> Option<String> {
    let there: Vec<_> = before.iter().filter(|((ty, _), s)| will_do(ty) && !matches!(s, Shape::Absent)).collect();
    let n = u64::try_from(there.len()).ok().filter(|n| *n > 0)?;
    let ((ty, name), shape) = there[usize::try_from(random.below(n)).ok()?];
    Some(match shape {
        Shape::Count => format!("try({ty}.{name}[0].id, null)"),
        Shape::Each => format!("{ty}.{name}[\"x\"].id"),
        Shape::Absent | Shape::Single => format!("{ty}.{name}.id"),
    })
}

/// Faults that a run meets.
pub fn faults(random: &mut Random) -> Vec<String> {
    (0..random.below(4))
        .map(|_| {
            let operation = random.pick(&["create", "update", "delete", "finish"]);
            let ty = random.pick(&["fake_net", "fake_vm", "fake_secret"]);
            let times = random.pick(&["once", "2", "always"]);
            let kind = if times == "always" { random.pick(&["Denied", "Invalid"]) } else { random.pick(&["Denied", "Throttled", "Busy"]) };
            format!("fail {operation} {ty} {times} {kind}")
        })
        .collect()
}

/// The case of a configuration alone.
pub fn case(configuration: &str) -> Case {
    Case { about: String::new(), sections: vec![("main.tf".into(), configuration.into())] }
}
