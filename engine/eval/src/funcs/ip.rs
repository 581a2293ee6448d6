//! Functions on IP networks.
//!
//! Addresses are read as Terraform reads them: octets may have leading zeros, and an IPv4 address mapped into IPv6
//! stays 128 bits wide but is printed with dots.

use std::net::{Ipv4Addr, Ipv6Addr};

use dashu_int::IBig;
use secstack_base::{Number, Type, Value};

use super::{CallError, Function, Outcome, Param};

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    let string = |name| Param::new(name, Type::String);
    let number = |name| Param::new(name, Type::Number);
    let of = |name, params, run| Function { name, params, variadic: None, result: |_| Ok(Type::String), run, not_null: true };
    vec![
        of("cidrhost", vec![string("prefix"), number("hostnum")], |_, args| host(args)),
        of("cidrnetmask", vec![string("prefix")], |_, args| netmask(args)),
        of("cidrsubnet", vec![string("prefix"), number("newbits"), number("netnum")], |_, args| subnet(args)),
        Function {
            variadic: Some(number("newbits")),
            result: |_| Ok(Type::list(Type::String)),
            ..of("cidrsubnets", vec![string("prefix")], |_, args| subnets(args))
        },
        Function {
            result: |_| Ok(Type::Bool),
            ..of("cidrcontains", vec![string("containing_prefix"), string("contained_ip_or_prefix")], |_, args| contains(args))
        },
    ]
}

/// A network: an address whose host bits are zero, and the length of its prefix.
#[derive(Clone, Copy)]
struct Net {
    addr: u128,
    /// 32 or 128.
    bits: u32,
    prefix: u32,
}

impl Net {
    fn parse(text: &str) -> Result<Net, String> {
        let invalid = || format!("invalid CIDR expression: invalid CIDR address: {text}");
        let (addr, prefix) = text.split_once('/').ok_or_else(invalid)?;
        let (addr, bits) = parse_addr(addr).ok_or_else(invalid)?;
        let prefix = decimal(prefix, bits).ok_or_else(invalid)?;
        Ok(Net { addr: addr & mask(bits, prefix), bits, prefix })
    }

    fn last(&self) -> u128 {
        self.addr | !mask(self.bits, self.prefix) & mask(self.bits, self.bits)
    }

    fn is_mapped(&self) -> bool {
        self.bits == 128 && self.addr >> 32 == 0xffff
    }

    /// The network as Go prints it: `<nil>` when the prefix is no length.
    fn show(addr: u128, bits: u32, prefix: i64) -> String {
        let mapped = bits == 128 && addr >> 32 == 0xffff;
        match u32::try_from(prefix) {
            Ok(p) if p <= bits && !mapped => format!("{}/{p}", show_addr(addr, bits)),
            Ok(p) if p <= bits => format!("{}/{}", show_addr(addr, bits), p.saturating_sub(96)),
            _ => "<nil>".into(),
        }
    }
}

/// The first `prefix` of `bits` bits.
fn mask(bits: u32, prefix: u32) -> u128 {
    let all = u128::MAX >> (128 - bits);
    all & !all.checked_shr(prefix).unwrap_or(0)
}

/// Decimal digits and nothing else, up to `most`.
fn decimal(text: &str, most: u32) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = text.trim_start_matches('0');
    let n = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    (n <= most).then_some(n)
}

fn parse_addr(text: &str) -> Option<(u128, u32)> {
    match parse_v4(text) {
        Some(v4) => Some((v4.into(), 32)),
        None => parse_v6(text).map(|v6| (v6, 128)),
    }
}

fn parse_v4(text: &str) -> Option<u32> {
    let octets: Vec<u32> = text.split('.').map(|o| decimal(o, 255)).collect::<Option<_>>()?;
    (octets.len() == 4).then(|| octets.iter().fold(0, |addr, o| addr << 8 | o))
}

fn parse_v6(text: &str) -> Option<u128> {
    let Some((head, tail)) = text.split_once("::") else {
        let groups = v6_groups(text)?;
        return (groups.len() == 8).then(|| join(&groups));
    };
    let head = if head.is_empty() { Vec::new() } else { hex_groups(head)? };
    let tail = if tail.is_empty() { Vec::new() } else { v6_groups(tail)? };
    let gap = 8_usize.checked_sub(head.len() + tail.len()).filter(|gap| *gap > 0)?;
    Some(join(&[head, vec![0; gap], tail].concat()))
}

/// Groups of hexadecimal digits, the last two of which may be an IPv4 address.
fn v6_groups(text: &str) -> Option<Vec<u16>> {
    let (groups, last) = match text.rsplit_once(':') {
        Some((groups, last)) => (hex_groups(groups)?, last),
        None => (Vec::new(), text),
    };
    let last = match last.contains('.') {
        true => parse_v4(last).map(|v4| vec![(v4 >> 16) as u16, v4 as u16])?,
        false => hex_groups(last)?,
    };
    Some([groups, last].concat())
}

fn hex_groups(text: &str) -> Option<Vec<u16>> {
    text.split(':')
        .map(|g| {
            let digits = g.trim_start_matches('0');
            let valid = !g.is_empty() && digits.len() <= 4 && g.bytes().all(|b| b.is_ascii_hexdigit());
            valid.then(|| u16::from_str_radix(digits, 16).unwrap_or(0))
        })
        .collect()
}

fn join(groups: &[u16]) -> u128 {
    groups.iter().fold(0, |addr, g| addr << 16 | u128::from(*g))
}

fn show_addr(addr: u128, bits: u32) -> String {
    if bits == 32 || addr >> 32 == 0xffff {
        return Ipv4Addr::from(addr as u32).to_string();
    }
    Ipv6Addr::from(addr).to_string()
}

fn network(args: &[Value]) -> Result<Net, CallError> {
    Net::parse(args[0].as_str().unwrap_or_default()).map_err(CallError::new)
}

/// A whole number that fits 64 bits.
fn whole(args: &[Value], i: usize) -> Result<i64, CallError> {
    let n = args[i].as_number().filter(|n| n.is_integer()).ok_or_else(|| CallError::arg(i, "a whole number is required"))?;
    n.to_i64()
        .ok_or_else(|| CallError::arg(i, "value must be a whole number, between -9223372036854775808 and 9223372036854775807 inclusive"))
}

/// A whole number of any size.
fn big(args: &[Value], i: usize) -> Result<IBig, CallError> {
    let text = args[i].as_number().filter(|n| n.is_integer()).and_then(|n| Number::to_integer_string(n, 16));
    text.filter(|t| t.len() < 200)
        .and_then(|t| IBig::from_str_radix(&t, 16).ok())
        .ok_or_else(|| CallError::arg(i, "a whole number is required"))
}

/// The magnitude of `addr | n << shift`, when it fits an address.
fn insert(addr: u128, bits: u32, n: IBig, shift: i64) -> Option<u128> {
    let shift = usize::try_from(shift).ok().filter(|s| *s <= 256)?;
    let joined = IBig::from(addr) | (n << shift);
    let size = if joined < IBig::ZERO { -joined } else { joined };
    u128::try_from(size).ok().filter(|a| bits == 128 || *a <= u128::from(u32::MAX))
}

/// The low 64 bits of the magnitude, which is all that Terraform looks at when it checks a number's range.
fn low64(n: &IBig) -> u64 {
    let size = if *n < IBig::ZERO { -n.clone() } else { n.clone() };
    u64::try_from(size & IBig::from(u64::MAX)).unwrap_or(0)
}

fn host(args: &[Value]) -> Outcome {
    let net = network(args)?;
    let mut n = big(args, 1)?;
    let too_big = |n: &IBig| CallError::new(format!("prefix of {} does not accommodate a host numbered {n}", net.prefix));
    let most = (IBig::ONE << (net.bits - net.prefix) as usize) - IBig::ONE;
    let checked = if n < IBig::ZERO {
        let from_end = -n.clone() - IBig::ONE;
        n = most.clone() - from_end.clone();
        from_end
    } else {
        IBig::from(low64(&n) as i64)
    };
    if checked > most {
        return Err(too_big(&n));
    }
    // Terraform takes a mapped address for one of 32 bits here, and shifts the number out of place.
    let shift = if net.is_mapped() { 96 } else { 0 };
    let addr = insert(net.addr, net.bits, n.clone(), shift).ok_or_else(|| too_big(&n))?;
    Ok(Value::string(&show_addr(addr, net.bits)))
}

fn netmask(args: &[Value]) -> Outcome {
    let net = network(args)?;
    if net.bits == 128 && !net.is_mapped() {
        return Err(CallError::arg(0, "IPv6 addresses cannot have a netmask: use a prefix length"));
    }
    Ok(Value::string(&show_addr(mask(net.bits, net.prefix), net.bits)))
}

fn subnet(args: &[Value]) -> Outcome {
    let net = network(args)?;
    let new_bits = whole(args, 1)?;
    let n = big(args, 2)?;
    let prefix = i64::from(net.prefix).saturating_add(new_bits);
    if prefix > i64::from(net.bits) {
        return Err(CallError::new(format!("insufficient address space to extend prefix of {} by {new_bits}", net.prefix)));
    }
    let most = match new_bits {
        0..64 => (1_u64 << new_bits) - 1,
        _ => u64::MAX,
    };
    let too_big = || CallError::new(format!("prefix extension of {new_bits} does not accommodate a subnet numbered {n}"));
    if low64(&n) > most {
        return Err(too_big());
    }
    let addr = insert(net.addr, net.bits, n.clone(), i64::from(net.bits) - prefix).ok_or_else(too_big)?;
    Ok(Value::string(&Net::show(addr, net.bits, prefix)))
}

fn subnets(args: &[Value]) -> Outcome {
    let net = Net::parse(args[0].as_str().unwrap_or_default()).map_err(|e| CallError::arg(0, e))?;
    let mut out = Vec::with_capacity(args.len() - 1);
    let mut previous: Option<Net> = None;
    for i in 1..args.len() {
        let prefix = longer_prefix(&net, whole(args, i)?).map_err(|e| CallError::arg(i, e))?;
        let full = || {
            let after = previous.map(|p| Net::show(p.addr, p.bits, p.prefix.into())).unwrap_or_default();
            CallError::arg(i, format!("not enough remaining address space for a subnet with a prefix of {prefix} bits after {after}"))
        };
        let start = match previous {
            // Terraform looks for the range before the first one and finds that addresses have wrapped around.
            None if net.addr == 0 => return Err(full()),
            None => net.addr,
            // The next boundary of the wanted size at or after the end of the previous one.
            Some(p) => {
                let last = p.last() | !mask(net.bits, prefix) & mask(net.bits, net.bits);
                last.checked_add(1).filter(|start| *start <= net.last()).ok_or_else(full)?
            }
        };
        let next = Net { addr: start, bits: net.bits, prefix };
        out.push(Value::string(&Net::show(next.addr, next.bits, prefix.into())));
        previous = Some(next);
    }
    Ok(Value::list(Type::String, out))
}

fn longer_prefix(net: &Net, by: i64) -> Result<u32, String> {
    if by < 1 {
        return Err("must extend prefix by at least one bit".into());
    }
    if by > 32 {
        return Err("may not extend prefix by more than 32 bits".into());
    }
    let prefix = net.prefix + u32::try_from(by).unwrap_or(0);
    if prefix > net.bits || net.is_mapped() {
        let family = if net.bits == 32 { "IPv4" } else { "IPv6" };
        return Err(format!("would extend prefix to {prefix} bits, which is too long for an {family} address"));
    }
    Ok(prefix)
}

/// OpenTofu's `cidrcontains`: whether a network holds an address or all of another network.
fn contains(args: &[Value]) -> Outcome {
    let outer = network(args)?;
    let text = args[1].as_str().unwrap_or_default();
    let inner = match parse_addr(text) {
        Some((addr, bits)) => Net { addr, bits, prefix: bits },
        None => Net::parse(text).map_err(|_| CallError::arg(1, format!("invalid IP address or prefix: {text}")))?,
    };
    if outer.bits != inner.bits {
        return Err(CallError::new("address family mismatch: the two arguments must both be IPv4 or both be IPv6"));
    }
    Ok(Value::from(outer.addr <= inner.addr && inner.last() <= outer.last()))
}

#[cfg(test)]
mod tests {
    use super::super::filesystem::testing::run;
    use secstack_base::Value;

    #[test]
    fn hosts() {
        check("cidrhost", &["10.12.112.0/20", "268"], "10.12.113.12");
        check("cidrhost", &["10.0.0.0/8", "-16777216"], "10.0.0.0");
        check("cidrhost", &["fd00::/8", "-9223372036854775809"], "fdff:ffff:ffff:ffff:7fff:ffff:ffff:ffff");
        check("cidrhost", &["fd00::/8", "9223372036854775808"], "fd00::8000:0:0:0");
        check("cidrhost", &["::ffff:10.0.0.0/104", "1"], "0:1::ffff:a00:0");
        check("cidrhost", &["010.0.0.0/008", "1"], "10.0.0.1");
        for (net, n) in [
            ("10.0.0.0/8", "16777216"),
            ("10.0.0.0/24", "18446744073709551616"),
            ("10.0.0.0/8", "1.5"),
            ("", "1"),
            ("10.0.0.0/33", "1"),
            ("1::2::3/64", "1"),
        ] {
            check("cidrhost", &[net, n], "error");
        }
    }

    #[test]
    fn masks() {
        check("cidrnetmask", &["172.16.0.0/12"], "255.240.0.0");
        check("cidrnetmask", &["0.0.0.0/0"], "0.0.0.0");
        check("cidrnetmask", &["::ffff:10.0.0.0/100"], "ffff:ffff:ffff:ffff:ffff:ffff:f000:0");
        check("cidrnetmask", &["2001:db8::/32"], "error");
    }

    #[test]
    fn subnets() {
        check("cidrsubnet", &["10.1.2.3/16", "8", "1"], "10.1.1.0/24");
        check("cidrsubnet", &["10.0.0.0/8", "8", "-1"], "0.1.0.0/16");
        check("cidrsubnet", &["10.0.0.0/8", "-9", "0"], "<nil>");
        check("cidrsubnet", &["2001:db8::/32", "64", "18446744073709551616"], "2001:db9::/96");
        check("cidrsubnet", &["::/0", "128", "1"], "::1/128");
        check("cidrsubnet", &["::ffff:10.0.0.0/97", "2", "1"], "32.0.0.0/3");
        check("cidrsubnet", &["10.0.0.0/8", "8", "256"], "error");
        check("cidrsubnet", &["10.0.0.0/8", "1e30", "0"], "error");
        check("cidrsubnets", &["10.1.2.3/16", "4", "8", "2"], r#"["10.1.0.0/20","10.1.16.0/24","10.1.64.0/18"]"#);
        check("cidrsubnets", &["ff00::/8", "1", "1"], r#"["ff00::/9","ff80::/9"]"#);
        check("cidrsubnets", &["10.0.0.0/8"], "[]");
        for bad in
            [&["10.0.0.0/8", "1", "1", "1"], &["::/0", "1", "1", "1"], &["10.0.0.0/8", "0", "1", "1"], &["10.0.0.0/8", "33", "1", "1"]]
        {
            check("cidrsubnets", bad, "error");
        }
    }

    #[test]
    fn containment() {
        check("cidrcontains", &["10.0.0.0/8", "10.1.1.1"], "true");
        check("cidrcontains", &["10.0.0.0/8", "10.0.0.0/7"], "false");
        check("cidrcontains", &["10.0.0.0/8", "::1"], "error");
    }

    #[track_caller]
    fn check(name: &str, args: &[&str], want: &str) {
        let args: Vec<Value> = args.iter().map(|a| Value::string(a)).collect();
        assert_eq!(run(name, &args), want, "{name} {args:?}");
    }
}
