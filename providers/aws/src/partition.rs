//! Regions and partitions.

/// A separate part of AWS, with accounts and names of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The name that ARNs begin with.
    pub name: &'static str,
    /// The end of host names.
    pub dns_suffix: &'static str,
    /// The end of host names, turned around.
    pub reverse_dns_prefix: &'static str,
    prefixes: &'static [&'static str],
}

/// The first is the one for regions that no other claims.
const PARTITIONS: &[Partition] = &[
    part("aws", "amazonaws.com", "com.amazonaws", &["us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"]),
    part("aws-cn", "amazonaws.com.cn", "cn.com.amazonaws", &["cn-"]),
    part("aws-us-gov", "amazonaws.com", "com.amazonaws", &["us-gov-"]),
    part("aws-iso", "c2s.ic.gov", "gov.ic.c2s", &["us-iso-"]),
    part("aws-iso-b", "sc2s.sgov.gov", "gov.sgov.sc2s", &["us-isob-"]),
    part("aws-iso-e", "cloud.adc-e.uk", "uk.adc-e.cloud", &["eu-isoe-"]),
    part("aws-iso-f", "csp.hci.ic.gov", "gov.ic.hci.csp", &["us-isof-"]),
    part("aws-eusc", "amazonaws.eu", "eu.amazonaws", &["eusc-"]),
];

const fn part(
    name: &'static str,
    dns_suffix: &'static str,
    reverse_dns_prefix: &'static str,
    prefixes: &'static [&'static str],
) -> Partition {
    Partition { name, dns_suffix, reverse_dns_prefix, prefixes }
}

/// The partition of a region.
pub fn of(region: &str) -> &'static Partition {
    let claims = |p: &&Partition| p.prefixes.iter().any(|prefix| region.starts_with(prefix));
    PARTITIONS.iter().skip(1).find(claims).unwrap_or(&PARTITIONS[0])
}

/// Whether the text has the form of a region's name: `eu-central-1`. Names are not listed, so that new regions work.
pub fn is_region(text: &str) -> bool {
    let known = PARTITIONS.iter().any(|p| p.prefixes.iter().any(|prefix| text.starts_with(prefix)));
    let mut words = text.rsplit('-');
    let number = words.next().is_some_and(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit()));
    let middle: Vec<&str> = words.collect();
    let plain = |w: &&str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase());
    known && number && middle.len() >= 2 && middle.iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions() {
        assert_eq!(of("us-gov-west-1").name, "aws-us-gov");
        assert_eq!(of("eu-west-1").name, "aws");
        for (name, want) in [("eu-central-1", true), ("us-gov-east-1", true), ("eu-centrall", false), ("", false), ("x-y-1", false)] {
            assert_eq!(is_region(name), want, "{name}");
        }
    }
}
