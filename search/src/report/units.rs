//! Readable numbers: `20.3 ms`, `3.50 M`, `301 M`, `1.2 MiB`.

/// Three significant digits without an exponent: `0.0123`, `1.23`, `12.3`, `123`, `1234`.
///
/// A value that rounds up into the next decade keeps three digits there (`9.996` is `10.0`).
pub fn significant(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let mut decimals = decimals_for(value);
    let scale = 10_f64.powi(decimals);
    let rounded = (value * scale).round() / scale;
    if rounded != 0.0 {
        decimals = decimals.min(decimals_for(rounded));
    }
    format!("{rounded:.*}", decimals.max(0) as usize)
}

fn decimals_for(value: f64) -> i32 {
    (2 - value.abs().log10().floor() as i32).clamp(0, 9)
}

/// A latency with its unit: `20.3 ms`, `0.412 ms`.
pub fn milliseconds(value: f64) -> String {
    format!("{} ms", significant(value))
}

/// A count with a decimal prefix and three significant digits: `950`, `68.4 k`, `3.50 M`, `301 M`, `1.23 G`.
pub fn count(value: u64) -> String {
    const PREFIXES: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    for (size, prefix) in PREFIXES {
        // 999 600 reads `1.00 M`, not `1000 k`.
        if value as f64 >= size * 0.9995 && value >= 1000 {
            return format!("{} {prefix}", significant(value as f64 / size));
        }
    }
    value.to_string()
}

/// A count with all its digits, in groups of three: `3,504,872`.
pub fn grouped(value: u64) -> String {
    grouped_digits(&value.to_string())
}

/// The decimal digits of a whole number of any size in groups of three.
pub fn grouped_digits(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes with a binary prefix: `512 B`, `1.20 MiB`.
pub fn bytes(value: u64) -> String {
    const PREFIXES: [(u32, &str); 3] = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    for (shift, prefix) in PREFIXES {
        if value >= 1 << shift {
            return format!("{} {prefix}", significant(value as f64 / (1_u64 << shift) as f64));
        }
    }
    format!("{value} B")
}

/// An accuracy in percent with two decimals and its sign: `74.31 %`.
pub fn percent(value: f64) -> String {
    format!("{value:.2} %")
}

/// A score, which is a rank and not an accuracy: `score 87.3`.
pub fn score(value: f64) -> String {
    format!("score {value:.1}")
}

/// A difference in size as words: `1.20 ms less`, `0.310 ms more`, `equal`.
pub fn lead(saved: f64, unit: &str) -> String {
    let amount = significant(saved.abs());
    match saved.total_cmp(&0.0) {
        std::cmp::Ordering::Greater => format!("{amount} {unit} less"),
        std::cmp::Ordering::Less if saved < 0.0 => format!("{amount} {unit} more"),
        _ => "equal".to_owned(),
    }
}

/// A number of threads: `1 thread`, `2 threads`.
pub fn threads(count: usize) -> String {
    format!("{count} thread{}", if count == 1 { "" } else { "s" })
}

/// A number of epochs: `1 epoch`, `12 epochs`.
pub fn epochs(count: u32) -> String {
    format!("{count} epoch{}", if count == 1 { "" } else { "s" })
}

/// A duration for progress lines and tables: `41 s`, `3 min 05 s`, `2 h 07 min`.
pub fn seconds(value: f64) -> String {
    if !value.is_finite() || value < 0.0 {
        return "–".to_owned();
    }
    if value < 10.0 {
        return format!("{value:.1} s");
    }
    let whole = value.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_significant_digits() {
        let cases = [
            (0.01234, "0.0123"),
            (1.234, "1.23"),
            (9.996, "10.0"),
            (20.3, "20.3"),
            (123.4, "123"),
            (1234.0, "1234"),
        ];
        for (value, expected) in cases {
            assert_eq!(significant(value), expected);
        }
        assert_eq!(significant(f64::NAN), "–");
        assert_eq!(milliseconds(20.31), "20.3 ms");
        assert_eq!(milliseconds(99.96), "100 ms");
    }

    #[test]
    fn counts_use_the_prefix_the_papers_use() {
        let cases = [
            (0, "0"),
            (950, "950"),
            (68_400, "68.4 k"),
            (3_504_872, "3.50 M"),
            (300_774_272, "301 M"),
            (999_600, "1.00 M"),
        ];
        for (value, expected) in cases {
            assert_eq!(count(value), expected);
        }
        assert_eq!(count(4_100_000_000), "4.10 G");
        assert_eq!(bytes(4_816_896), "4.59 MiB");
        assert_eq!(bytes(12), "12 B");
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let texts = [0, 999, 1000, 3_504_872].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "3,504,872"]);
    }

    #[test]
    fn durations_change_unit_with_size() {
        assert_eq!(seconds(3.21), "3.2 s");
        assert_eq!(seconds(41.4), "41 s");
        assert_eq!(seconds(185.0), "3 min 05 s");
        assert_eq!(seconds(7620.0), "2 h 07 min");
    }
}
