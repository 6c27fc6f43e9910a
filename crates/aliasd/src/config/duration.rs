//! How configuration and command line write a time span: `60s`, `30m`, `24h`, `90d`.

use chrono::TimeDelta;

/// A text that is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a duration is a number and one of s, m, h, d, such as 60s or 90d, at most ten years")]
pub(crate) struct MalformedDuration;

/// Far beyond any sense, and near enough that no sum with a date overflows.
const LONGEST: TimeDelta = TimeDelta::days(3650);

/// Reads a duration. There are no fractions and no sums: `90m`, not `1h30m`.
pub(crate) fn parse(text: &str) -> Result<TimeDelta, MalformedDuration> {
    let end = text.len().checked_sub(1).ok_or(MalformedDuration)?;
    let (digits, unit) = text.split_at_checked(end).ok_or(MalformedDuration)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(MalformedDuration),
    };
    // `parse` alone would admit a sign.
    if !digits.bytes().all(|it| it.is_ascii_digit()) {
        return Err(MalformedDuration);
    }
    digits
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(seconds))
        .and_then(TimeDelta::try_seconds)
        .filter(|span| *span <= LONGEST)
        .ok_or(MalformedDuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_a_duration() {
        for (text, span) in [
            ("60s", TimeDelta::seconds(60)),
            ("30m", TimeDelta::minutes(30)),
            ("1h", TimeDelta::hours(1)),
            ("14d", TimeDelta::days(14)),
            ("0s", TimeDelta::zero()),
            ("3650d", LONGEST),
        ] {
            assert_eq!(parse(text), Ok(span), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "s",
            "60",
            "1.5h",
            "1h30m",
            "-1h",
            "+1h",
            " 1h",
            "1 h",
            "1H",
            "1µ",
            "3651d",
            "99999999999999999999s",
            "9223372036854775807d",
        ] {
            assert_eq!(parse(text), Err(MalformedDuration), "{text}");
        }
    }
}
