//! Logarithm and power of 64-bit floats to the last bit as Terraform's runtime computes them.
//!
//! Results differ between mathematical libraries in the last bit, and a plan shows all digits. So the
//! methods are spelled out: the logarithm of FreeBSD's library, the exponential of N. Shibata's SLEEF.

/// The natural logarithm.
pub(crate) fn log(x: f64) -> f64 {
    const LN2_HI: f64 = 6.931_471_803_691_238e-1;
    const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;
    const ODD: [f64; 4] = [6.666_666_666_666_735e-1, 2.857_142_874_366_239e-1, 1.818_357_216_161_805e-1, 1.479_819_860_511_658_6e-1];
    const EVEN: [f64; 3] = [3.999_999_999_940_942e-1, 2.222_219_843_214_978_4e-1, 1.531_383_769_920_937_3e-1];
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    let (mut fraction, mut exponent) = split(x);
    if fraction < std::f64::consts::FRAC_1_SQRT_2 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let f = fraction - 1.0;
    let k = f64::from(exponent);
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let t1 = s2 * (ODD[0] + s4 * (ODD[1] + s4 * (ODD[2] + s4 * ODD[3])));
    let t2 = s4 * (EVEN[0] + s4 * (EVEN[1] + s4 * EVEN[2]));
    let half_square = 0.5 * f * f;
    k * LN2_HI - ((half_square - (s * (half_square + (t1 + t2)) + k * LN2_LO)) - f)
}

/// `e` to the power of `x`.
fn exp(x: f64) -> f64 {
    const LN2_HI: f64 = 0.693147180559663;
    const LN2_LO: f64 = 2.8235290563031577e-13;
    const TAYLOR: [f64; 7] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0];
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x > 7.097_827_128_933_84e2 {
        return f64::INFINITY;
    }
    if x == f64::NEG_INFINITY {
        return 0.0;
    }
    let k = (std::f64::consts::LOG2_E * x).round_ties_even();
    let r = k.mul_add(-LN2_LO, k.mul_add(-LN2_HI, x)) * 0.0625;
    let mut sum = 1.0 / 40320.0;
    for c in &TAYLOR {
        sum = r.mul_add(sum, *c);
    }
    // `y` is the exponential less one; each step squares the exponential.
    let mut y = r * sum;
    for _ in 0..3 {
        y *= y + 2.0;
    }
    let last = y + 2.0;
    join(last.mul_add(y, 1.0), clamp(k))
}

fn clamp(k: f64) -> i32 {
    // In range for every finite argument that did not overflow; far below it is zero anyway.
    k.max(-5000.0) as i32
}

/// `x` to the power of `y`.
pub(crate) fn pow(x: f64, y: f64) -> f64 {
    let odd = y.abs() < 9_007_199_254_740_992.0 && y.trunc() == y && y % 2.0 != 0.0;
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    if y == 1.0 {
        return x;
    }
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    if x == 0.0 || x.is_infinite() || y.is_infinite() {
        return pow_of_extremes(x, y, odd);
    }
    if y == 0.5 {
        return x.sqrt();
    }
    if y == -0.5 {
        return 1.0 / x.sqrt();
    }
    let (mut whole, mut part) = (y.abs().trunc(), y.abs().fract());
    if part != 0.0 && x < 0.0 {
        return f64::NAN;
    }
    if whole >= 9.223_372_036_854_776e18 {
        return match (x == -1.0, (x.abs() < 1.0) == (y > 0.0)) {
            (true, _) => 1.0,
            (false, true) => 0.0,
            (false, false) => f64::INFINITY,
        };
    }
    let mut result = 1.0;
    let mut exponent = 0i32;
    if part != 0.0 {
        if part > 0.5 {
            part -= 1.0;
            whole += 1.0;
        }
        result = exp(part * log(x));
    }
    let (mut square, mut square_exponent) = split(x);
    let mut bits = whole as i64;
    while bits != 0 {
        if !(-(1 << 12)..=1 << 12).contains(&square_exponent) {
            exponent = exponent.saturating_add(square_exponent);
            break;
        }
        if bits & 1 == 1 {
            result *= square;
            exponent += square_exponent;
        }
        square *= square;
        square_exponent <<= 1;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        bits >>= 1;
    }
    match y < 0.0 {
        true => join(1.0 / result, -exponent),
        false => join(result, exponent),
    }
}

fn pow_of_extremes(x: f64, y: f64, odd: bool) -> f64 {
    if y.is_infinite() {
        return match (x == -1.0, (x.abs() < 1.0) == (y > 0.0)) {
            (true, _) => 1.0,
            (false, true) => 0.0,
            (false, false) => f64::INFINITY,
        };
    }
    let size = if (x == 0.0) == (y > 0.0) { 0.0 } else { f64::INFINITY };
    if odd { size.copysign(x) } else { size }
}

/// `x` as a fraction from 0.5 to 1 and a power of two.
fn split(x: f64) -> (f64, i32) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let (x, shift) = if x.abs() < f64::MIN_POSITIVE { (x * 4_503_599_627_370_496.0, -52) } else { (x, 0) };
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1022 + shift;
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), exponent)
}

/// `fraction * 2^exponent`, rounded once.
fn join(fraction: f64, exponent: i32) -> f64 {
    let (fraction, more) = split(fraction);
    let exponent = exponent.saturating_add(more);
    if fraction == 0.0 || !fraction.is_finite() {
        return fraction;
    }
    if exponent > 1024 {
        return f64::INFINITY.copysign(fraction);
    }
    if exponent < -1080 {
        return 0f64.copysign(fraction);
    }
    let power = |e: i32| f64::from_bits(((e + 1023) as u64) << 52);
    match exponent > -1021 {
        true => fraction * 2.0 * power(exponent - 1),
        false => fraction * power(exponent + 1000) * power(-1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_results() {
        for (got, want) in [
            (log(1000.0) / log(10.0), 2.999_999_999_999_999_6),
            (pow(2.0, 10.0), 1024.0),
            (pow(2.0, -1.0), 0.5),
            (pow(-2.0, 3.0), -8.0),
            (pow(0.0, -1.0), f64::INFINITY),
            (pow(9.0, 0.5), 3.0),
            (pow(2.0, 2000.0), f64::INFINITY),
            (pow(2.0, -2000.0), 0.0),
            (log(0.0), f64::NEG_INFINITY),
        ] {
            assert_eq!(got, want);
        }
    }
}
