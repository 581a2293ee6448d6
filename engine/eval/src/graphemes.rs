//! Text in grapheme clusters, as Terraform counts them: by Unicode 15.0.
//!
//! Later versions of Unicode join Indic consonants around a virama to one cluster. `length` would differ.

use unicode_segmentation::UnicodeSegmentation;

/// The clusters of a text.
pub(crate) fn graphemes(s: &str) -> impl DoubleEndedIterator<Item = &str> {
    s.graphemes(true).collect::<Vec<_>>().into_iter().flat_map(without_conjuncts)
}

/// How many clusters there are.
pub(crate) fn count(s: &str) -> usize {
    if s.is_ascii() {
        return s.len() - s.matches("\r\n").count();
    }
    graphemes(s).count()
}

/// A cluster taken apart where only the rule for Indic conjuncts keeps it together.
fn without_conjuncts(cluster: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut previous: Option<char> = None;
    for (at, c) in cluster.char_indices() {
        if previous.is_some_and(|p| breaks(p, c)) {
            parts.push(&cluster[start..at]);
            start = at;
        }
        previous = Some(c);
    }
    parts.push(&cluster[start..]);
    parts
}

/// Whether two neighbours in a cluster would be apart without what stands before them.
fn breaks(before: char, after: char) -> bool {
    const JOINER: char = '\u{200d}';
    let clusters = |chars: &[char]| chars.iter().collect::<String>().graphemes(true).count();
    if before.is_ascii() || clusters(&[before, after]) == 1 {
        return false;
    }
    // Pictures are joined by a joiner that has another picture before it.
    !(before == JOINER && clusters(&['\u{2764}', JOINER, after]) == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_those_of_unicode_15() {
        for (text, want) in [("", 0), ("a\r\nb", 3), ("क्षि", 2), ("👩‍👩‍👧", 1), ("🇩🇪🇫🇷", 2), ("각", 1), ("é", 1), ("e\u{301}x", 2), ("🤦🏼‍♂️", 1)]
        {
            assert_eq!(count(text), want, "{text}");
            assert_eq!(graphemes(text).collect::<String>(), text);
        }
    }
}
